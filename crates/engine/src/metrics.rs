//! What the engine counts, under the names the old dashboards know.

use crate::check::Checked;
use model::{Timestamp, WatchKind};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Backlog, Stopwatch, Task};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Watched {
    watch: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Queue {
    queue: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Through {
    direction: &'static str,
    status: &'static str,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.005, 2.0, 16))
}

/// The queues of the hand-out. Inside one process only the first two can hold anything: a task that failed goes back to
/// the schedule, and what was seen is recorded by whoever saw it.
const QUEUES: [&str; 7] =
    ["tasks", "tasks_processing", "tasks_dead", "results", "results_processing", "results_dead", "schedule"];

/// The engine's metrics; handles are held, so counting costs nanoseconds.
pub struct EngineMetrics {
    waiting: Gauge,
    /// Claimed and not begun, by lane.
    lanes: Mutex<BTreeMap<WatchKind, usize>>,
    /// Work is handed out over streams: the queues are theirs.
    streams: AtomicBool,
    pushed: Counter,
    skipped: Counter,
    processed: Family<Status, Counter>,
    duration: Histogram,
    throughput: Family<Through, Gauge>,
    in_progress: Family<Watched, Gauge>,
    market_in_progress: Gauge,
    market_processed: Family<Status, Counter>,
    queue: Family<Queue, Gauge>,
    depth: Family<Name, Gauge>,
    dead: Counter,
    lag: Histogram,
    record: Family<Watched, Histogram, fn() -> Histogram>,
    account_checks: Histogram,
    statements: Histogram,
    admission: Histogram,
    due: Family<Watched, Gauge>,
    due_age: Family<Watched, Seconds>,
    background_lag: Seconds,
}

type Seconds = Gauge<f64, AtomicU64>;

impl EngineMetrics {
    /// Makes and registers them.
    pub fn new(registry: &mut Registry) -> Self {
        let m = Self {
            waiting: Gauge::default(),
            lanes: Mutex::default(),
            streams: AtomicBool::new(false),
            pushed: Counter::default(),
            skipped: Counter::default(),
            processed: Family::default(),
            duration: seconds(),
            throughput: Family::default(),
            in_progress: Family::default(),
            market_in_progress: Gauge::default(),
            market_processed: Family::default(),
            queue: Family::default(),
            depth: Family::default(),
            dead: Counter::default(),
            lag: seconds(),
            record: Family::new_with_constructor(seconds),
            account_checks: seconds(),
            // An index range of SQLite takes some ten microseconds.
            statements: Histogram::new(exponential_buckets(0.000_05, 2.5, 14)),
            admission: seconds(),
            due: Family::default(),
            due_age: Family::default(),
            background_lag: Gauge::default(),
        };
        m.register_in(registry);
        m.begin();
        m
    }

    /// Registers the same metrics in a further registry.
    pub fn register_in(&self, registry: &mut Registry) {
        self.register(registry);
        self.register_times(registry);
    }

    fn register(&self, r: &mut Registry) {
        r.register(
            "animetop_scheduler_tasks_pending_in_queue",
            "Claimed targets that wait for their turn",
            self.waiting.clone(),
        );
        r.register("animetop_scheduler_tasks_pushed", "Targets claimed", self.pushed.clone());
        r.register("animetop_scheduler_tasks_skipped", "Claims left out for back-pressure", self.skipped.clone());
        r.register("animetop_tasks_processed", "Checks by outcome", self.processed.clone());
        r.register("animetop_task_processing_duration_seconds", "Duration of a check", self.duration.clone());
        r.register("crawler_task_throughput", "Tasks handed in and out since start", self.throughput.clone());
        r.register("tidewatch_checks_in_progress", "Checks running, by watch", self.in_progress.clone());
        r.register("mercari_crawler_tasks_in_progress", "Crawls running", self.market_in_progress.clone());
        r.register("mercari_crawler_tasks_processed", "Crawls by outcome", self.market_processed.clone());
        r.register("animetop_queue_length", "Length of a queue of the hand-out", self.queue.clone());
        r.register("crawler_queue_depth", "Depth of a queue of the hand-out", self.depth.clone());
        r.register("animetop_queue_dlq", "Messages moved to dead letters", self.dead.clone());
        r.register("tidewatch_schedule_lag_seconds", "From due to claimed", self.lag.clone());
    }

    /// What is known from the start, at zero.
    fn begin(&self) {
        for queue in QUEUES {
            self.length(queue, 0);
        }
        for status in Checked::STATUSES {
            self.processed.get_or_create(&Status { status }).inc_by(0);
            self.market_processed.get_or_create(&Status { status }).inc_by(0);
            self.throughput.get_or_create(&Through { direction: "out", status }).set(0);
        }
        self.throughput.get_or_create(&Through { direction: "in", status: "success" }).set(0);
    }

    fn register_times(&self, r: &mut Registry) {
        r.register("tidewatch_record_duration_seconds", "From seen to committed", self.record.clone());
        let help = "Duration of a check of an account, a key, a renewal or a mailbox";
        r.register("balance_alert_monitor_execution_time_seconds", help, self.account_checks.clone());
        let help = "Duration of a statement or a commit";
        r.register("animetop_db_query_duration_seconds", help, self.statements.clone());
        let help = "How long requests waited for their turn at an upstream";
        r.register("animetop_ratelimit_wait_duration_seconds", help, self.admission.clone());
        r.register("tidewatch_due_targets", "Targets that are due and not claimed", self.due.clone());
        let help = "How long the oldest of them has been due";
        r.register("tidewatch_due_age_seconds", help, self.due_age.clone());
        let help = "How long the oldest target of any watch has been due";
        r.register("balance_alert_background_task_lag_seconds", help, self.background_lag.clone());
    }

    fn length(&self, queue: &'static str, n: i64) {
        self.queue.get_or_create(&Queue { queue }).set(n);
        self.depth.get_or_create(&Name { name: queue }).set(n);
    }

    /// Times the statements of a store, see [`store::Store::timed`].
    pub fn stopwatch(&self) -> Stopwatch {
        let statements = self.statements.clone();
        Arc::new(move |took| statements.observe(took.as_secs_f64()))
    }

    /// Where waits for a turn at an upstream are counted, in seconds.
    pub fn admission(&self) -> Histogram {
        self.admission.clone()
    }

    /// What is due and not claimed, of every watch.
    pub fn backlog(&self, all: &[(WatchKind, Backlog)], now: Timestamp) {
        let (mut count, mut oldest) = (0, 0.0f64);
        for (kind, backlog) in all {
            let watched = Watched { watch: kind.as_str() };
            let age = backlog.oldest.map_or(0.0, |since| now.since(since).as_secs_f64());
            self.due.get_or_create(&watched).set(signed(backlog.count));
            self.due_age.get_or_create(&watched).set(age);
            count += backlog.count;
            oldest = oldest.max(age);
        }
        self.background_lag.set(oldest);
        self.length("schedule", signed(count));
    }

    pub(crate) fn recorded(&self, kind: WatchKind, took: Duration) {
        self.record.get_or_create(&Watched { watch: kind.as_str() }).observe(took.as_secs_f64());
    }

    pub(crate) fn waiting(&self, kind: WatchKind, n: usize) {
        let n = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.insert(kind, n);
            i64::try_from(lanes.values().sum::<usize>()).unwrap_or(i64::MAX)
        };
        self.waiting.set(n);
        if !self.streams.load(Ordering::Relaxed) {
            self.length("tasks", n);
        }
    }

    /// The lengths of the queues by name, when work is handed out over streams.
    pub fn streams(&self, lengths: &[(&'static str, u64)]) {
        self.streams.store(true, Ordering::Relaxed);
        for (queue, n) in lengths {
            self.length(queue, signed(*n));
        }
    }

    /// Checks running in this process.
    pub fn running(&self) -> u64 {
        let kinds =
            WatchKind::ALL.iter().map(|kind| self.in_progress.get_or_create(&Watched { watch: kind.as_str() }).get());
        kinds.filter_map(|n| u64::try_from(n).ok()).sum()
    }

    /// A message was moved to the dead letters.
    pub fn buried(&self) {
        self.dead.inc();
    }

    pub(crate) fn skipped(&self) {
        self.skipped.inc();
    }

    pub(crate) fn claimed(&self, tasks: &[Task], now: Timestamp) {
        self.pushed.inc_by(tasks.len() as u64);
        self.throughput.get_or_create(&Through { direction: "in", status: "success" }).inc_by(tasks.len() as i64);
        for task in tasks {
            self.lag.observe(now.since(task.due).as_secs_f64());
        }
    }

    pub(crate) fn in_progress(&self, kind: WatchKind) -> InProgress {
        let mut gauges = vec![self.in_progress.get_or_create(&Watched { watch: kind.as_str() }).clone()];
        if !self.streams.load(Ordering::Relaxed) {
            gauges.push(self.queue.get_or_create(&Queue { queue: "tasks_processing" }).clone());
            gauges.push(self.depth.get_or_create(&Name { name: "tasks_processing" }).clone());
        }
        gauges.extend((kind == WatchKind::Market).then(|| self.market_in_progress.clone()));
        for gauge in &gauges {
            gauge.inc();
        }
        InProgress(gauges)
    }

    pub(crate) fn checked(&self, kind: WatchKind, status: &'static str, took: Duration) {
        self.processed.get_or_create(&Status { status }).inc();
        self.throughput.get_or_create(&Through { direction: "out", status }).inc();
        if kind == WatchKind::Market {
            self.market_processed.get_or_create(&Status { status }).inc();
        } else {
            self.account_checks.observe(took.as_secs_f64());
        }
        self.duration.observe(took.as_secs_f64());
    }
}

/// Counts a running check while it lives.
pub(crate) struct InProgress(Vec<Gauge>);

impl Drop for InProgress {
    fn drop(&mut self) {
        for gauge in &self.0 {
            gauge.dec();
        }
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
