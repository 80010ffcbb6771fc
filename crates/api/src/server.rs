//! Everything put together, and the loop that answers connections.

use crate::access::{self, Attempts, Listed};
use crate::events::events;
use crate::front::{Front, front, not_found, wrong_method};
use crate::metrics::{HttpMetrics, Scraped, SharedRegistry, metrics};
use crate::openapi::{self, Documented};
use crate::{Auth, Features, Limits, Probe, Rate, Routes, SharedCounts, TrustedProxies, Who};
use crate::{health, system};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request};
use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use engine::Engine;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use store::Migration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// Whether the data is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Real upstreams.
    Live,
    /// Simulated data.
    Demo,
}

impl Mode {
    /// The word in `/health`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Demo => "demo",
        }
    }
}

/// How the API behaves.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// The program's version.
    pub version: String,
    /// Whether the data is real.
    pub mode: Mode,
    /// Every migration that must be applied before requests are welcome.
    pub migrations: Vec<Migration>,
    /// How long a request may take to its answer's head.
    pub request_timeout: Duration,
    /// Largest body in bytes.
    pub body_limit: usize,
    /// Listeners of server-sent events at once.
    pub max_listeners: usize,
    /// Proxies whose word on the client's address is believed.
    pub trusted_proxies: TrustedProxies,
    /// Which parts there are.
    pub features: Features,
    /// When the process started.
    pub started: Instant,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mode: Mode::Live,
            migrations: Vec::new(),
            request_timeout: Duration::from_secs(30),
            body_limit: 10 * 1024 * 1024,
            max_listeners: 512,
            trusted_proxies: TrustedProxies::default(),
            features: Features::default(),
            started: Instant::now(),
        }
    }
}

/// What the API is made of.
pub struct Parts {
    /// Store, clock, events.
    pub engine: Arc<Engine>,
    /// Who may do what.
    pub auth: Auth,
    /// Where metrics are registered.
    pub registry: SharedRegistry,
    /// What `/health` looks at.
    pub probes: Vec<Arc<dyn Probe>>,
    /// Limits routes per client; `None` is without limit.
    pub limits: Option<Arc<Limits>>,
    /// Where failed log-ins are counted for all processes; `None` is in this one.
    pub counts: Option<Arc<dyn SharedCounts>>,
    /// How it behaves.
    pub options: ApiOptions,
    /// Cancelled when the process is to stop: not ready any more, listeners are let go.
    pub stop: CancellationToken,
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

pub(crate) struct Inner {
    pub engine: Arc<Engine>,
    pub auth: Auth,
    pub attempts: Attempts,
    pub registry: SharedRegistry,
    pub probes: Vec<Arc<dyn Probe>>,
    pub options: ApiOptions,
    pub stop: CancellationToken,
    pub scraped: Scraped,
    pub listeners: Arc<Semaphore>,
    pub migrated: AtomicBool,
}

impl std::ops::Deref for Shared {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Shorter answers, bytes, fit into a packet as they are.
const WORTH_SQUEEZING: u16 = 1_024;

/// The whole router: the watches' routes, and health, metrics, log-in and events beside them.
pub fn router(parts: Parts, watches: Routes) -> Router {
    let Parts { engine, auth, registry, probes, limits, counts, options, stop } = parts;
    let (http, scraped) = {
        let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
        (HttpMetrics::new(&mut registry), Scraped::new(&mut registry, &options))
    };
    let start = u64::try_from(engine.clock.now().millis()).unwrap_or(0);
    let trusted = options.trusted_proxies.clone();
    let front_state = Arc::new(Front::new(options.request_timeout, http, trusted, start));
    let (body_limit, version) = (options.body_limit, options.version.clone());
    let listeners = Arc::new(Semaphore::new(options.max_listeners));
    let (migrated, attempts) = (AtomicBool::new(false), Attempts::new(counts));
    let own = own(&auth);
    let shared = Inner { engine, auth, attempts, registry, probes, options, stop, scraped, listeners, migrated };
    let routes = own.with_state(Shared(Arc::new(shared))).merge(watches);
    let listed: Arc<Vec<Listed>> = Arc::new(routes.entries().iter().map(Listed::of).collect());
    let documented = Documented::new(routes.entries(), &version);
    let mut router = routes.into_router().layer(Extension(listed)).layer(Extension(Arc::new(documented)));
    if let Some(limits) = limits {
        router = router.layer(Extension(limits));
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(squeeze())
        .layer(from_fn_with_state(front_state, front))
}

/// The OpenAPI document of the routes that belong to no watch and of those of the watches.
pub fn describe(auth: &Auth, watches: &Routes, version: &str) -> serde_json::Value {
    let own = own(auth);
    openapi::document(&[own.entries(), watches.entries()].concat(), version)
}

/// Answers of a kilobyte and more go out compressed to whoever takes gzip; pictures, events and what is compressed already
/// do not. Answers with a session's token in them are shorter, so that their length tells nothing of it.
fn squeeze() -> CompressionLayer<impl Predicate> {
    let whole = SizeAbove::new(WORTH_SQUEEZING).and(NotForContentType::IMAGES).and(NotForContentType::SSE);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(whole)
}

/// What belongs to no watch.
fn own(auth: &Auth) -> Routes<Shared> {
    let free = Who::Anybody.at(Rate::Free);
    let log_in = Who::Anybody.at(Rate::LogIn);
    Routes::new(auth)
        .get("/live", free, "The process answers.", health::live)
        .get("/ready", free, "Whether requests may be sent.", health::ready)
        .get("/health", free, "The state of each part.", health::health)
        // Who may see the metrics is said where they are made.
        .get("/metrics", free, "Metrics for Prometheus: from this machine, or with a credential.", metrics)
        .post("/api/login", log_in, "Opens a session: a cookie, and the token that writes need.", access::log_in)
        .post("/api/logout", Who::Viewer, "Ends the session.", access::log_out)
        .get("/api/session", Who::Anybody, "Who is asking, and which parts there are.", access::session)
        .post("/api/token", log_in, "A token for name and password.", access::token)
        .get("/api/openapi.json", Who::Anybody, "This document.", openapi::serve)
        .get("/api/v1/events", Who::Market, "What was committed, as server-sent events.", events)
        .get("/api/v1/system/status", Who::Viewer, "The state of each part, with its numbers.", system::status)
        .get("/api/v1/system/routes", Who::Viewer, "Every route, and who may use it.", access::list)
}

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 4096;
/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(15);

/// Answers connections until `stop`; then accepts no more and lets running requests finish within `drain`.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, drain: Duration) {
    let (_exchange, routers) = watch::channel(router);
    serve_newest(listener, routers, stop, drain).await;
}

/// The same with a router that may be exchanged: every request, also of a connection that stays, goes to the newest.
pub async fn serve_newest(
    listener: TcpListener,
    routers: watch::Receiver<Router>,
    stop: CancellationToken,
    drain: Duration,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(100);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let routers = routers.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let newest = routers.borrow().clone();
            TowerToHyperService::new(newest).call(request)
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that goes away in the middle is its own business.
            if let Err(e) = connection.await {
                tracing::debug!(error = %e, "connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still running after the drain time are cut off");
    }
}

type Accepted = (tokio::net::TcpStream, std::net::SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(e) => {
            // Out of file descriptors, most likely: waiting is all that helps.
            tracing::warn!(error = %e, "a connection was not accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}
