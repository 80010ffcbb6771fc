//! The router without any watch: deadlines, panics, health, metrics, events, and the connection loop.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use api::{AdminKey, ApiOptions, Auth, Part, Parts, Probe, Routes, StoreProbe, Who};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use engine::{Engine, EngineMetrics, EngineOptions, Event};
use http_body_util::BodyExt as _;
use model::{SteppedClock, Timestamp};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{ENGINE_MIGRATIONS, OpenOptions, Store};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

const KEY: &str = "tw_key";

struct World {
    router: Router,
    engine: Arc<Engine>,
    stop: CancellationToken,
    _dir: tempfile::TempDir,
}

struct Broken(bool);

#[async_trait]
impl Probe for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    fn vital(&self) -> bool {
        self.0
    }

    async fn look(&self) -> Part {
        Part::bad("does not answer")
    }
}

async fn panics() -> &'static str {
    panic!("the secret reason")
}

async fn sleeps() -> &'static str {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    "never"
}

async fn fails() -> Result<&'static str, api::ApiError> {
    Err(store::StoreError::Database("SELECT secret FROM keys".into()).into())
}

async fn busy() -> Result<&'static str, api::ApiError> {
    Err(store::StoreError::Busy("database is locked".into()).into())
}

async fn start(migrated: bool, probes: Vec<Arc<dyn Probe>>) -> World {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("t.db").display());
    let store = Store::open(&OpenOptions::new(url)).await.unwrap();
    let now = Timestamp::from_secs(1_795_000_000);
    if migrated {
        store.migrate(ENGINE_MIGRATIONS, now).await.unwrap();
    }
    let mut registry = Registry::default();
    let metrics = Arc::new(EngineMetrics::new(&mut registry));
    let clock = Arc::new(SteppedClock::new(now));
    let tokens = Arc::new(|| "t".to_owned());
    let engine = Arc::new(Engine::new(store, clock, EngineOptions::default(), metrics, tokens));
    let stop = CancellationToken::new();
    let mut all: Vec<Arc<dyn Probe>> = vec![Arc::new(StoreProbe(Arc::clone(&engine)))];
    all.extend(probes);
    let options = ApiOptions {
        migrations: ENGINE_MIGRATIONS.to_vec(),
        request_timeout: Duration::from_millis(200),
        max_listeners: 2,
        ..ApiOptions::default()
    };
    let auth = Auth::new(AdminKey::of(KEY), true);
    let parts = Parts {
        engine: Arc::clone(&engine),
        auth: auth.clone(),
        registry: Arc::new(Mutex::new(registry)),
        probes: all,
        limits: None,
        counts: None,
        options,
        stop: stop.clone(),
    };
    let watches = Routes::new(&auth)
        .page("/panics", Who::Market, panics)
        .page("/sleeps", Who::Market, sleeps)
        .page("/fails", Who::Market, fails)
        .page("/busy", Who::Market, busy)
        .page("/thing/{id}", Who::Market, async || "thing");
    World { router: api::router(parts, watches), engine, stop, _dir: dir }
}

async fn world() -> World {
    start(true, Vec::new()).await
}

impl World {
    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let response = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        let status = response.status();
        (status, serde_json::from_slice(&bytes(response).await).unwrap())
    }
}

async fn bytes(response: Response<Body>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[tokio::test]
async fn inside_words_stay_inside() {
    let w = world().await;
    for path in ["/panics", "/fails"] {
        let response = w.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("x-request-id"), "{path}");
        let body: Value = serde_json::from_slice(&bytes(response).await).unwrap();
        assert_eq!(body, json!({ "code": 500, "message": "internal error" }));
    }
    let response = w.send(Request::get("/busy").body(Body::empty()).unwrap()).await;
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert!(!String::from_utf8(bytes(response).await).unwrap().contains("locked"));
}

#[tokio::test]
async fn a_request_has_a_deadline() {
    let w = world().await;
    assert_eq!(
        w.get("/sleeps").await,
        (StatusCode::SERVICE_UNAVAILABLE, json!({ "code": 503, "message": "not done in time" }))
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_are_envelopes() {
    let w = world().await;
    assert_eq!(w.get("/nowhere").await, (StatusCode::NOT_FOUND, json!({ "code": 404, "message": "path not found" })));
    let response = w.send(Request::post("/live").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let body: Value = serde_json::from_slice(&bytes(response).await).unwrap();
    assert_eq!(body["code"], 405);
}

#[tokio::test]
async fn health_tells_what_is_vital_from_what_is_not() {
    let status = async |probes| {
        let (code, body) = start(true, probes).await.get("/health").await;
        (code.as_u16(), body["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(status(vec![]).await, (200, "ok".into()));
    assert_eq!(status(vec![Arc::new(Broken(false)) as Arc<dyn Probe>]).await, (200, "degraded".into()));
    assert_eq!(status(vec![Arc::new(Broken(true)) as Arc<dyn Probe>]).await, (503, "down".into()));
    let w = world().await;
    let (_, body) = w.get("/health").await;
    assert_eq!((&body["time"], &body["mode"]), (&json!("2026-11-18T20:06:40+09:00"), &json!("live")));
    assert_eq!(body["parts"]["store"]["ok"], true);
    w.engine.store.close().await;
    assert_eq!(w.get("/health").await.0, 503);
    assert_eq!(w.get("/ready").await.0, 503);
    assert_eq!(w.get("/live").await.0, 200);
}

#[tokio::test]
async fn ready_means_migrated_and_not_stopping() {
    let bare = start(false, Vec::new()).await;
    assert_eq!(bare.get("/ready").await.1["reason"], "migrations are pending");
    let w = world().await;
    for _ in 0..2 {
        assert_eq!(w.get("/ready").await, (StatusCode::OK, json!({ "status": "ready" })));
    }
    w.stop.cancel();
    assert_eq!(
        w.get("/ready").await,
        (StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "not ready", "reason": "stopping" }))
    );
}

#[tokio::test]
async fn metrics_name_routes_and_are_for_this_machine_or_a_credential() {
    let w = world().await;
    for n in 0..3 {
        w.send(Request::get(format!("/thing/{n}")).body(Body::empty()).unwrap()).await;
        w.send(Request::get(format!("/made/up/{n}")).body(Body::empty()).unwrap()).await;
    }
    w.send(Request::builder().method("BREW").uri("/live").body(Body::empty()).unwrap()).await;
    let scrape = |peer: &str, header: Option<(&str, &str)>| {
        let mut request = Request::get("/metrics");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        w.send(request)
    };
    let far = "203.0.113.9:1";
    assert_eq!(scrape(far, None).await.status(), 401);
    assert_eq!(scrape(far, Some(("authorization", "Bearer wrong"))).await.status(), 401);
    assert_eq!(scrape("127.0.0.1:1", Some(("x-forwarded-for", "203.0.113.9"))).await.status(), 401);
    let bearer = format!("Bearer {KEY}");
    for header in [("authorization", bearer.as_str()), ("x-api-key", KEY)] {
        assert_eq!(scrape(far, Some(header)).await.status(), 200);
    }
    let text = String::from_utf8(bytes(scrape("127.0.0.1:1", None).await).await).unwrap();
    for line in [
        "animetop_http_requests_total{method=\"GET\",path=\"/thing/{id}\",status=\"200\"} 3",
        "animetop_http_requests_total{method=\"GET\",path=\"none\",status=\"404\"} 3",
        "animetop_http_requests_total{method=\"other\",path=\"/live\",status=\"405\"} 1",
        "# TYPE animetop_db_connections_active gauge",
        "animetop_queue_length{queue=\"schedule\"} 0",
        "# TYPE animetop_http_requests_total counter",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let open = scrape("127.0.0.1:1", Some(("accept", "application/openmetrics-text;version=1.0.0"))).await;
    let kind = open.headers()["content-type"].to_str().unwrap().to_owned();
    let open = String::from_utf8(bytes(open).await).unwrap();
    assert!(kind.starts_with("application/openmetrics-text") && open.ends_with("# EOF\n") && !text.contains("# EOF"));
    assert!(text.contains("animetop_service_uptime_seconds") && !text.contains("/made/up"), "{text}");
}

#[tokio::test]
async fn the_status_of_the_system_is_private() {
    let w = world().await;
    assert_eq!(w.get("/api/v1/system/status").await.0, 401);
    let request = Request::get("/api/v1/system/status").header("authorization", format!("bearer {KEY}"));
    let response = w.send(request.body(Body::empty()).unwrap()).await;
    let body: Value = serde_json::from_slice(&bytes(response).await).unwrap();
    assert_eq!(
        (&body["code"], &body["data"]["status"], &body["data"]["outbox_depth"]),
        (&json!(0), &json!("ok"), &json!(0))
    );
}

async fn frame(body: &mut Body) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.unwrap()?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn listeners_that_missed_something_are_told_so_and_all_end_with_the_process() {
    let w = world().await;
    let listen = |last: Option<&str>| {
        let mut request = Request::get("/api/v1/events");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        w.send(request.body(Body::empty()).unwrap())
    };
    let mut fresh = listen(None).await.into_body();
    let mut returning = listen(Some("7")).await.into_body();
    // Two listeners are the most there may be here.
    assert_eq!(listen(None).await.status(), 503);
    assert!(frame(&mut fresh).await.unwrap().contains("retry: 5000"));
    frame(&mut returning).await;
    assert!(frame(&mut returning).await.unwrap().contains("event: resync"));
    let crawl = Event { name: "crawl".into(), data: json!({}) };
    for _ in 0..2_000 {
        w.engine.tell(std::slice::from_ref(&crawl));
    }
    assert!(frame(&mut fresh).await.unwrap().contains("event: resync"), "it fell behind");
    assert!(frame(&mut fresh).await.unwrap().contains("event: crawl"));
    w.stop.cancel();
    while frame(&mut fresh).await.is_some() {}
    drop((fresh, returning));
}

#[tokio::test]
async fn a_stop_lets_running_requests_finish_and_frees_the_port() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let w = world().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(api::serve(listener, w.router.clone(), w.stop.clone(), Duration::from_secs(5)));
    let mut running = tokio::net::TcpStream::connect(address).await.unwrap();
    running.write_all(b"GET /sleeps HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut listening = tokio::net::TcpStream::connect(address).await.unwrap();
    listening.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    listening.read_exact(&mut first).await.unwrap();
    w.stop.cancel();
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
