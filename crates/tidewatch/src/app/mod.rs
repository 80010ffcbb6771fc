//! The composition root: every part is made here, and nowhere else.

mod account_metrics;
pub mod accounts;
mod answering;
pub mod browsing;
mod check_metrics;
mod credential;
pub mod database;
mod fetching;
mod generation;
mod kept;
mod metrics;
mod names;
pub mod notifying;
pub mod options;
mod place;
mod provider_metrics;
pub mod reload;
pub mod reload_metrics;
mod reminder_metrics;
mod reminders;
pub mod scale;
pub mod secrets;
mod signals;
mod system;
pub mod worker;

pub use accounts::Accounts;
pub use fetching::{Upstreams, mercari};
pub use metrics::FetchMetrics;
pub use place::{Place, make as make_dir};
pub use signals::{listen, until_signalled, until_signals};

use self::generation::{Lasting, Started};
use self::reload::Reload;
use self::reload_metrics::ConfigReloads;
use self::reminders::Reminders;
use self::scale::Scale;
use anyhow::{Context, bail};
use api::{AdminKey, Auth, Mode, SharedRegistry};
use async_trait::async_trait;
use engine::{Engine, EngineMetrics, Registered};
use fleet::Remote;
use market::leaderboard::Leaderboard;
use market::{MarketOptions, MarketWatch};
use model::{Clock, SharedClock};
use notify::{Deliverer, Sealer};
use settings::Settings;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use store::{Dialect, Keyring};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Pauses between tries to keep the lists of the configuration beside other processes: each twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_millis(1_600);

/// What a process is to be.
pub struct Config {
    /// The settings.
    pub settings: Settings,
    /// Whether the data is real.
    pub mode: Mode,
    /// Whether crawls are handed out over Redis instead of made here.
    pub hand_out: bool,
    /// What happens while the API already answers and the schedule does not run yet.
    pub prelude: Option<Box<dyn Prelude>>,
    /// Where newer settings come from; `None` where there are none.
    pub reload: Option<Reload>,
}

impl Config {
    /// The real thing.
    pub const fn live(settings: Settings) -> Self {
        Self { settings, mode: Mode::Live, hand_out: false, prelude: None, reload: None }
    }
}

/// The OpenAPI document of a whole product: one is put together in `dir`, which should be empty, and never run.
pub async fn openapi(dir: &Path) -> anyhow::Result<serde_json::Value> {
    let mut settings = Settings::default();
    settings.server.data_dir = dir.to_owned();
    let clock: SharedClock = Arc::new(model::SystemClock);
    let keyring = Arc::new(secrets::keyring(&settings.secrets, dir, true)?);
    let store = database::open_migrated(&settings, clock.now()).await?;
    // A key nobody is told of: nothing will listen.
    let (key, _) = AdminKey::load_or_create(dir)?;
    let auth = Auth::new(key, true);
    let registry = SharedRegistry::default();
    let metrics = EngineMetrics::new(&mut registry.lock().unwrap_or_else(PoisonError::into_inner));
    let engine = Engine::new(store.clone(), clock, options::engine(&settings.engine), Arc::new(metrics), tokens());
    let product = Product::open(
        settings,
        Mode::Live,
        (Arc::new(engine), auth, registry),
        (keyring, None),
        CancellationToken::new(),
    )?;
    let board = Leaderboard::new(Arc::clone(&product.engine), product.options.include_shops);
    let routes = product.routes(&None, product.market(board), product.engine.clock.now());
    let document = api::describe(&product.auth, &routes, env!("CARGO_PKG_VERSION"));
    store.close().await;
    Ok(document)
}

/// What comes before the schedule: the demo's history.
#[async_trait]
pub trait Prelude: Send {
    /// Plays to its end, on the process's own engine and with the watches the schedule will have; dropped when the
    /// process is to stop.
    async fn play(self: Box<Self>, engine: &Arc<Engine>, watches: &[Arc<dyn Registered>]) -> anyhow::Result<()>;
}

/// Runs the whole product on `listener` until `shutdown`: then takes in nothing more, lets what runs finish within
/// `engine.shutdown_grace`, gives back the rest and returns.
///
/// Fails when the data directory, the database or a setting cannot be used, or when a part breaks down.
pub async fn run(
    config: Config,
    listener: TcpListener,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let Config { settings, mode, hand_out, prelude, reload } = config;
    let started = Started { instant: Instant::now(), at: model::SystemClock.now() };
    let address = listener.local_addr().context("the listening socket")?;
    let scale = Scale::open(&settings.redis).await?;
    if hand_out && scale.is_none() {
        bail!("--no-workers hands crawls out over Redis: set redis.url (REDIS_URL)");
    }
    let place = Place::take(&settings, mode)?;
    let keyring = Arc::new(secrets::keyring(&settings.secrets, place.dir(), true)?);
    let registry = SharedRegistry::default();
    let metrics = EngineMetrics::new(&mut registry.lock().unwrap_or_else(PoisonError::into_inner));
    let reloads = ConfigReloads::new(&registry);
    let store = database::open_migrated(&settings, clock.now()).await?.timed(metrics.stopwatch());
    let auth = credential::auth(&settings.auth, place.dir(), address, store.clone())?;
    if place.is_alone() {
        store::release_all_leases(&store).await.context("giving back the leases of an earlier run")?;
    }
    let engine = Engine::new(store.clone(), clock, options::engine(&settings.engine), Arc::new(metrics), tokens());
    let engine = Arc::new(engine);
    let stop = shutdown.child_token();
    let lasting = Lasting {
        engine: Arc::clone(&engine),
        mode,
        hand_out,
        scale: scale.clone(),
        address,
        reloads,
        stop: stop.clone(),
        started,
    };
    let product = Product::open(settings, mode, (engine, auth, registry), (keyring, scale), stop.child_token())?;
    product.keep().await?;
    let ends = lasting.live(product, listener, prelude, reload).await;
    store.close().await;
    ends
}

/// The parts that are made of the settings: all that a reload makes anew.
struct Product {
    settings: Settings,
    mode: Mode,
    engine: Arc<Engine>,
    auth: Auth,
    registry: SharedRegistry,
    stop: CancellationToken,
    scale: Option<Scale>,
    options: MarketOptions,
    accounts: Accounts,
    reminders: Reminders,
    deliverer: Arc<Deliverer>,
}

impl Product {
    fn open(
        settings: Settings,
        mode: Mode,
        (engine, auth, registry): (Arc<Engine>, Auth, SharedRegistry),
        (keyring, scale): (Arc<Keyring>, Option<Scale>),
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let options = options::market(&settings);
        let (clock, admission) = (Arc::clone(&engine.clock), engine.metrics.admission());
        let accounts = Accounts::open(
            &settings,
            (Arc::clone(&keyring), scale.as_ref().map(Scale::pace)),
            clock,
            &registry,
            Some(admission),
        )?;
        let clock = Arc::clone(&engine.clock);
        let (store, sealer) = (engine.store.clone(), Arc::clone(&keyring) as Arc<dyn Sealer>);
        let deliverer = notifying::deliverer(&settings.notify, store, Arc::clone(&sealer), clock, &registry)?;
        let reminders = Reminders::new(sealer);
        Ok(Self { settings, mode, engine, auth, registry, stop, scale, options, accounts, reminders, deliverer })
    }

    /// Makes what the configuration keeps be there.
    async fn keep(&self) -> anyhow::Result<()> {
        self.keep_other(&self.settings).await
    }

    /// The same with other lists than those it was made with. Each list is kept whole or not at all.
    async fn keep_other(&self, settings: &Settings) -> anyhow::Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.keep_once(settings).await {
                // Another process may be keeping the same lists: what it has done is seen the next time.
                Err(e) if self.engine.store.dialect() != Dialect::Sqlite && pause <= LAST_PAUSE => {
                    tracing::debug!(error = %e, "the lists of the configuration met another process, perhaps; again");
                }
                kept => return kept,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn keep_once(&self, settings: &Settings) -> anyhow::Result<()> {
        let (store, now) = (&self.engine.store, self.engine.clock.now());
        self.accounts.keep(store, &settings.accounts, now).await?;
        notifying::keep(&self.deliverer, store, (&settings.channels, &settings.notify), now).await?;
        kept::keep(store, &settings.market.ips, &self.options.schedule, now).await
    }

    /// Whom the market is asked at; the pace and the breaker go on where those of `before` stand.
    fn upstreams(&self, before: Option<&Upstreams>) -> anyhow::Result<Option<Upstreams>> {
        let market = &self.settings.market;
        let clock = Arc::clone(&self.engine.clock);
        let pace = self.scale.as_ref().map(Scale::pace);
        let before = before.map(|before| &*before.mercari);
        let open = || Upstreams::open(market, clock, &self.registry, self.engine.metrics.admission(), (pace, before));
        market.enabled.then(open).transpose()
    }

    /// The market as other processes fetch it, if there is a way to them; what `before` has handed out is not forgotten.
    fn remote(
        &self,
        upstreams: &Option<Upstreams>,
        before: Option<&Remote<MarketWatch>>,
    ) -> Option<Arc<Remote<MarketWatch>>> {
        let (upstreams, scale) = upstreams.as_ref().zip(self.scale.as_ref())?;
        let watch = Arc::new(MarketWatch::new(upstreams.pages.clone(), self.options.clone()));
        Some(Arc::new(Remote::new(watch, scale.link.clone()).following(before)))
    }

    /// Every watch; the market's crawls are handed out where there is a `remote`.
    fn watches(
        &self,
        upstreams: &Option<Upstreams>,
        remote: Option<&Arc<Remote<MarketWatch>>>,
    ) -> anyhow::Result<Vec<Arc<dyn Registered>>> {
        let mut watches: Vec<Arc<dyn Registered>> = Vec::new();
        match (upstreams, remote) {
            (_, Some(remote)) => watches.push(Arc::clone(remote) as Arc<dyn Registered>),
            (Some(upstreams), None) => {
                watches.push(Arc::new(MarketWatch::new(upstreams.pages.clone(), self.options.clone())));
            }
            (None, None) => {}
        }
        watches.extend(self.accounts.watches(&self.settings));
        watches.extend(self.reminders.watches()?);
        Ok(watches)
    }

    async fn say_hello(&self, address: SocketAddr) {
        let seen = market::store::overview(&self.engine.store, self.options.schedule.max_retries).await;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            listen = %format_args!("http://{address}"),
            database = database::shown(&self.settings),
            ips = seen.map(|seen| seen.active + seen.paused).unwrap_or_default(),
            mode = self.mode.as_str(),
            "started"
        );
    }
}

/// The prelude, then the schedule.
async fn schedule(
    engine: Arc<Engine>,
    watches: Vec<Arc<dyn Registered>>,
    prelude: Option<Box<dyn Prelude>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    if let Some(prelude) = prelude {
        tokio::select! {
            played = prelude.play(&engine, &watches) => played?,
            () = stop.cancelled() => return Ok(()),
        }
    }
    engine::run(engine, watches, stop).await;
    Ok(())
}

/// Lease tokens that nobody else has.
fn tokens() -> Arc<dyn Fn() -> String + Send + Sync> {
    Arc::new(|| uuid::Uuid::new_v4().simple().to_string())
}
