//! The simulated upstream as an HTTP server on loopback.

use crate::answer::{Answer, Call, answer};
use crate::control;
use crate::faults::{Fault, FaultBook, Faults};
use crate::market::{Market, MarketConfig};
use crate::replay::{self, Replay};
use crate::spoil;
use crate::web::SearchPageStyle;
use crate::wire::Shape;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const MAX_BODY: usize = 1 << 20;

/// Tells the time in epoch ms.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a simulated upstream is set up.
#[derive(Clone)]
pub struct SimConfig {
    /// Where to listen; port 0 for any.
    pub listen: SocketAddr,
    /// The market that is shown; share it to read its ledger.
    pub market: Arc<Market>,
    /// The time of the market.
    pub clock: Clock,
    /// The generation of the answers.
    pub shape: Shape,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether the `/_sim` routes exist.
    pub control: bool,
    /// Whether proofs are verified.
    pub verify_dpop: bool,
    /// A directory of recordings, served before the market.
    pub replay: Option<PathBuf>,
    /// How the search page of the web comes by its results.
    pub page: SearchPageStyle,
}

impl SimConfig {
    /// Any port of 127.0.0.1, newest shape, no faults, `/_sim` routes on, proofs verified.
    pub fn new(market: MarketConfig, clock: Clock) -> SimConfig {
        SimConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            market: Arc::new(Market::new(market)),
            clock,
            shape: Shape::default(),
            faults: Faults::default(),
            control: true,
            verify_dpop: true,
            replay: None,
            page: SearchPageStyle::default(),
        }
    }
}

/// Why a simulated upstream does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The address is taken or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The recordings cannot be read.
    #[error("cannot read recordings: {0}")]
    Replay(io::Error),
}

/// What was served so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// All requests but those to `/_sim`.
    pub requests: u64,
    /// By path.
    pub by_path: BTreeMap<String, u64>,
    /// By status.
    pub by_status: BTreeMap<u16, u64>,
    /// By fault.
    pub by_fault: BTreeMap<String, u64>,
    /// Searches by keyword.
    pub by_keyword: BTreeMap<String, u64>,
}

pub(crate) struct Shared {
    pub(crate) market: Arc<Market>,
    pub(crate) shape: Shape,
    pub(crate) verify_dpop: bool,
    pub(crate) replay: Option<Replay>,
    pub(crate) replay_step: AtomicUsize,
    clock: Clock,
    set_clock: Mutex<Option<i64>>,
    page: Mutex<SearchPageStyle>,
    faults: Mutex<FaultBook>,
    counters: Mutex<Counters>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn now_ms(&self) -> i64 {
        let set = *lock(&self.set_clock);
        set.unwrap_or_else(|| (self.clock)())
    }

    pub(crate) fn set_clock(&self, now_ms: Option<i64>) {
        *lock(&self.set_clock) = now_ms;
    }

    pub(crate) fn page(&self) -> SearchPageStyle {
        *lock(&self.page)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *lock(&self.faults) = FaultBook::new(faults);
    }

    pub(crate) fn counters(&self) -> Counters {
        lock(&self.counters).clone()
    }

    pub(crate) fn replay_step(&self, n: usize) -> usize {
        self.replay_step.fetch_add(n, Ordering::SeqCst) + n
    }

    /// Counts a request before it is answered; answers its serial number.
    fn count_request(&self, path: &str, keyword: &str) -> u64 {
        let mut counters = lock(&self.counters);
        counters.requests += 1;
        *counters.by_path.entry(path.to_owned()).or_default() += 1;
        if !keyword.is_empty() {
            *counters.by_keyword.entry(keyword.to_owned()).or_default() += 1;
        }
        counters.requests
    }

    fn count_answer(&self, status: u16, fault: Option<&Fault>) {
        let mut counters = lock(&self.counters);
        *counters.by_status.entry(status).or_default() += 1;
        if let Some(fault) = fault {
            *counters.by_fault.entry(fault.name()).or_default() += 1;
        }
    }
}

/// Starts simulated upstreams.
#[derive(Debug)]
pub struct SimServer;

impl SimServer {
    /// Binds and serves until [`RunningSim::shutdown`] or the end of the runtime.
    pub async fn start(config: SimConfig) -> Result<RunningSim, SimError> {
        let replay = config.replay.as_deref().map(replay::load).transpose().map_err(SimError::Replay)?;
        let listen = config.listen;
        let listener = TcpListener::bind(listen).await.map_err(|e| SimError::Listen(listen, e))?;
        let addr = listener.local_addr().map_err(|e| SimError::Listen(listen, e))?;
        let shared = Arc::new(Shared {
            market: config.market,
            shape: config.shape,
            verify_dpop: config.verify_dpop,
            replay: replay.map(Replay::new),
            replay_step: AtomicUsize::new(0),
            clock: config.clock,
            set_clock: Mutex::new(None),
            page: Mutex::new(config.page),
            faults: Mutex::new(FaultBook::new(config.faults)),
            counters: Mutex::default(),
        });
        let mut app = Router::new();
        if config.control {
            app = app.merge(control::routes());
        }
        let app = app.fallback(serve).with_state(Arc::clone(&shared));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(stopped).await });
        Ok(RunningSim { addr, shared, stop, task })
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let call = Call { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let keyword = call.keyword();
    let serial = shared.count_request(call.path(), &keyword);
    let verdict = lock(&shared.faults).decide(call.path(), &keyword, call.is_browser());
    if !verdict.delay.is_zero() {
        tokio::time::sleep(verdict.delay).await;
    }
    let reply = match verdict.fault.as_ref().and_then(spoil::instead) {
        Some(reply) => reply,
        None => work(&shared, call).await,
    };
    shared.count_answer(reply.status, verdict.fault.as_ref());
    spoil::respond(reply, verdict.fault.as_ref(), shared.now_ms(), serial)
}

/// Answers on a blocking thread: writing a long stretch of the market may take a while.
async fn work(shared: &Arc<Shared>, call: Call) -> Answer {
    let shared = Arc::clone(shared);
    let done = tokio::task::spawn_blocking(move || answer(&shared, &call)).await;
    done.unwrap_or_else(|_| Answer::grpc(500, 13, "internal"))
}

/// A simulated upstream that is being served.
pub struct RunningSim {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: JoinHandle<io::Result<()>>,
}

impl fmt::Debug for RunningSim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningSim").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl RunningSim {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://ip:port`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The market that is shown.
    pub fn market(&self) -> &Arc<Market> {
        &self.shared.market
    }

    /// Stops the clock at an instant (epoch ms), or lets the configured one go on.
    pub fn set_clock(&self, now_ms: Option<i64>) {
        self.shared.set_clock(now_ms);
    }

    /// Replaces all faults and forgets what the old ones had counted.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.set_faults(faults);
    }

    /// Changes how the search page of the web comes by its results.
    pub fn set_page(&self, style: SearchPageStyle) {
        *lock(&self.shared.page) = style;
    }

    /// What was served so far.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// Moves the replay n crawls on; answers the number of the crawl now served.
    pub fn replay_step(&self, n: usize) -> usize {
        self.shared.replay_step(n)
    }

    /// Stops listening, gives open requests two seconds, and ends.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(Duration::from_secs(2), &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for RunningSim {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
