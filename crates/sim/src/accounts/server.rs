//! Providers and webhook receivers as one HTTP server.

use super::ask::{self, Call, Place};
use super::{Account, AccountCounters, Accounts, AccountsError, FactoryPool, control};
use crate::answer::Answer;
use crate::faults::{Fault, Faults};
use crate::server::Clock;
use crate::sinks::{self, SinkKind, Sinks, SinksConfig};
use crate::spoil;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use axum::serve::ListenerExt;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const MAX_BODY: usize = 1 << 20;

/// What is simulated.
#[derive(Clone)]
pub struct AccountsConfig {
    /// The time of providers and receivers.
    pub clock: Clock,
    /// The accounts at providers other than Factory.
    pub accounts: Vec<Account>,
    /// Factory's keys.
    pub factory: Option<FactoryPool>,
    /// What goes wrong at providers; a rule's path is a provider, its keyword a secret.
    pub faults: Faults,
    /// The webhook receivers.
    pub sinks: SinksConfig,
}

impl AccountsConfig {
    /// No accounts, no faults, receivers that take whatever comes.
    pub fn new(clock: Clock) -> AccountsConfig {
        let (faults, sinks) = (Faults::default(), SinksConfig::default());
        AccountsConfig { clock, accounts: Vec::new(), factory: None, faults, sinks }
    }
}

/// What is served.
pub(crate) struct House {
    pub(crate) accounts: Accounts,
    pub(crate) sinks: Sinks,
}

/// Starts simulated providers and receivers.
#[derive(Debug)]
pub struct AccountsServer;

impl AccountsServer {
    /// Serves on a listener until [`RunningAccounts::shutdown`] or the end of the runtime.
    pub fn start(listener: TcpListener, config: AccountsConfig) -> Result<RunningAccounts, AccountsError> {
        let AccountsConfig { clock, accounts, factory, faults, sinks } = config;
        let sinks = Sinks::new(Arc::clone(&clock), sinks);
        let house = Arc::new(House { accounts: Accounts::new(clock, accounts, factory, faults)?, sinks });
        let addr = listener.local_addr().map_err(|e| AccountsError::Listen(e.to_string()))?;
        let (stop, tasks) = (CancellationToken::new(), Mutex::default());
        let running = RunningAccounts { addr, house, stop, tasks };
        running.also_on(listener)?;
        Ok(running)
    }
}

/// Providers and receivers that are being served.
pub struct RunningAccounts {
    addr: SocketAddr,
    house: Arc<House>,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<std::io::Result<()>>>>,
}

impl fmt::Debug for RunningAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningAccounts").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl RunningAccounts {
    /// Serves the same on one more listener, and answers its base URL: clients keep a pace by host and port.
    pub fn also_on(&self, listener: TcpListener) -> Result<String, AccountsError> {
        let addr = listener.local_addr().map_err(|e| AccountsError::Listen(e.to_string()))?;
        let app = Router::new().merge(control::routes()).merge(sinks::routes()).fallback(serve);
        let app = app.with_state(Arc::clone(&self.house));
        // An answer is one small packet, which is not to wait for the next.
        let listener = listener.tap_io(|socket| _ = socket.set_nodelay(true));
        let stopped = self.stop.clone().cancelled_owned();
        let task = tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(stopped).await });
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Ok(format!("http://{addr}"))
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://ip:port`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The parameter `origin` of an account at a provider: `http://ip:port/p/NAME`.
    pub fn origin(&self, provider: &str) -> String {
        format!("http://{}/p/{provider}", self.addr)
    }

    /// The URL of a receiver: `http://ip:port/sink/KIND/TOKEN`.
    pub fn sink_url(&self, kind: SinkKind, token: &str) -> String {
        format!("http://{}/sink/{}/{token}", self.addr, kind.name())
    }

    /// The accounts, their truth and their faults.
    pub fn accounts(&self) -> &Accounts {
        &self.house.accounts
    }

    /// The receivers and what they received.
    pub fn sinks(&self) -> &Sinks {
        &self.house.sinks
    }

    /// What the providers served so far.
    pub fn counters(&self) -> AccountCounters {
        self.house.accounts.counters()
    }

    /// Stops listening, gives open requests two seconds, and ends.
    pub async fn shutdown(self) {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for mut task in tasks {
            if tokio::time::timeout(Duration::from_secs(2), &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for RunningAccounts {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(State(house): State<Arc<House>>, request: Request) -> Response {
    let accounts = &house.accounts;
    let in_flight = accounts.counts.begin();
    let (parts, body) = request.into_parts();
    let body = match parts.method {
        Method::POST => to_bytes(body, MAX_BODY).await.unwrap_or_default(),
        _ => Bytes::new(),
    };
    let call = Call { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let (verdict, instead) = {
        let roster = accounts.roster();
        let place = call.place(&roster);
        accounts.counts.provider(place.provider());
        let verdict = accounts.decide(place.provider(), secret_of(&place, &call));
        let instead = verdict.fault.as_ref().and_then(|fault| ask::instead(&place, fault, &call));
        (verdict, instead)
    };
    if !verdict.delay.is_zero() {
        tokio::time::sleep(verdict.delay).await;
    }
    // The level is that of the instant at which the answer is written, so that a slow answer is no older than it says.
    let now_ms = accounts.now_ms();
    let answer = instead.unwrap_or_else(|| {
        let roster = accounts.roster();
        ask::answer(accounts, &call.place(&roster), &call, now_ms)
    });
    let fault = verdict.fault.as_ref();
    accounts.counts.answered(answer.status, fault.map(Fault::name).as_deref());
    match fault {
        Some(_) => spoil::respond(answer, fault, now_ms, in_flight.serial),
        None => plain(answer),
    }
}

fn secret_of<'p>(place: &'p Place<'_>, call: &'p Call) -> &'p str {
    match place {
        Place::Desk(_, Some(account)) => &account.secret,
        _ => call.bearer(),
    }
}

fn plain(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response
}
