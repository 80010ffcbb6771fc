//! A running program and the means to put crawls into its store.

use api::alerts::{AlertsState, TargetNames};
use api::{AdminKey, Allowances, ApiOptions, Auth, Limits, Parts, TrustedProxies};
use engine::{Engine, EngineMetrics, EngineOptions, Event};
use market::detect::{Changes, Gap, HourFlow};
use market::leaderboard::Leaderboard;
use market::routes::{MarketNames, MarketProbe, MarketState};
use market::store::{IpDraft, add_ip, write_hours, write_items, write_tracking};
use market::{MarketOptions, schedule};
use model::{HOUR, SteppedClock, SystemClock, Timestamp};
use prometheus_client::registry::Registry;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{OpenOptions, Store};
use tokio::net::TcpListener;

pub const KEY: &str = "tw_the-key-of-these-tests";

/// Saturday 2026-11-21 12:30 JST.
pub fn noon() -> Timestamp {
    at("2026-11-21T12:30:00+09:00")
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The hour of the 21st, JST.
pub fn hour(n: i64) -> Timestamp {
    at("2026-11-21T00:00:00+09:00").plus(n * HOUR)
}

pub struct World {
    pub store: Store,
    pub engine: Arc<Engine>,
    pub clock: SteppedClock,
    pub board: Leaderboard,
    pub options: Arc<MarketOptions>,
    base: String,
    client: reqwest::Client,
    file: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.file.display()));
        }
    }
}

pub struct Setup {
    pub public: bool,
    pub demo: bool,
    pub per_minute: Option<u32>,
    pub options: MarketOptions,
}

impl Default for Setup {
    fn default() -> Self {
        Self { public: true, demo: false, per_minute: None, options: MarketOptions::default() }
    }
}

pub async fn world() -> World {
    start(Setup::default()).await
}

pub async fn start(setup: Setup) -> World {
    let file = std::env::temp_dir().join(format!("tidewatch-api-{}.db", uuid::Uuid::new_v4()));
    let store = Store::open(&OpenOptions::new(format!("sqlite://{}", file.display()))).await.unwrap();
    let clock = SteppedClock::new(noon());
    let migrations: Vec<_> =
        store::ENGINE_MIGRATIONS.iter().chain(market::MIGRATIONS).chain(notify::MIGRATIONS).copied().collect();
    store.migrate(&migrations, noon()).await.unwrap();
    let mut registry = Registry::default();
    let metrics = Arc::new(EngineMetrics::new(&mut registry));
    let tokens = Arc::new(|| uuid::Uuid::new_v4().to_string());
    let shared = Arc::new(clock.clone());
    let engine = Arc::new(Engine::new(store.clone(), shared, EngineOptions::default(), metrics, tokens));
    let options = Arc::new(setup.options);
    let auth = Auth::new(AdminKey::of(KEY), setup.public);
    let board = Leaderboard::new(Arc::clone(&engine), options.include_shops);
    let state = MarketState {
        store: store.clone(),
        engine: Arc::clone(&engine),
        options: Arc::clone(&options),
        board: board.clone(),
        auth: auth.clone(),
        demo: setup.demo,
        plain_pages: true,
    };
    let clock_on_the_wall: model::SharedClock = Arc::new(SystemClock);
    let allowances = |market_per_minute| Allowances {
        market_per_minute,
        private_per_hour: 10_000,
        private_per_day: 10_000,
        session_per_minute: 10_000,
        refresh_per_minute: 10_000,
        credits_per_minute: 10_000,
        log_in_per_minute: 10_000,
    };
    let limits = |n| Arc::new(Limits::new(allowances(n), TrustedProxies::default(), &clock_on_the_wall));
    let parts = Parts {
        engine: Arc::clone(&engine),
        auth,
        registry: Arc::new(Mutex::new(registry)),
        probes: vec![Arc::new(api::StoreProbe(Arc::clone(&engine))), Arc::new(MarketProbe(state.clone()))],
        limits: setup.per_minute.map(limits),
        counts: None,
        options: ApiOptions { migrations, ..ApiOptions::default() },
        stop: Default::default(),
    };
    let stop = parts.stop.clone();
    let names: Vec<Arc<dyn TargetNames>> = vec![Arc::new(MarketNames)];
    let alerts = AlertsState { store: store.clone(), engine: Arc::clone(&engine), auth: state.auth.clone(), names };
    let router = api::router(parts, market::routes::router(state).merge(api::alerts::router(alerts)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(api::serve(listener, router, stop, Duration::from_secs(1)));
    World { store, engine, clock, board, options, base, client: reqwest::Client::new(), file }
}

impl World {
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request("GET", path).send().await.unwrap()).await
    }

    /// `data` of a good answer.
    pub async fn data(&self, path: &str) -> Value {
        let (status, mut body) = self.get(path).await;
        assert!(status.is_success() && body["code"] == 0, "{path}: {status} {body}");
        body["data"].take()
    }

    /// Status and message of a refused request.
    pub async fn refused(&self, path: &str) -> (u16, String) {
        let (status, body) = self.get(path).await;
        assert_eq!(body["code"], status.as_u16(), "{path}: {body}");
        (status.as_u16(), body["message"].as_str().unwrap_or_default().to_owned())
    }

    pub async fn text(&self, path: &str) -> (StatusCode, String) {
        let response = self.request("GET", path).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// As the administrator; `body` null sends none.
    pub async fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let mut request = self.request(method, path).header("x-api-key", KEY);
        if !body.is_null() {
            request = request.json(&body);
        }
        let (status, body) = read(request.send().await.unwrap()).await;
        (status.as_u16(), body)
    }

    pub async fn add(&self, name: &str) -> i64 {
        let draft = IpDraft {
            name: name.to_owned(),
            name_en: format!("{name} (en)"),
            name_cn: String::new(),
            category: "anime".to_owned(),
            tags: vec![],
            image_url: String::new(),
            external_id: String::new(),
            notes: String::new(),
            weight: 1.0,
        };
        let interval = schedule::interval_of_weight(1.0, &self.options.schedule);
        let mut tx = self.store.begin().await.unwrap();
        let id = add_ip(&mut tx, &draft, interval, noon()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Writes what a crawl changes, as the watch does, and tells the engine's listeners.
    pub async fn record(&self, ip: i64, changes: &Changes) {
        let now = changes.covered_until.plus(120_000);
        let mut tx = self.store.begin().await.unwrap();
        write_items(&mut tx, ip, &changes.transitions, &changes.unchanged, now).await.unwrap();
        write_hours(&mut tx, ip, changes).await.unwrap();
        write_tracking(&mut tx, ip, changes, now, 1.0).await.unwrap();
        tx.commit().await.unwrap();
        self.engine.tell(&[Event { name: "crawl".into(), data: serde_json::json!({ "ip_id": ip }) }]);
    }

    /// Hours as `(hour of the 21st, inflow, outflow)`, known up to `covered_until`.
    pub async fn hours(&self, ip: i64, hours: &[(i64, i64, i64)], covered_until: Timestamp) {
        self.record(ip, &flows(hours, covered_until)).await;
    }

    pub async fn audit(&self) -> Vec<(String, String, String)> {
        let rows = store::audit_log(&self.store, 100).await.unwrap();
        rows.into_iter().rev().map(|e| (e.actor, e.action, e.subject)).collect()
    }
}

pub fn flows(hours: &[(i64, i64, i64)], covered_until: Timestamp) -> Changes {
    let mut changes = Changes { covered_until, on_sale_total: Some(500), ..Changes::default() };
    for (n, inflow, outflow) in hours {
        let flow = HourFlow { inflow: *inflow, outflow: *outflow, ..HourFlow::default() };
        changes.flow.hours.insert(hour(*n), flow);
        changes.completed.push((hour(*n), Some(500)));
    }
    changes.gap = Gap::default();
    changes
}

pub async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text:.300}")))
}
