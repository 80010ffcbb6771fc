//! A whole product around a simulated market: store, engine, watch, and a clock that stands still until it is moved.

use crate::source::SimPages;
use engine::{Engine, EngineMetrics, EngineOptions, Registered, Simulated, simulate};
use market::fetch::stream::SearchPages;
use market::store::{IpDraft, add_ip};
use market::{MarketOptions, MarketWatch};
use model::{SharedClock, SteppedClock, Timestamp};
use sim::{Market, MarketConfig, Profile};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{ENGINE_MIGRATIONS, OpenOptions, Store, StoreError};

/// What kind of world.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// The market.
    pub market: MarketConfig,
    /// The watch's settings.
    pub options: MarketOptions,
    /// The scheduler's settings.
    pub engine: EngineOptions,
    /// The database.
    pub url: String,
}

/// Store, engine and watch over a simulated market.
pub struct World {
    /// The truth.
    pub market: Arc<Market>,
    /// The clock of everything.
    pub clock: SteppedClock,
    /// Its engine.
    pub engine: Arc<Engine>,
    /// Where pages come from.
    pub pages: Arc<SimPages>,
    /// The watch, as the scheduler holds it.
    pub watches: Vec<Arc<dyn Registered>>,
    /// IP numbers by keyword, in the order of the profiles.
    pub ips: Vec<(i64, String)>,
    /// How much later each request of a crawl is answered, ms.
    pub drift: i64,
}

/// What an IP of the simulated market is called in the store.
pub fn draft_of(profile: &Profile) -> IpDraft {
    IpDraft {
        name: profile.name.clone(),
        name_en: profile.name_en.clone(),
        name_cn: profile.name_cn.clone(),
        category: profile.category.clone(),
        tags: profile.tags.clone(),
        image_url: String::new(),
        external_id: String::new(),
        notes: String::new(),
        weight: 1.0,
    }
}

impl World {
    /// Opens the database and adds the IPs that are not there yet, due at once.
    pub async fn open(options: WorldOptions) -> Result<Self, StoreError> {
        let start = Timestamp(options.market.start_ms);
        let clock = SteppedClock::new(start);
        let store = Store::open(&OpenOptions::new(options.url.clone())).await?;
        store.migrate(ENGINE_MIGRATIONS, start).await?;
        store.migrate(market::MIGRATIONS, start).await?;
        let mut config = options.market;
        let profiles = config.profiles.clone();
        // From request to request of a crawl, not by the page's number: streams follow one another, and pages are asked for again.
        let drift = std::mem::take(&mut config.quirks.page_drift_ms);
        let market = Arc::new(Market::new(config));
        let shared: SharedClock = Arc::new(clock.clone());
        let pages = Arc::new(SimPages::new(Arc::clone(&market), Arc::clone(&shared)).drifting(drift));
        let ips = seed(&store, &profiles, &options.options, start).await?;
        let mut registry = prometheus_client::registry::Registry::default();
        let metrics = Arc::new(EngineMetrics::new(&mut registry));
        let engine = Arc::new(Engine::new(store, shared, options.engine, metrics, tokens()));
        let watch: Arc<dyn Registered> =
            Arc::new(MarketWatch::new(Arc::clone(&pages) as Arc<dyn SearchPages>, options.options));
        Ok(Self { market, clock, engine, pages, watches: vec![watch], ips, drift })
    }

    /// Lives until `until`.
    pub async fn run(
        &self,
        until: Timestamp,
        step: impl FnMut(Timestamp, &Simulated),
    ) -> Result<Simulated, StoreError> {
        simulate(&self.engine, &self.watches, &self.clock, until, step).await
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.engine.store
    }
}

/// Lease tokens that differ within the process and between processes.
fn tokens() -> Arc<dyn Fn() -> String + Send + Sync> {
    let process = std::process::id();
    let next = AtomicU64::new(0);
    Arc::new(move || format!("{process}-{}", next.fetch_add(1, Ordering::Relaxed)))
}

async fn seed(
    store: &Store,
    profiles: &[Profile],
    options: &MarketOptions,
    now: Timestamp,
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut ips = Vec::new();
    for profile in profiles {
        let mut tx = store.begin().await?;
        let known = market::store::find_ip_by_name(&mut tx, &profile.name).await?;
        let interval = market::schedule::interval_of_weight(1.0, &options.schedule);
        let id = match known {
            Some(ip) => ip.id,
            None => add_ip(&mut tx, &draft_of(profile), interval, now).await?,
        };
        tx.commit().await?;
        ips.push((id, profile.name.clone()));
    }
    Ok(ips)
}
