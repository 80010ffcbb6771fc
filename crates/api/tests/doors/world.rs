//! The routers and what stands behind them.

use api::alerts::{AlertsState, TargetNames};
use api::channels::ChannelsState;
use api::{AdminKey, Auth};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use engine::{Engine, EngineMetrics, EngineOptions};
use http_body_util::BodyExt as _;
use model::{AlertPolicy, Clock as _, Condition, Severity, SteppedClock, Timestamp, WatchKind};
use notify::{DeliverOptions, Deliverer, SealError, Sealer, Sender, SenderOptions};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{AlertKey, ENGINE_MIGRATIONS, OpenOptions, Store, StoreError, Wording};
use tower::ServiceExt as _;

const KEY: &str = "tw_key";

pub struct World {
    pub router: Router,
    pub store: Store,
    pub clock: SteppedClock,
    pub engine: Arc<Engine>,
    pub deliverer: Arc<Deliverer>,
    _dir: tempfile::TempDir,
}

/// Turns a text around: enough to see that nothing is stored as it came.
pub struct Mirror;

impl Sealer for Mirror {
    fn seal(&self, text: &str) -> Result<String, SealError> {
        Ok(text.chars().rev().collect())
    }

    fn open(&self, sealed: &str) -> Result<String, SealError> {
        if sealed == "lost" { Err(SealError("no such key".into())) } else { self.seal(sealed) }
    }
}

struct Numbered(WatchKind);

#[async_trait]
impl TargetNames for Numbered {
    async fn names(&self, _: &Store, kind: WatchKind, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
        let known = ids.iter().filter(|id| kind == self.0 && **id < 100);
        Ok(known.map(|id| (*id, format!("{} {id}", kind.as_str()))).collect())
    }
}

pub async fn world() -> World {
    start(true).await
}

pub async fn start(allow_private: bool) -> World {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("t.db").display());
    let store = Store::open(&OpenOptions::new(url)).await.unwrap();
    let now = Timestamp::from_secs(1_800_000_605);
    store.migrate(ENGINE_MIGRATIONS, now).await.unwrap();
    store.migrate(notify::MIGRATIONS, now).await.unwrap();
    let metrics = Arc::new(EngineMetrics::new(&mut Registry::default()));
    let clock = SteppedClock::new(now);
    let shared = Arc::new(clock.clone());
    let tokens = Arc::new(|| "t".to_owned());
    let engine = Arc::new(Engine::new(store.clone(), shared.clone(), EngineOptions::default(), metrics, tokens));
    let options = SenderOptions { total: Duration::from_secs(3), ..SenderOptions::default() };
    let sender = Sender::new(options, shared.clone()).unwrap();
    let options = DeliverOptions { allow_private, gather: Duration::ZERO, ..DeliverOptions::default() };
    let deliverer = Arc::new(Deliverer::new(store.clone(), sender, Arc::new(Mirror), shared, options));
    let auth = Auth::new(AdminKey::of(KEY), true);
    let names: Vec<Arc<dyn TargetNames>> =
        vec![Arc::new(Numbered(WatchKind::Market)), Arc::new(Numbered(WatchKind::Account))];
    let alerts = AlertsState { store: store.clone(), engine: engine.clone(), auth: auth.clone(), names };
    let channels = ChannelsState { store: store.clone(), engine: engine.clone(), auth, deliverer: deliverer.clone() };
    let router = api::alerts::router(alerts).merge(api::channels::router(channels)).into_router();
    World { router, store, clock, engine, deliverer, _dir: dir }
}

impl World {
    /// Status, `Retry-After` and body of a request, with or without the admin key.
    pub async fn ask(&self, key: bool, method: &str, path: &str, body: &Value) -> (u16, Option<String>, String) {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if key {
            request = request.header("x-api-key", KEY);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = request.header("content-type", "application/json").body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let after = response.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status.as_u16(), after, String::from_utf8(body.to_vec()).unwrap())
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, _, text) = self.ask(true, method, path, &body).await;
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {path}: {text:?}")))
    }

    /// `data` of a good answer.
    pub async fn data(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, mut answer) = self.call(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer["data"].take()
    }

    /// Message of a refused request.
    pub async fn refused(&self, status: u16, method: &str, path: &str, body: Value) -> String {
        let (got, answer) = self.call(method, path, body).await;
        assert_eq!(got, status, "{method} {path}: {answer}");
        answer["message"].as_str().unwrap().to_owned()
    }

    pub async fn raise(&self, kind: WatchKind, ref_id: i64, alert_type: &str, severity: Severity, threshold: u32) {
        self.look(kind, ref_id, alert_type, severity, threshold, Condition::Bad).await;
    }

    pub async fn look(
        &self,
        kind: WatchKind,
        ref_id: i64,
        alert_type: &str,
        severity: Severity,
        failure_threshold: u32,
        condition: Condition,
    ) {
        let title = format!("{alert_type} of {ref_id}");
        let wording = Wording { severity, title, message: "below".to_owned(), value: Some(1.5) };
        let key = AlertKey { kind, ref_id, alert_type, window: "5h" };
        let policy = AlertPolicy { failure_threshold, success_threshold: 1, ..AlertPolicy::default() };
        let mut tx = self.store.begin().await.unwrap();
        store::step_alert(&mut tx, &key, condition, &wording, &policy, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn audit(&self) -> Vec<(String, String)> {
        let rows = store::audit_log(&self.store, 100).await.unwrap();
        rows.into_iter().rev().map(|e| (e.action, e.subject)).collect()
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// A server that keeps what comes in and answers what it is told, the request's own words included.
#[derive(Clone)]
pub struct Sink {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<(String, Value)>>>,
    pub answer: Arc<Mutex<(u16, String)>>,
}

impl Sink {
    pub async fn start(status: u16, answer: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sink = Self { address, seen: Arc::default(), answer: Arc::new(Mutex::new((status, answer.to_owned()))) };
        let this = sink.clone();
        let handle = move |request: axum::extract::Request| {
            let this = this.clone();
            async move {
                let (parts, body) = request.into_parts();
                let head = format!("{} {:?}", parts.uri, parts.headers);
                let body: Bytes = body.collect().await.unwrap().to_bytes();
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                this.seen.lock().unwrap().push((head.clone(), body));
                let (status, text) = this.answer.lock().unwrap().clone();
                (
                    StatusCode::from_u16(status).unwrap(),
                    text.replace("{echo}", &head).replace("{path}", &parts.uri.to_string()),
                )
            }
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handle)).await });
        sink
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// A draft of a webhook that leads here.
    pub fn draft(&self, name: &str) -> Value {
        json!({ "name": name, "kind": "webhook", "allow_private": true, "config": { "url": self.url("/hook-12345678") } })
    }
}
