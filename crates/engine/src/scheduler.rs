//! Claims what is due, runs it within bounds, sleeps until the next due time or a hint.

use crate::check::Checked;
use crate::{Engine, Registered};
use model::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{Claim, StoreError, Task};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trace::tracing::{Instrument as _, Span};

/// Runs until `stop`: then claims nothing more, gives back what has not begun, lets the rest finish within the drain
/// time and gives back what did not. Every watch has a lane of its own, so that none starves another.
pub async fn run(engine: Arc<Engine>, watches: Vec<Arc<dyn Registered>>, stop: CancellationToken) {
    let (tracker, abort) = (TaskTracker::new(), CancellationToken::new());
    let mut lanes = JoinSet::new();
    for watch in &watches {
        let in_flight = watch.in_flight().unwrap_or(engine.options.in_flight).max(1);
        let lane = Arc::new(Lane {
            permits: Semaphore::new(in_flight),
            in_flight,
            waiting: AtomicUsize::new(0),
            more: AtomicBool::new(false),
            hint: Notify::new(),
            engine: Arc::clone(&engine),
            watch: Arc::clone(watch),
            stop: stop.clone(),
            abort: abort.clone(),
        });
        lanes.spawn(lane.run(tracker.clone()));
    }
    tracker.spawn(housekeeping(Arc::clone(&engine), watches, stop));
    while let Some(ended) = lanes.join_next().await {
        if let Err(e) = ended {
            tracing::error!(error = %e, "a lane of the schedule broke down");
        }
    }
    drain(&engine, &tracker, &abort).await;
}

/// The schedule of one watch.
struct Lane {
    engine: Arc<Engine>,
    watch: Arc<dyn Registered>,
    permits: Semaphore,
    in_flight: usize,
    /// Claimed and not begun.
    waiting: AtomicUsize,
    /// The last claim was full: more is due than was taken.
    more: AtomicBool,
    /// There is room again.
    hint: Notify,
    stop: CancellationToken,
    abort: CancellationToken,
}

/// The shortest sleep, so that a clock that runs fast does not spin.
const MIN_PAUSE: Duration = Duration::from_millis(2);

/// Before asking again whether there is room elsewhere.
const FULL_PAUSE: Duration = Duration::from_millis(250);

impl Lane {
    async fn run(self: Arc<Self>, tracker: TaskTracker) {
        let mut hints = self.engine.hints();
        while !self.stop.is_cancelled() {
            let pause = match self.round(&tracker).await {
                Ok(pause) => pause,
                Err(e) => {
                    tracing::error!(error = %e, "claiming failed; trying again in 5 s");
                    Duration::from_secs(5)
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => {}
                _ = hints.changed() => {}
                () = self.hint.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Claims once if there is room; answers how long to sleep.
    async fn round(self: &Arc<Self>, tracker: &TaskTracker) -> Result<Duration, StoreError> {
        let options = &self.engine.options;
        let kinds = [self.watch.kind()];
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.engine.metrics.waiting(self.watch.kind(), waiting);
        if waiting > self.backpressure() {
            self.engine.metrics.skipped();
            return Ok(Duration::from_millis(50));
        }
        let Some(batch) = self.room().await else {
            self.engine.metrics.skipped();
            return Ok(FULL_PAUSE);
        };
        let token = self.engine.token();
        let claim = Claim { kinds: &kinds, limit: batch, lease: options.lease, token: &token };
        let now = self.engine.clock.now();
        let tasks = store::claim(&self.engine.store, &claim, now).await?;
        self.engine.metrics.claimed(&tasks, now);
        let full = tasks.len() == batch;
        self.more.store(full, Ordering::Relaxed);
        for task in tasks {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            // The trace of a task begins where it is claimed; how late that was is said beside.
            let span = due(&task, now);
            tracker.spawn(Arc::clone(self).one(task).instrument(span));
        }
        if full {
            return Ok(MIN_PAUSE);
        }
        let next = store::earliest_claimable(&self.engine.store, &kinds).await?;
        let until = next.map_or(options.poll, |t| t.since(self.engine.clock.now()).min(options.poll));
        Ok(self.engine.clock.real(until).max(MIN_PAUSE))
    }

    /// Targets to claim at once; `None` while whoever looks at them has no room.
    async fn room(&self) -> Option<usize> {
        let batch = self.engine.options.batch.max(self.in_flight);
        let room = self.watch.room(&self.engine).await.unwrap_or(batch);
        (room > 0).then(|| room.min(batch))
    }

    /// A wide lane keeps half of its width waiting, so that it does not run dry between two claims.
    fn backpressure(&self) -> usize {
        self.engine.options.backpressure.max(self.in_flight / 2)
    }

    /// Waits for a permit, then checks; gives the task back when the process stops first.
    async fn one(self: Arc<Self>, task: Task) {
        let permit = tokio::select! {
            permit = self.permits.acquire() => permit.ok(),
            () = self.stop.cancelled() => None,
        };
        let left = self.waiting.fetch_sub(1, Ordering::Relaxed).saturating_sub(1);
        if left == self.backpressure() && self.more.load(Ordering::Relaxed) {
            self.hint.notify_one();
        }
        let Some(_permit) = permit else { return self.give_back(&task).await };
        let begun = Instant::now();
        let _in_progress = self.engine.metrics.in_progress(task.kind);
        let checked = tokio::select! {
            checked = self.watch.check(&self.engine, &task) => checked,
            () = self.abort.cancelled() => return self.give_back(&task).await,
        };
        self.engine.metrics.checked(task.kind, checked.status(), begun.elapsed());
        Span::current().record("status", checked.status());
        log(&task, &checked, begun.elapsed());
        // Its next time may come before the lane wakes by itself.
        self.hint.notify_one();
    }

    async fn give_back(&self, task: &Task) {
        if let Err(e) = store::postpone(&self.engine.store, task, self.engine.clock.now()).await {
            tracing::warn!(task_id = task.task_id, error = %e, "not given back; due again when the lease runs out");
        }
    }
}

async fn housekeeping(engine: Arc<Engine>, watches: Vec<Arc<dyn Registered>>, stop: CancellationToken) {
    // The first round at once: a process restarted more often than the interval would never come to one.
    while !stop.is_cancelled() {
        housekeep(&engine, &watches).await;
        let pause = engine.clock.real(engine.options.housekeeping).max(Duration::from_secs(1));
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn drain(engine: &Engine, tracker: &TaskTracker, abort: &CancellationToken) {
    tracker.close();
    if tokio::time::timeout(engine.options.drain, tracker.wait()).await.is_err() {
        tracing::warn!("checks still running after the drain time are given back");
        abort.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(5), tracker.wait()).await;
    }
}

/// One round of roll-ups and retention of every watch.
pub async fn housekeep(engine: &Engine, watches: &[Arc<dyn Registered>]) {
    for watch in watches {
        if let Err(e) = watch.housekeep(&engine.store, engine.clock.now()).await {
            tracing::error!(watch = watch.kind().as_str(), error = %e, "housekeeping failed; it is tried again");
        }
    }
}

fn due(task: &Task, now: Timestamp) -> Span {
    trace::span!(
        "due",
        watch = task.kind.as_str(),
        ref_id = task.ref_id,
        task_id = task.task_id.as_str(),
        lag_seconds = now.since(task.due).as_secs_f64(),
        status = trace::tracing::field::Empty,
    )
}

/// One line for what came of a task.
pub fn log(task: &Task, checked: &Checked, took: Duration) {
    let (watch, ref_id, task_id) = (task.kind.as_str(), task.ref_id, task.task_id.as_str());
    let duration_seconds = took.as_secs_f64();
    match checked {
        Checked::Failed(e) => {
            let failures = task.failures + 1;
            tracing::warn!(watch, ref_id, task_id, duration_seconds, class = e.class(), error = %e, failures, "failed");
        }
        Checked::Store(e) => tracing::error!(watch, ref_id, task_id, duration_seconds, error = %e, "not recorded"),
        other => tracing::debug!(watch, ref_id, task_id, duration_seconds, status = other.status(), "checked"),
    }
}
