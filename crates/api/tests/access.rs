//! Logging in and out, on a clock that stands still.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use api::{
    Access, AdminKey, Allowances, ApiOptions, Auth, Credential, Limits, Parts, PasswordHash, Rate, Role, Routes,
    Sessions, Tokens, TrustedProxies, Who,
};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use engine::{Engine, EngineMetrics, EngineOptions};
use http_body_util::BodyExt as _;
use model::{SharedClock, SteppedClock, Timestamp};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{ENGINE_MIGRATIONS, OpenOptions, Store};
use tower::ServiceExt as _;

const KEY: &str = "tw_admin";
const PASSWORD: &str = "correct horse";
const HOUR: Duration = Duration::from_secs(3600);
const PLENTY: u32 = 100_000;

struct World {
    router: Router,
    store: Store,
    clock: SteppedClock,
    public: bool,
    _dir: tempfile::TempDir,
}

/// An answer.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn cookie(&self) -> String {
        let line = self.headers["set-cookie"].to_str().unwrap();
        line.split(';').next().unwrap().to_owned()
    }

    fn csrf(&self) -> String {
        self.body["data"]["csrf"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

const FREE: Allowances = Allowances {
    market_per_minute: PLENTY,
    private_per_hour: PLENTY,
    private_per_day: PLENTY,
    session_per_minute: PLENTY,
    refresh_per_minute: PLENTY,
    credits_per_minute: PLENTY,
    log_in_per_minute: PLENTY,
};

async fn world() -> World {
    start(FREE, true).await
}

async fn start(allowances: Allowances, public: bool) -> World {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("t.db").display());
    let store = Store::open(&OpenOptions::new(url)).await.unwrap();
    let clock = SteppedClock::new(Timestamp::from_secs(1_795_000_000));
    store.migrate(ENGINE_MIGRATIONS, Timestamp(0)).await.unwrap();
    let password = PasswordHash::of(PASSWORD).unwrap();
    let router = router(&store, &clock, users(&password), (allowances, public));
    World { router, store, clock, public, _dir: dir }
}

fn users(password: &PasswordHash) -> Vec<Credential> {
    vec![
        Credential::key("admin", Role::Admin, AdminKey::of(KEY)),
        Credential::key("ci", Role::Viewer, AdminKey::of("tw_ci")),
        Credential::user("ann", Role::Operator, password.clone()),
        Credential::user("admin", Role::Admin, password.clone()),
    ]
}

fn router(
    store: &Store,
    clock: &SteppedClock,
    credentials: Vec<Credential>,
    (of, public): (Allowances, bool),
) -> Router {
    let mut registry = Registry::default();
    let metrics = Arc::new(EngineMetrics::new(&mut registry));
    let shared: SharedClock = Arc::new(clock.clone());
    let tokens = Arc::new(|| "t".to_owned());
    let engine = Arc::new(Engine::new(store.clone(), shared.clone(), EngineOptions::default(), metrics, tokens));
    let auth = Auth::with(Access {
        credentials,
        tokens: Some(Tokens::new(&[7; 32], HOUR)),
        sessions: Some(Sessions::new(store.clone(), HOUR)),
        public,
        clock: shared.clone(),
    });
    let trusted = TrustedProxies::new(|a| a.is_loopback());
    let watches = Routes::new(&auth)
        .get("/market", Who::Market, "A route.", async || axum::Json("read"))
        .get("/private", Who::Viewer, "A route.", async || axum::Json("read"))
        .post("/work", Who::Operator, "A route.", async |operator: api::Operator| axum::Json(operator.name))
        .post("/all", Who::Admin, "A route.", async |admin: api::Admin| axum::Json(admin.name))
        .get("/api/refresh", Who::Operator.at(Rate::Refresh), "A route.", async || axum::Json("done"))
        .get("/api/credits", Who::Viewer.at(Rate::Credits), "A route.", async || axum::Json("read"));
    let parts = Parts {
        engine,
        auth,
        registry: Arc::new(Mutex::new(registry)),
        probes: Vec::new(),
        limits: Some(Arc::new(Limits::new(of, trusted.clone(), &shared))),
        counts: None,
        options: ApiOptions { trusted_proxies: trusted, ..ApiOptions::default() },
        stop: Default::default(),
    };
    api::router(parts, watches)
}

impl World {
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>("127.0.0.1:1".parse().unwrap()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) }
    }

    async fn log_in(&self, body: Value) -> Answer {
        self.ask("POST", "/api/login", &[], body).await
    }

    async fn ann(&self) -> Answer {
        let answer = self.log_in(json!({ "username": "ann", "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    async fn status(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.ask(method, path, headers, Value::Null).await.status
    }

    async fn role(&self, headers: &[(&str, &str)]) -> String {
        let answer = self.ask("GET", "/api/session", headers, Value::Null).await;
        answer.body["data"]["role"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_session_opens_works_and_closes() {
    let w = world().await;
    assert!(w.public);
    let session = w.ask("GET", "/api/session", &[], Value::Null).await.body;
    let data = &session["data"];
    assert_eq!(
        (&data["role"], &data["csrf"], &data["public"]),
        (&json!("anonymous"), &Value::Null, &json!(["market"]))
    );
    assert_eq!(data["features"], json!({ "market": true, "accounts": true, "keys": true, "reminders": true }));
    let ann = w.ann().await;
    let line = ann.header("set-cookie");
    assert!(line.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600") && !line.contains("Secure"), "{line}");
    assert_eq!(ann.header("cache-control"), "no-store");
    let data = &ann.body["data"];
    assert_eq!(
        (&data["name"], &data["role"], data["expires_at"].is_string()),
        (&json!("ann"), &json!("operator"), true)
    );
    let (cookie, csrf) = (ann.cookie(), ann.csrf());
    let both = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    assert_eq!(w.role(&both[..1]).await, "operator");
    assert_eq!(w.ask("POST", "/work", &both, Value::Null).await.body, "ann");
    assert_eq!(w.status("POST", "/all", &both).await, 403);
    let closed = w.ask("POST", "/api/logout", &both, Value::Null).await;
    assert!(closed.status == 200 && closed.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(w.status("POST", "/work", &both).await, 401);
    let log = store::audit_log(&w.store, 10).await.unwrap();
    let log: Vec<_> = log.iter().rev().map(|e| (e.actor.as_str(), e.action.as_str())).collect();
    assert_eq!(log, [("ann", "session.open"), ("ann", "session.close")]);
}

#[tokio::test]
async fn a_stolen_database_opens_nothing() {
    let w = world().await;
    let id = w.ann().await.cookie().split_once('=').unwrap().1.to_owned();
    let rows = w.store.query("SELECT id_hash FROM sessions", Vec::new()).await.unwrap();
    let hash = rows[0].text(0).unwrap();
    assert_ne!(hash, id);
    assert_eq!(w.role(&[("cookie", &format!("tidewatch_session={hash}"))]).await, "anonymous");
}

#[tokio::test]
async fn every_way_to_log_in() {
    let w = world().await;
    for (body, expected) in [
        (json!({ "username": "ann", "password": PASSWORD }), Some("operator")),
        (json!({ "password": PASSWORD }), Some("admin")),
        (json!({ "password": KEY }), Some("admin")),
        (json!({ "api_key": "tw_ci" }), Some("viewer")),
        (json!({ "username": "ann", "password": KEY }), None),
        (json!({ "username": "nobody", "password": PASSWORD }), None),
        (json!({ "username": "nobody", "password": "" }), None),
        (json!({ "api_key": "wrong" }), None),
    ] {
        let answer = w.log_in(body.clone()).await;
        match expected {
            Some(role) => assert_eq!(answer.body["data"]["role"], role, "{body}"),
            None => assert_eq!(
                (answer.status, &answer.body["message"]),
                (401, &json!("name, password or key is wrong")),
                "{body}"
            ),
        }
    }
    for body in [json!({}), json!({ "username": "ann" }), json!({ "password": "x", "api_key": "y" }), json!([])] {
        assert_eq!(w.log_in(body).await.status, 400);
    }
}

#[tokio::test]
async fn a_session_and_a_token_end_on_time() {
    let w = world().await;
    let cookie = w.ann().await.cookie();
    let token = w.ask("POST", "/api/token", &[], json!({ "username": "ann", "password": PASSWORD })).await;
    assert_eq!((&token.body["token_type"], &token.body["expires_in"]), (&json!("bearer"), &json!(3600)));
    let bearer = format!("Bearer {}", token.body["access_token"].as_str().unwrap());
    let ways = [("cookie", cookie.as_str()), ("authorization", bearer.as_str())];
    w.clock.advance(HOUR - Duration::from_millis(1));
    for way in ways {
        assert_eq!(w.status("GET", "/private", &[way]).await, 200, "{way:?}");
    }
    w.clock.advance(Duration::from_millis(1));
    for way in ways {
        assert_eq!(w.status("GET", "/private", &[way]).await, 401, "{way:?}");
        assert_eq!(w.status("GET", "/market", &[way]).await, 200, "the market is public all the same");
    }
}

#[tokio::test]
async fn a_changed_password_or_role_ends_what_was_opened_with_it() {
    let mut w = world().await;
    let cookie = w.ann().await.cookie();
    let token = w.ask("POST", "/api/token", &[], json!({ "username": "ann", "password": PASSWORD })).await;
    let bearer = format!("Bearer {}", token.body["access_token"].as_str().unwrap());
    let ways = [("cookie", cookie.as_str()), ("authorization", bearer.as_str())];
    let lists = [
        vec![Credential::user("ann", Role::Operator, PasswordHash::of(PASSWORD).unwrap())],
        vec![Credential::key("admin", Role::Admin, AdminKey::of(KEY))],
    ];
    for credentials in lists {
        w.router = router(&w.store, &w.clock, credentials, (FREE, true));
        for way in ways {
            assert_eq!(w.status("GET", "/private", &[way]).await, 401, "{way:?}");
        }
    }
}

#[tokio::test]
async fn writes_of_a_session_need_its_token_and_come_from_here() {
    let w = world().await;
    let (ann, other) = (w.ann().await, w.ann().await);
    let (cookie, csrf, wrong) = (ann.cookie(), ann.csrf(), other.csrf());
    let cookie = ("cookie", cookie.as_str());
    let with = |extra: &[(&'static str, &'static str)]| {
        let mut all = vec![cookie, ("x-csrf-token", csrf.as_str())];
        all.extend(extra);
        all
    };
    assert_eq!(w.status("POST", "/work", &[cookie]).await, 403);
    assert_eq!(w.status("POST", "/work", &[cookie, ("x-csrf-token", &wrong)]).await, 403);
    assert_eq!(w.status("POST", "/work", &with(&[])).await, 200);
    assert_eq!(w.status("POST", "/work", &with(&[("sec-fetch-site", "same-origin")])).await, 200);
    assert_eq!(w.status("POST", "/work", &with(&[("sec-fetch-site", "cross-site")])).await, 403);
    assert_eq!(w.status("POST", "/work", &with(&[("origin", "https://evil.example"), ("host", "a")])).await, 403);
    // A GET that does something is no link for other sites; one that reads may be.
    assert_eq!(w.status("GET", "/api/refresh", &[cookie, ("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(w.status("GET", "/api/refresh", &[cookie]).await, 200);
    assert_eq!(w.status("GET", "/private", &[cookie, ("sec-fetch-site", "cross-site")]).await, 200);
    // Programs show their credential themselves; a wrong one is not made good by a cookie.
    assert_eq!(w.status("POST", "/work", &[("x-api-key", KEY), ("origin", "https://evil.example")]).await, 200);
    assert_eq!(w.status("GET", "/private", &[cookie, ("x-api-key", "wrong")]).await, 401);
    let body = json!({ "username": "ann", "password": PASSWORD });
    let foreign = w.ask("POST", "/api/login", &[("sec-fetch-site", "cross-site")], body).await;
    assert_eq!(foreign.status, 403);
}

#[tokio::test]
async fn brute_force_is_slow() {
    let w = world().await;
    let wrong = json!({ "username": "ann", "password": "guess" });
    for _ in 0..5 {
        assert_eq!(w.log_in(wrong.clone()).await.status, 401);
    }
    for (wait, asked) in [("60", 60), ("120", 120)] {
        for body in [wrong.clone(), json!({ "username": "ann", "password": PASSWORD })] {
            let answer = w.log_in(body).await;
            assert_eq!((answer.status, answer.header("retry-after")), (429, wait), "the right one waits as well");
        }
        // A token is no way around, and neither is another address.
        let token = w.ask("POST", "/api/token", &[("x-forwarded-for", "203.0.113.9")], wrong.clone()).await;
        assert_eq!(token.status, 429);
        w.clock.advance(Duration::from_secs(asked));
        assert_eq!(w.log_in(wrong.clone()).await.status, 401);
    }
    // From the address nobody gets in, elsewhere others do.
    let admin = json!({ "password": PASSWORD });
    assert_eq!(w.log_in(admin.clone()).await.status, 429);
    assert_eq!(w.ask("POST", "/api/login", &[("x-forwarded-for", "203.0.113.9")], admin).await.status, 200);
    w.clock.advance(Duration::from_secs(240));
    w.ann().await;
}

#[tokio::test]
async fn limits_are_for_whom_and_what_is_asked() {
    let few = Allowances {
        market_per_minute: 7,
        private_per_hour: 3,
        private_per_day: 4,
        session_per_minute: 6,
        refresh_per_minute: 2,
        credits_per_minute: 5,
        log_in_per_minute: 2,
    };
    let w = start(few, true).await;
    let cookie = w.ann().await.cookie();
    let count = async |path: &str, way: (&str, &str)| {
        for n in 0..20 {
            let answer = w.ask("GET", path, &[way], Value::Null).await;
            if answer.status == 429 {
                assert!(!answer.header("retry-after").is_empty() && answer.header("ratelimit-remaining") == "0");
                return n;
            }
            assert!(!answer.header("ratelimit-limit").is_empty(), "{path}");
        }
        20
    };
    let (key, session) = (("x-api-key", KEY), ("cookie", cookie.as_str()));
    assert_eq!(count("/private", key).await, 3);
    assert_eq!(count("/private", ("x-api-key", "tw_ci")).await, 3, "each credential has its own");
    assert_eq!(count("/private", session).await, 6);
    assert_eq!(count("/api/refresh", key).await, 2);
    assert_eq!(count("/api/credits", key).await, 5);
    assert_eq!(count("/private", ("x-api-key", "wrong")).await, 7, "guesses are limited");
    assert_eq!(count("/market", ("x-forwarded-for", "203.0.113.9")).await, 7);
    for _ in 0..20 {
        let answer = w.ask("GET", "/live", &[], Value::Null).await;
        assert!(answer.status == 200 && !answer.headers.contains_key("ratelimit-limit"));
    }
}

#[tokio::test]
async fn behind_tls_cookies_and_browsers_are_told_so() {
    let w = world().await;
    let body = json!({ "username": "ann", "password": PASSWORD });
    let answer = w.ask("POST", "/api/login", &[("x-forwarded-proto", "https")], body).await;
    assert!(answer.header("set-cookie").ends_with("; Secure"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    assert!(!w.ask("GET", "/live", &[], Value::Null).await.headers.contains_key("strict-transport-security"));
    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn a_body_is_no_ladder() {
    let w = world().await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let request = Request::post("/api/login").header("content-type", "application/json").body(Body::from(deep));
    let response = w.router.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 400);
    let large = Request::post("/api/login").header("content-type", "application/json");
    let large = large.body(Body::from(vec![b' '; 10 * 1024 * 1024 + 1])).unwrap();
    assert_eq!(w.router.clone().oneshot(large).await.unwrap().status(), 413);
}
