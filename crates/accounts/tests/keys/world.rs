//! A running program with an empty pool, and the means to fill it.

use accounts::fetch::Fetcher;
use accounts::keys::{Import, ImportOptions, ImportReport};
use accounts::provider::Catalog;
use accounts::routes::AccountsState;
use accounts::store::{Account, write_failed, write_good};
use accounts::{AccountOptions, Reading, ReadingStatus};
use api::{AdminKey, ApiOptions, Auth, Parts};
use engine::http::ClientSettings;
use engine::{Engine, EngineMetrics, EngineOptions};
use model::{SteppedClock, Timestamp};
use notify::Reach;
use prometheus_client::registry::Registry;
use reqwest::{Method, RequestBuilder};
use rust_decimal::Decimal;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{Keyring, OpenOptions, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub const KEY: &str = "tw_the-key-of-these-tests";

pub fn start() -> Timestamp {
    Timestamp::parse("2026-11-21T12:10:00Z").unwrap()
}

pub struct World {
    pub store: Store,
    pub engine: Arc<Engine>,
    pub clock: SteppedClock,
    pub keyring: Arc<Keyring>,
    pub stop: CancellationToken,
    base: String,
    client: reqwest::Client,
    _directory: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(None, Keyring::parse(&store::new_key().unwrap()).unwrap()).await
    }

    pub async fn with(url: Option<&str>, keyring: Keyring) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}", directory.path().join("keys.db").display());
        let store = Store::open(&OpenOptions::new(url.unwrap_or(&file))).await.unwrap();
        let migrations = [store::ENGINE_MIGRATIONS, notify::MIGRATIONS, accounts::MIGRATIONS].concat();
        store.migrate(&migrations, start()).await.unwrap();
        let clock = SteppedClock::new(start());
        let mut registry = Registry::default();
        let metrics = Arc::new(EngineMetrics::new(&mut registry));
        let tokens = Arc::new(|| uuid::Uuid::new_v4().to_string());
        let shared = Arc::new(clock.clone());
        let engine = Arc::new(Engine::new(store.clone(), shared.clone(), EngineOptions::default(), metrics, tokens));
        let keyring = Arc::new(keyring);
        let auth = Auth::new(AdminKey::of(KEY), true);
        let state = AccountsState {
            store: store.clone(),
            engine: Arc::clone(&engine),
            auth: auth.clone(),
            keyring: Arc::clone(&keyring),
            providers: Arc::new(Catalog::built_in().unwrap()),
            fetcher: Arc::new(Fetcher::new(&ClientSettings::default(), Reach::Private, shared).unwrap()),
            options: Arc::new(AccountOptions::default()),
        };
        let stop = CancellationToken::new();
        let parts = Parts {
            engine: Arc::clone(&engine),
            auth,
            registry: Arc::new(Mutex::new(registry)),
            probes: vec![],
            limits: None,
            counts: None,
            options: ApiOptions { migrations, ..ApiOptions::default() },
            stop: stop.clone(),
        };
        let router = api::router(parts, accounts::routes::router(state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(api::serve(listener, router, stop.clone(), Duration::from_secs(1)));
        Self { store, engine, clock, keyring, stop, base, client: reqwest::Client::new(), _directory: directory }
    }

    pub fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    pub fn options(&self) -> ImportOptions {
        ImportOptions {
            provider: "factory".into(),
            amount: "tokens".into(),
            tags: vec![],
            params: Default::default(),
            interval: Duration::from_secs(3600),
            now: self.now(),
            actor: "admin".into(),
        }
    }

    pub async fn import(&self, text: &str) -> ImportReport {
        let mut import = Import::new(&self.store, &self.keyring, self.options());
        import.push(text.as_bytes()).await.unwrap();
        import.finish().await.unwrap()
    }

    /// `count` keys named `key-0001` and so on.
    pub async fn fill(&self, count: usize) {
        let text: String = (1..=count).map(|n| format!("key-{n:04},{}\n", secret(n))).collect();
        assert_eq!(self.import(&text).await.success, count as u64);
    }

    /// What a good look at a key gave.
    pub async fn good(&self, id: i64, remaining: Option<i64>, org: Option<&str>) {
        let reading = Reading {
            remaining: remaining.map(Decimal::from),
            total: remaining.map(|_| Decimal::from(1000)),
            unit: Some("tokens".into()),
            org: org.map(str::to_owned),
            ..Reading::default()
        };
        self.read(id, &reading.complete()).await;
    }

    pub async fn read(&self, id: i64, reading: &Reading) {
        let mut tx = self.store.begin().await.unwrap();
        let account = Account::load(&mut tx, id).await.unwrap().unwrap();
        write_good(&mut tx, &account, reading, None, (self.now(), self.now())).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn bad(&self, id: i64, status: ReadingStatus) {
        let mut tx = self.store.begin().await.unwrap();
        write_failed(&mut tx, id, status, "no", self.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn count(&self, table: &str) -> i64 {
        let row = self.store.query_one(&format!("SELECT COUNT(*) FROM {table}"), vec![]).await.unwrap();
        row.unwrap().int(0).unwrap()
    }

    pub async fn ids(&self) -> Vec<i64> {
        let rows = self.store.query("SELECT id FROM accounts ORDER BY id", vec![]).await.unwrap();
        rows.iter().map(|r| r.int(0).unwrap()).collect()
    }

    pub fn anybody(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub fn admin(&self, method: &str, path: &str) -> RequestBuilder {
        self.anybody(method, path).header("x-api-key", KEY)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.admin("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.admin("POST", path).json(&body)).await
    }

    /// `data` of a good answer.
    pub async fn data(&self, path: &str) -> Value {
        let (status, mut body) = self.get(path).await;
        assert!(status == 200 && body["code"] == 0, "{path}: {status} {body}");
        body["data"].take()
    }

    pub async fn audit(&self) -> Vec<String> {
        let rows = store::audit_log(&self.store, 100).await.unwrap();
        rows.into_iter().rev().map(|e| format!("{} {}", e.action, e.subject)).collect()
    }
}

pub async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The key of a number: `fk-planted-…`.
pub fn secret(n: usize) -> String {
    format!("fk-planted-{n:06}-{:06x}", n * 7919)
}
