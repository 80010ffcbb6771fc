//! The composition root: every part is made here, and nowhere else.

mod credential;
pub mod database;
mod fetching;
mod kept;
mod metrics;
pub mod options;
mod place;
mod signals;

pub use fetching::{Upstreams, mercari};
pub use metrics::FetchMetrics;
pub use place::{Place, make as make_dir};
pub use signals::{listen, until_signals};

use anyhow::Context;
use api::{ApiOptions, Auth, Limiter, Mode, Parts, Probe, SharedRegistry, TrustedProxies};
use async_trait::async_trait;
use axum::Router;
use engine::{Engine, EngineMetrics, Registered};
use futures::FutureExt;
use market::leaderboard::Leaderboard;
use market::routes::{MarketProbe, MarketState};
use market::{MarketOptions, MarketWatch};
use model::{SharedClock, SystemClock, WatchKind};
use settings::{PublicPart, Settings};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a process is to be.
pub struct Config {
    /// The settings.
    pub settings: Settings,
    /// Whether the data is real.
    pub mode: Mode,
    /// What happens while the API already answers and the schedule does not run yet.
    pub prelude: Option<Box<dyn Prelude>>,
}

impl Config {
    /// The real thing.
    pub const fn live(settings: Settings) -> Self {
        Self { settings, mode: Mode::Live, prelude: None }
    }
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
    let Config { settings, mode, prelude } = config;
    let address = listener.local_addr().context("the listening socket")?;
    let place = Place::take(&settings, mode)?;
    let key = credential::admin_key(&settings.auth, place.dir(), address)?;
    let auth = Auth::new(key, settings.auth.public.contains(&PublicPart::Market));
    let store = database::open_migrated(&settings, clock.now()).await?;
    if place.is_alone() {
        store::release_all_leases(&store).await.context("giving back the leases of an earlier run")?;
    }
    let options = options::market(&settings);
    kept::keep(&store, &settings.market.ips, &options.schedule, clock.now()).await?;
    let registry = SharedRegistry::default();
    let metrics = EngineMetrics::new(&mut registry.lock().unwrap_or_else(PoisonError::into_inner));
    let engine = Engine::new(store.clone(), clock, options::engine(&settings.engine), Arc::new(metrics), tokens());
    let engine = Arc::new(engine);
    let stop = shutdown.child_token();
    let product = Product { settings, mode, engine, auth, registry, stop, options };
    let ends = product.live(listener, prelude, address).await;
    store.close().await;
    ends
}

/// The parts that live as long as the process.
struct Product {
    settings: Settings,
    mode: Mode,
    engine: Arc<Engine>,
    auth: Auth,
    registry: SharedRegistry,
    stop: CancellationToken,
    options: MarketOptions,
}

impl Product {
    async fn live(
        self,
        listener: TcpListener,
        prelude: Option<Box<dyn Prelude>>,
        address: SocketAddr,
    ) -> anyhow::Result<()> {
        let upstreams = self.upstreams()?;
        let watches = self.watches(&upstreams);
        let board = Leaderboard::new(Arc::clone(&self.engine), self.options.include_shops);
        let router = self.router(&upstreams, &watches, board.clone());
        self.say_hello(address).await;
        let (engine, stop) = (Arc::clone(&self.engine), self.stop.clone());
        let drain = engine.options.drain;
        let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
        parts.spawn(schedule(engine, watches, prelude, stop.clone()));
        parts.spawn(board.follow(stop.clone().cancelled_owned()).map(Ok));
        parts.spawn(api::serve(listener, router, stop.clone(), drain).map(Ok));
        let mut ended = Ok(());
        // Whatever ends first, by itself or on the signal, is the end of all.
        while let Some(part) = parts.join_next().await {
            stop.cancel();
            ended = ended.and(part.context("a part of the process broke down").flatten());
        }
        tracing::info!("stopped");
        ended
    }

    fn upstreams(&self) -> anyhow::Result<Option<Upstreams>> {
        let market = &self.settings.market;
        let clock = Arc::clone(&self.engine.clock);
        market.enabled.then(|| Upstreams::open(market, clock, &self.registry)).transpose()
    }

    fn watches(&self, upstreams: &Option<Upstreams>) -> Vec<Arc<dyn Registered>> {
        let mut watches: Vec<Arc<dyn Registered>> = Vec::new();
        if let Some(upstreams) = upstreams {
            watches.push(Arc::new(MarketWatch::new(upstreams.client.clone(), self.options.clone())));
        }
        watches
    }

    fn router(&self, upstreams: &Option<Upstreams>, watches: &[Arc<dyn Registered>], board: Leaderboard) -> Router {
        let engine = &self.engine;
        let market = MarketState {
            store: engine.store.clone(),
            engine: Arc::clone(engine),
            options: Arc::new(self.options.clone()),
            board,
            auth: self.auth.clone(),
            demo: self.mode == Mode::Demo,
        };
        let kinds: Vec<WatchKind> = watches.iter().map(|watch| watch.kind()).collect();
        let mut probes: Vec<Arc<dyn Probe>> = vec![
            Arc::new(api::StoreProbe(Arc::clone(engine))),
            Arc::new(api::SchedulerProbe::new(Arc::clone(engine), kinds)),
            Arc::new(MarketProbe(market.clone())),
        ];
        if let Some(upstreams) = upstreams {
            probes.push(Arc::new(api::UpstreamProbe::new(Arc::clone(&upstreams.mercari))));
        }
        let networks = self.settings.server.trusted_proxies.clone();
        let trusted = TrustedProxies::new(move |peer| networks.iter().any(|network| network.contains(peer)));
        let limit = &self.settings.server.rate_limit;
        // Clients live in real time, also when the market runs faster.
        let limiter = || Limiter::per_minute(limit.market_per_minute, trusted.clone(), Arc::new(SystemClock));
        let parts = Parts {
            engine: Arc::clone(engine),
            auth: self.auth.clone(),
            registry: Arc::clone(&self.registry),
            probes,
            limiter: limit.enabled.then(|| Arc::new(limiter())),
            options: ApiOptions {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                mode: self.mode,
                migrations: database::migrations(),
                trusted_proxies: trusted,
                ..ApiOptions::default()
            },
            stop: self.stop.clone(),
        };
        api::router(parts, market::routes::router(market))
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
