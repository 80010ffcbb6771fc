//! A server on this machine that plays the channels, and a database with both crates' tables.
#![allow(dead_code, reason = "each test file uses a part")]

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use model::{SteppedClock, Timestamp};
use notify::{ChannelDraft, DeliverOptions, Deliverer, Origin, Rules, Sender, SenderOptions, Unsealed};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{OpenOptions, Store, args};

/// What came in.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

type Answering = dyn Fn(usize, &Request) -> (u16, String) + Send + Sync;

/// A server that notes what comes in and answers as it is told.
#[derive(Clone)]
pub struct Sink {
    pub address: SocketAddr,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Sink {
    pub async fn start(answer: impl Fn(usize, &Request) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let requests = sink.requests.clone();
        let answer: Arc<Answering> = Arc::new(answer);
        let handle = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let (requests, answer) = (requests.clone(), answer.clone());
            async move { respond(&requests, answer.as_ref(), &uri, headers, &body) }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handle)).await });
        sink
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn seen(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn respond(requests: &Mutex<Vec<Request>>, answer: &Answering, uri: &Uri, headers: HeaderMap, body: &[u8]) -> Response {
    let body = serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into());
    let request = Request { path: uri.to_string(), headers, body };
    let index = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    let (status, text) = answer(index, &request);
    // A first line `Name: value` before an empty one is a header.
    let mut response = match text.split_once("\n\n") {
        Some((_, body)) => body.to_owned().into_response(),
        None => text.clone().into_response(),
    };
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some((name, value)) = text.split_once("\n\n").and_then(|(head, _)| head.split_once(": ")) {
        let name = axum::http::HeaderName::try_from(name).unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// A database, a clock that stands still, and a deliverer over them.
pub struct World {
    pub store: Store,
    pub clock: SteppedClock,
    _folder: Option<tempfile::TempDir>,
}

/// The own network is open: that is where the sinks are.
pub const RULES: Rules<'static> = Rules { sealer: &Unsealed, allow_private: true, apprise: None };

/// Off every mark a channel avoids.
pub const START: Timestamp = Timestamp(1_800_000_605_000);

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/t.db", folder.path().display());
        Self { _folder: Some(folder), ..Self::on(&url).await }
    }

    /// Over a database that is there already.
    pub async fn on(url: &str) -> Self {
        let store = Store::open(&OpenOptions::new(url)).await.unwrap();
        store.migrate(store::ENGINE_MIGRATIONS, START).await.unwrap();
        store.migrate(notify::MIGRATIONS, START).await.unwrap();
        Self { store, clock: SteppedClock::new(START), _folder: None }
    }

    pub fn deliverer(&self, options: DeliverOptions) -> Arc<Deliverer> {
        Arc::new(self.plain(DeliverOptions { allow_private: true, ..options }))
    }

    pub fn plain(&self, options: DeliverOptions) -> Deliverer {
        let clock = Arc::new(self.clock.clone());
        let sender =
            Sender::new(SenderOptions { total: Duration::from_secs(5), ..SenderOptions::default() }, clock.clone());
        Deliverer::new(self.store.clone(), sender.unwrap(), Arc::new(Unsealed), clock, options)
    }

    pub async fn channel(&self, draft: Value) -> i64 {
        let mut whole = json!({ "name": format!("c{}", rand_name()), "allow_private": true });
        whole.as_object_mut().unwrap().extend(draft.as_object().cloned().unwrap());
        let draft: ChannelDraft = serde_json::from_value(whole).unwrap();
        let mut tx = self.store.begin().await.unwrap();
        let id = notify::add_channel(&mut tx, &draft, Origin::Ui, &RULES, START).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Writes messages to the outbox as an alert would.
    pub async fn tell(&self, range: std::ops::Range<i64>, severity: &str) {
        let mut tx = self.store.begin().await.unwrap();
        for n in range {
            let sql = "INSERT INTO outbox (dedup, alert_id, notice, severity, title, message, state, attempts, \
                 created_at, next_attempt_at) VALUES (?, ?, 'fired', ?, ?, 'body', 'waiting', 0, ?, ?)";
            let now = model::Clock::now(&self.clock);
            tx.exec(sql, args![format!("{n}:fired"), n, severity, format!("title {n}"), now, now]).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub async fn states(&self) -> Vec<(String, i64)> {
        let sql = "SELECT state, COUNT(*) FROM deliveries GROUP BY state ORDER BY state";
        let rows = self.store.query(sql, args![]).await.unwrap();
        rows.iter().map(|r| (r.text(0).unwrap(), r.int(1).unwrap())).collect()
    }
}

fn rand_name() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Numbers that look random and are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}
