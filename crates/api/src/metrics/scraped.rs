//! What is read at each scrape: pools, schedule, outbox, the process itself. Every query is an index range over what is
//! waiting; none grows with what was.

use crate::server::{ApiOptions, Shared};
use model::WatchKind;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use store::StoreError;

type Level = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: String,
    mode: &'static str,
}

/// The gauges, and when the process began.
pub(crate) struct Scraped {
    active: Gauge,
    idle: Gauge,
    uptime: Level,
    unfanned: Gauge,
    waiting: Gauge,
    dead: Gauge,
    outbox_age: Level,
    listeners: Gauge,
    resident: Gauge,
    open_files: Gauge,
    took: Histogram,
    started: Instant,
}

impl Scraped {
    pub(crate) fn new(registry: &mut Registry, options: &ApiOptions) -> Self {
        let s = Self {
            active: Gauge::default(),
            idle: Gauge::default(),
            uptime: Gauge::default(),
            unfanned: Gauge::default(),
            waiting: Gauge::default(),
            dead: Gauge::default(),
            outbox_age: Gauge::default(),
            listeners: Gauge::default(),
            resident: Gauge::default(),
            open_files: Gauge::default(),
            took: Histogram::new(exponential_buckets(0.000_25, 2.0, 14)),
            started: options.started,
        };
        let build: Family<Build, Gauge> = Family::default();
        build.get_or_create(&Build { version: options.version.clone(), mode: options.mode.as_str() }).set(1);
        registry.register("tidewatch_build_info", "The version, and whether the data is real", build);
        s.register(registry);
        s
    }

    fn register(&self, r: &mut Registry) {
        r.register("animetop_db_connections_active", "Connections in use", self.active.clone());
        r.register("animetop_db_connections_idle", "Connections at rest", self.idle.clone());
        r.register("animetop_service_uptime_seconds", "Seconds since the start", self.uptime.clone());
        let help = "Messages nobody has made deliveries of yet";
        r.register("tidewatch_outbox_messages", help, self.unfanned.clone());
        r.register("tidewatch_deliveries_waiting", "Deliveries to be sent", self.waiting.clone());
        r.register("tidewatch_deliveries_dead", "Deliveries given up and not swept yet", self.dead.clone());
        r.register("tidewatch_outbox_age_seconds", "Age of the oldest waiting delivery", self.outbox_age.clone());
        r.register("tidewatch_event_listeners", "Listeners of server-sent events", self.listeners.clone());
        r.register("tidewatch_scrape_duration_seconds", "What a scrape cost before it was sent", self.took.clone());
        // Only Linux tells; elsewhere the names are left out rather than zero.
        if resident().is_some() {
            r.register("tidewatch_process_resident_bytes", "Memory of the process", self.resident.clone());
            r.register("tidewatch_process_open_fds", "Open files of the process", self.open_files.clone());
        }
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) async fn refresh(&self, shared: &Shared) {
        let begun = Instant::now();
        let (active, idle) = shared.engine.store.connections();
        self.active.set(i64::from(active));
        self.idle.set(i64::from(idle));
        self.uptime.set(self.started.elapsed().as_secs_f64());
        let free = shared.listeners.available_permits();
        self.listeners.set(count(shared.options.max_listeners.saturating_sub(free)));
        self.resident.set(resident().unwrap_or_default());
        self.open_files.set(open_files().unwrap_or_default());
        // A store in trouble is for /health to tell; the metrics answer all the same, with what they last knew.
        if let Err(e) = self.ask(shared).await {
            tracing::debug!(error = %e, "the store did not answer the scrape");
        }
        self.took.observe(begun.elapsed().as_secs_f64());
    }

    async fn ask(&self, shared: &Shared) -> Result<(), StoreError> {
        let (engine, now) = (&shared.engine, shared.engine.clock.now());
        let mut all = Vec::with_capacity(WatchKind::ALL.len());
        for kind in WatchKind::ALL {
            all.push((kind, store::backlog(&engine.store, kind, now).await?));
        }
        engine.metrics.backlog(&all, now);
        let depths = notify::depths(&engine.store).await?;
        self.unfanned.set(count(depths.unfanned));
        self.waiting.set(count(depths.waiting));
        self.dead.set(count(depths.dead));
        self.outbox_age.set(depths.oldest_waiting.map_or(0.0, |since| now.since(since).as_secs_f64()));
        Ok(())
    }
}

fn count(n: impl TryInto<i64>) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

/// Bytes of memory, as Linux tells in `/proc/self/status`.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn open_files() -> Option<i64> {
    std::fs::read_dir("/proc/self/fd").ok().map(|entries| count(entries.count()))
}
