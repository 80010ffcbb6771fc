//! Claims what is due, runs it within bounds, sleeps until the next due time or a hint.

use crate::check::Checked;
use crate::{Engine, Registered};
use model::WatchKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{Claim, StoreError, Task};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Runs until `stop`: then claims nothing more, gives back what has not begun, lets the rest finish within the drain
/// time and gives back what did not.
pub async fn run(engine: Arc<Engine>, watches: Vec<Arc<dyn Registered>>, stop: CancellationToken) {
    let kinds: Vec<WatchKind> = watches.iter().map(|w| w.kind()).collect();
    let scheduler = Arc::new(Scheduler {
        permits: Semaphore::new(engine.options.in_flight.max(1)),
        waiting: AtomicUsize::new(0),
        abort: CancellationToken::new(),
        engine,
        watches,
        stop,
    });
    let tracker = TaskTracker::new();
    tracker.spawn(Arc::clone(&scheduler).housekeeping());
    while !scheduler.stop.is_cancelled() {
        let pause = match scheduler.round(&kinds, &tracker).await {
            Ok(pause) => pause,
            Err(e) => {
                tracing::error!(error = %e, "claiming failed; trying again in 5 s");
                Duration::from_secs(5)
            }
        };
        tokio::select! {
            () = scheduler.stop.cancelled() => {}
            () = scheduler.engine.hinted() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    scheduler.drain(&tracker).await;
}

struct Scheduler {
    engine: Arc<Engine>,
    watches: Vec<Arc<dyn Registered>>,
    permits: Semaphore,
    /// Claimed and not begun.
    waiting: AtomicUsize,
    stop: CancellationToken,
    abort: CancellationToken,
}

/// The shortest sleep, so that a clock that runs fast does not spin.
const MIN_PAUSE: Duration = Duration::from_millis(2);

impl Scheduler {
    /// Claims once if there is room; answers how long to sleep.
    async fn round(self: &Arc<Self>, kinds: &[WatchKind], tracker: &TaskTracker) -> Result<Duration, StoreError> {
        let options = &self.engine.options;
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.engine.metrics.waiting(waiting);
        if waiting > options.backpressure {
            self.engine.metrics.skipped();
            return Ok(Duration::from_millis(50));
        }
        let now = self.engine.clock.now();
        let token = self.engine.token();
        let claim = Claim { kinds, limit: options.batch, lease: options.lease, token: &token };
        let tasks = store::claim(&self.engine.store, &claim, now).await?;
        self.engine.metrics.claimed(&tasks, now);
        let full = tasks.len() == options.batch;
        for task in tasks {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            tracker.spawn(Arc::clone(self).one(task));
        }
        if full {
            return Ok(MIN_PAUSE);
        }
        let next = store::earliest_claimable(&self.engine.store, kinds).await?;
        let until = next.map_or(options.poll, |t| t.since(self.engine.clock.now()).min(options.poll));
        Ok(self.engine.clock.real(until).max(MIN_PAUSE))
    }

    /// Waits for a permit, then checks; gives the task back when the process stops first.
    async fn one(self: Arc<Self>, task: Task) {
        let permit = tokio::select! {
            permit = self.permits.acquire() => permit.ok(),
            () = self.stop.cancelled() => None,
        };
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let Some(_permit) = permit else { return self.give_back(&task).await };
        let Some(watch) = self.watches.iter().find(|w| w.kind() == task.kind) else { return };
        let begun = Instant::now();
        let _in_progress = self.engine.metrics.in_progress(task.kind);
        let checked = tokio::select! {
            checked = watch.check(&self.engine, &task) => checked,
            () = self.abort.cancelled() => return self.give_back(&task).await,
        };
        self.engine.metrics.checked(task.kind, checked.status(), begun.elapsed());
        log(&task, &checked, begun.elapsed());
        // A full schedule may have been waiting for this place.
        self.engine.wake();
    }

    async fn give_back(&self, task: &Task) {
        if let Err(e) = store::postpone(&self.engine.store, task, self.engine.clock.now()).await {
            tracing::warn!(task_id = task.task_id, error = %e, "not given back; due again when the lease runs out");
        }
    }

    async fn housekeeping(self: Arc<Self>) {
        // The first round at once: a process restarted more often than the interval would never come to one.
        while !self.stop.is_cancelled() {
            housekeep(&self.engine, &self.watches).await;
            let pause = self.engine.clock.real(self.engine.options.housekeeping).max(Duration::from_secs(1));
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn drain(&self, tracker: &TaskTracker) {
        tracker.close();
        if tokio::time::timeout(self.engine.options.drain, tracker.wait()).await.is_err() {
            tracing::warn!("checks still running after the drain time are given back");
            self.abort.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(5), tracker.wait()).await;
        }
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

fn log(task: &Task, checked: &Checked, took: Duration) {
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
