//! What the engine counts, under the names the old dashboards know.

use model::{Timestamp, WatchKind};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use store::Task;

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

/// The engine's metrics; handles are held, so counting costs nanoseconds.
pub struct EngineMetrics {
    waiting: Gauge,
    /// Claimed and not begun, by lane.
    lanes: Mutex<BTreeMap<WatchKind, usize>>,
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
}

impl EngineMetrics {
    /// Makes and registers them.
    pub fn new(registry: &mut Registry) -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.005, 2.0, 16));
        let m = Self {
            waiting: Gauge::default(),
            lanes: Mutex::default(),
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
        };
        m.register(registry);
        m
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
        for queue in ["tasks", "tasks_processing", "tasks_dead", "results", "results_processing", "results_dead"] {
            self.queue.get_or_create(&Queue { queue }).set(0);
        }
    }

    pub(crate) fn waiting(&self, kind: WatchKind, n: usize) {
        let n = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.insert(kind, n);
            i64::try_from(lanes.values().sum::<usize>()).unwrap_or(i64::MAX)
        };
        self.waiting.set(n);
        self.queue.get_or_create(&Queue { queue: "tasks" }).set(n);
        self.depth.get_or_create(&Name { name: "tasks" }).set(n);
    }

    /// The number of targets that are due and not claimed.
    pub fn schedule_depth(&self, n: u64) {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        self.queue.get_or_create(&Queue { queue: "schedule" }).set(n);
        self.depth.get_or_create(&Name { name: "schedule" }).set(n);
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
        let gauge = self.in_progress.get_or_create(&Watched { watch: kind.as_str() }).clone();
        gauge.inc();
        let market = (kind == WatchKind::Market).then(|| self.market_in_progress.clone());
        if let Some(market) = &market {
            market.inc();
        }
        InProgress(gauge, market)
    }

    pub(crate) fn checked(&self, kind: WatchKind, status: &'static str, took: Duration) {
        self.processed.get_or_create(&Status { status }).inc();
        self.throughput.get_or_create(&Through { direction: "out", status }).inc();
        if kind == WatchKind::Market {
            self.market_processed.get_or_create(&Status { status }).inc();
        }
        self.duration.observe(took.as_secs_f64());
    }
}

/// Counts a running check while it lives.
pub(crate) struct InProgress(Gauge, Option<Gauge>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.dec();
        if let Some(market) = &self.1 {
            market.dec();
        }
    }
}
