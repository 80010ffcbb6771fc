//! The world that is killed over and over, and the process that lives in it until it is.

use crate::world::{World, WorldOptions};
use async_trait::async_trait;
use engine::{EngineOptions, FetchError, Recorded, Registered, Seen, Simulated, Watch};
use market::fetch::stream::{Brief, Crawl, SearchPages};
use market::{MarketOptions, MarketWatch};
use model::{HOUR, Timestamp, WatchKind};
use sim::{MarketConfig, Profile};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Store, StoreError, Task, Tx};

/// What a living child says, one byte each.
pub mod sign {
    /// The database is open and the run begins.
    pub const OPEN: u8 = b'o';
    /// A record transaction has begun.
    pub const BEGUN: u8 = b'b';
    /// A record was committed.
    pub const COMMITTED: u8 = b'c';
}

/// The size of a run.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Simulated days.
    pub days: i64,
    /// IPs watched.
    pub ips: usize,
    /// Seed of the market.
    pub seed: u64,
}

const HOT: [f64; 6] = [2.0, 0.3, 8.0, 1.0, 30.0, 4.0];

/// When every run begins: off the hour and off the slot, as life is.
pub fn begins() -> Timestamp {
    Timestamp::parse("2026-11-02T00:03:20+09:00").unwrap_or_default()
}

/// The world of a run over the database at `path`. Retention is short, so that rows also go.
pub fn options(path: &Path, scale: Scale) -> WorldOptions {
    let profile = |i: usize| Profile::named(&format!("作品{i:02}"), HOT[i % HOT.len()], 0.4);
    let mut market = MarketConfig::new(scale.seed, (0..scale.ips).map(profile).collect(), begins().millis());
    market.history_days = 2;
    market.quirks.page_drift_ms = 700;
    let mut options = MarketOptions::default();
    options.retention.hourly = Duration::from_secs(5 * 86_400);
    options.retention.items = Duration::from_secs(3 * 86_400);
    options.retention.sales = Duration::from_secs(4 * 86_400);
    // Crawls more often than by default: more records in the same market.
    options.schedule.base_interval = Duration::from_secs(3_600);
    options.schedule.max_interval = Duration::from_secs(5_400);
    options.schedule.min_interval = Duration::from_secs(1_800);
    let engine = EngineOptions { housekeeping: Duration::from_secs(3_600), ..EngineOptions::default() };
    WorldOptions { market, options, engine, url: format!("sqlite://{}", path.display()) }
}

/// Lives until the end of the run, or until it is killed; says on stdout how far it has come.
pub async fn live(path: &Path, scale: Scale) -> Result<Simulated, StoreError> {
    let options = options(path, scale);
    let watch = MarketOptions::clone(&options.options);
    let mut world = World::open(options).await?;
    // As the product does once it holds the lock of the data directory: whoever held a lease is dead.
    store::release_all_leases(world.store()).await?;
    let pages = Arc::clone(&world.pages) as Arc<dyn SearchPages>;
    world.watches = vec![Arc::new(Outspoken(MarketWatch::new(pages, watch))) as Arc<dyn Registered>];
    let mut events = world.engine.subscribe();
    let listener = tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            if event.name == "crawl" {
                say(sign::COMMITTED);
            }
        }
    });
    say(sign::OPEN);
    let done = world.run(begins().plus(scale.days * 24 * HOUR), |_, _| ()).await?;
    world.store().close().await;
    listener.abort();
    Ok(done)
}

fn say(sign: u8) {
    let mut out = std::io::stdout().lock();
    // Nobody listening is the parent's affair.
    let _ = out.write_all(&[sign]).and_then(|()| out.flush());
}

/// The market watch, saying when a record transaction has begun.
struct Outspoken(MarketWatch);

#[async_trait]
impl Watch for Outspoken {
    type Brief = Brief;
    type Observation = Crawl;

    fn kind(&self) -> WatchKind {
        Watch::kind(&self.0)
    }

    async fn brief(&self, store: &Store, task: &Task) -> Result<Option<Brief>, StoreError> {
        self.0.brief(store, task).await
    }

    async fn fetch(&self, brief: &Brief) -> Result<Crawl, FetchError> {
        self.0.fetch(brief).await
    }

    async fn record(&self, tx: &mut Tx, task: &Task, seen: Seen<'_, Crawl>) -> Result<Recorded, StoreError> {
        say(sign::BEGUN);
        self.0.record(tx, task, seen).await
    }

    async fn fail(&self, tx: &mut Tx, task: &Task, error: &FetchError, now: Timestamp) -> Result<Recorded, StoreError> {
        self.0.fail(tx, task, error, now).await
    }

    async fn housekeep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        Watch::housekeep(&self.0, store, now).await
    }
}
