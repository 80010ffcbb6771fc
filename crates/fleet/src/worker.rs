//! Fetches what is handed out: a process that needs Redis only.

use crate::queue::{Entry, Queue};
use crate::taking::Taking;
use crate::{FleetError, Link};
use engine::{Errand, FetchError, Report, Travels};
use model::{SharedClock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trace::tracing::Instrument as _;

/// How to work.
#[derive(Clone, Debug)]
pub struct Worker {
    /// A name no other process has.
    pub name: String,
    /// Tasks at the same time.
    pub capacity: usize,
    /// Deadline of a task, by the clock.
    pub task_timeout: Duration,
    /// A task that was taken and has shown no sign of life for so long is taken by another.
    pub orphan_after: Duration,
    /// A task taken so often without an end is given up.
    pub max_deliveries: u32,
    /// How long running tasks may finish after the stop signal; then they are handed back.
    pub drain: Duration,
}

/// What a worker has to do at present.
#[derive(Debug, Default)]
pub struct Load {
    running: AtomicUsize,
    done: AtomicUsize,
    /// Milliseconds from handing out to beginning; -1 before the first.
    lag_ms: AtomicI64,
}

impl Load {
    /// Nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { lag_ms: AtomicI64::new(-1), ..Self::default() })
    }

    /// Tasks under way.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Tasks ended since the start.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// How long the last task had waited; `None` before the first.
    pub fn lag(&self) -> Option<Duration> {
        u64::try_from(self.lag_ms.load(Ordering::Relaxed)).ok().map(Duration::from_millis)
    }
}

/// A deadline below this would only measure the machine (clocks that run fast shorten the real one).
const SHORTEST: Duration = Duration::from_secs(10);

struct Bench<W> {
    /// By which watch a task is fetched that begins now.
    newest: Box<dyn Fn() -> Arc<W> + Send + Sync>,
    clock: SharedClock,
    tasks: Queue,
    results: Queue,
    worker: Worker,
    load: Arc<Load>,
    /// The drain time is over.
    abort: CancellationToken,
}

/// Works until `stop`: then takes nothing more, lets what runs finish within the drain time and hands back the rest.
/// Each task asks `newest` for the watch it begins with, and ends with that.
pub async fn work<W: Travels>(
    newest: impl Fn() -> Arc<W> + Send + Sync + 'static,
    link: Link,
    (clock, load): (SharedClock, Arc<Load>),
    worker: Worker,
    stop: CancellationToken,
) {
    let (tasks, results) = (Queue::tasks(&link), Queue::results(&link));
    let newest = Box::new(newest);
    let bench = Arc::new(Bench { newest, clock, tasks, results, worker, load, abort: CancellationToken::new() });
    let tracker = TaskTracker::new();
    bench.take(&tracker, &stop).await;
    tracker.close();
    if tokio::time::timeout(bench.worker.drain, tracker.wait()).await.is_err() {
        tracing::warn!(tasks = bench.load.running(), "still running after the drain time: handed back");
        bench.abort.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(5), tracker.wait()).await;
    }
    let _ = bench.tasks.leave(&bench.worker.name).await;
}

impl<W: Travels> Bench<W> {
    async fn take(self: &Arc<Self>, tracker: &TaskTracker, stop: &CancellationToken) {
        let taking = Taking {
            reader: self.tasks.reader(&self.worker.name),
            at_once: self.worker.capacity,
            orphan_after: self.worker.orphan_after,
        };
        let each = |entry| {
            let bench = Arc::clone(self);
            async move {
                bench.load.running.fetch_add(1, Ordering::Relaxed);
                bench.one(entry).await;
                bench.load.running.fetch_sub(1, Ordering::Relaxed);
                bench.load.done.fetch_add(1, Ordering::Relaxed);
            }
        };
        taking.run(tracker, stop, each).await;
    }

    async fn one(&self, entry: Entry) {
        let watch = (self.newest)();
        let errand = match watch.read_errand(&entry.message) {
            Ok(errand) => errand,
            Err(reason) => {
                tracing::error!(reason, entry = entry.id, "a task that cannot be read goes to the dead letters");
                return self.until_told(&entry, None, &End::Unreadable(reason)).await;
            }
        };
        let (begun, task_id) = (self.clock.now(), errand.task_id.clone());
        if errand.lease_until.is_some_and(|until| until <= begun) {
            tracing::info!(task_id, "too late: its lease has run out, and it is due again");
            return self.until_told(&entry, None, &End::TooLate).await;
        }
        if entry.deliveries > u64::from(self.worker.max_deliveries) {
            return self.give_up(&watch, &entry, &errand, begun).await;
        }
        let lag = i64::try_from(begun.since(errand.handed_at).as_millis()).unwrap_or(i64::MAX);
        self.load.lag_ms.store(lag, Ordering::Relaxed);
        let span = trace::span!("worker", task_id = task_id.as_str(), ref_id = errand.ref_id);
        if let Some(origin) = &errand.origin {
            trace::follow(&span, origin);
        }
        let started = Instant::now();
        let outcome = tokio::select! {
            outcome = self.fetch(&watch, &errand, begun).instrument(span) => outcome,
            () = self.keep(&entry) => return,
            () = self.abort.cancelled() => return self.hand_back(&entry).await,
        };
        let status = outcome.as_ref().err().map_or("success", FetchError::class);
        let duration_seconds = started.elapsed().as_secs_f64();
        match &outcome {
            Err(e) if !matches!(e, FetchError::Postponed(_)) => {
                tracing::warn!(task_id, ref_id = errand.ref_id, duration_seconds, class = status, error = %e, "failed");
            }
            _ => tracing::info!(task_id, ref_id = errand.ref_id, duration_seconds, status, "fetched"),
        }
        let report = Report {
            task_id: errand.task_id,
            ref_id: errand.ref_id,
            outcome,
            handed_at: Some(errand.handed_at),
            seen_at: begun,
            origin: errand.origin,
        };
        self.until_told(&entry, errand.lease_until, &End::Reported(watch.write_report(&report))).await;
    }

    async fn fetch(
        &self,
        watch: &W,
        errand: &Errand<W::Brief>,
        begun: Timestamp,
    ) -> Result<W::Observation, FetchError> {
        // Nobody wants to know after the lease.
        let left = errand.lease_until.map_or(self.worker.task_timeout, |until| until.since(begun));
        let timeout = self.worker.task_timeout.min(left);
        let deadline = self.clock.real(timeout).max(SHORTEST);
        engine::fetch(watch, &errand.brief, deadline, timeout).await
    }

    /// Shows a sign of life as long as it lives; never ends.
    async fn keep(&self, entry: &Entry) {
        loop {
            tokio::time::sleep(self.worker.orphan_after / 3).await;
            if let Err(e) = self.tasks.keep(&self.worker.name, &entry.id).await {
                tracing::debug!(error = %e, "no sign of life could be given");
            }
        }
    }

    /// Taken again and again without an end: whoever takes it dies of it.
    async fn give_up(&self, watch: &W, entry: &Entry, errand: &Errand<W::Brief>, now: Timestamp) {
        let reason = format!("taken {} times without an end", entry.deliveries);
        tracing::error!(task_id = errand.task_id, reason, "goes to the dead letters");
        let report = Report {
            task_id: errand.task_id.clone(),
            ref_id: errand.ref_id,
            outcome: Err(FetchError::Transient(reason.clone())),
            handed_at: Some(errand.handed_at),
            seen_at: now,
            origin: errand.origin.clone(),
        };
        let message = watch.write_report(&report);
        self.until_told(entry, errand.lease_until, &End::GivenUp { reason, message }).await;
    }

    async fn hand_back(&self, entry: &Entry) {
        if let Err(e) = self.tasks.done_with(&entry.id, &self.tasks, &entry.message).await {
            tracing::warn!(error = %e, "not handed back; another takes it when it has been silent long enough");
        }
    }

    /// Tries until Redis has it, or nobody wants it any more. What it cannot tell is found by its silence.
    async fn until_told(&self, entry: &Entry, until: Option<Timestamp>, end: &End) {
        let mut pause = Duration::from_millis(100);
        loop {
            let Err(e) = self.tell(entry, end).await else { return };
            let given_up = until.is_none_or(|until| self.clock.now() >= until) || self.abort.is_cancelled();
            if given_up {
                tracing::warn!(error = %e, "not told; it is due again when its lease runs out");
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    async fn tell(&self, entry: &Entry, end: &End) -> Result<(), FleetError> {
        match end {
            End::Reported(message) => self.tasks.done_with(&entry.id, &self.results, message).await,
            End::TooLate => self.tasks.done(&entry.id).await,
            End::Unreadable(reason) => self.tasks.bury(entry, reason, self.clock.now()).await,
            End::GivenUp { reason, message } => {
                self.results.push(message).await?;
                self.tasks.bury(entry, reason, self.clock.now()).await
            }
        }
    }
}

/// How a task ends for this worker.
enum End {
    /// With a report.
    Reported(String),
    /// Nobody wants to know any more.
    TooLate,
    /// It is no errand.
    Unreadable(String),
    /// Nobody gets to its end.
    GivenUp { reason: String, message: String },
}
