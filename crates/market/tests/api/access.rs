//! Who may do what.

use crate::world::{KEY, Setup, start, world};
use serde_json::json;

const PRIVATE: &[(&str, &str)] = &[
    ("POST", "/api/v1/ips"),
    ("PUT", "/api/v1/ips/1"),
    ("DELETE", "/api/v1/ips/1"),
    ("POST", "/api/v1/ips/1/trigger"),
    ("GET", "/api/v1/alerts"),
    ("POST", "/api/v1/alerts/1/ack"),
    ("GET", "/api/v1/system/status"),
    ("GET", "/api/v1/system/scheduler"),
    ("POST", "/api/v1/admin/import"),
    ("POST", "/api/v1/admin/archive/daily"),
    ("POST", "/api/v1/admin/archive/weekly"),
];

const READS: &[&str] = &[
    "/api/v1/ips",
    "/api/v1/ips/1",
    "/api/v1/ips/1/liquidity",
    "/api/v1/ips/1/stats/hourly",
    "/api/v1/ips/1/stats/daily",
    "/api/v1/ips/1/stats/weekly",
    "/api/v1/ips/1/stats/monthly",
    "/api/v1/ips/1/items",
    "/api/v1/leaderboard",
    "/",
    "/ip/1",
];

#[tokio::test]
async fn what_is_private_opens_to_the_right_key_only() {
    let w = world().await;
    w.add("初音ミク").await;
    for (method, path) in PRIVATE {
        let bearer = format!("Bearer {KEY}");
        let shown: [(&str, Option<(&str, &str)>); 7] = [
            ("none", None),
            ("wrong", Some(("x-api-key", "tw_wrong"))),
            ("empty", Some(("x-api-key", ""))),
            ("wrong bearer", Some(("authorization", "Bearer tw_wrong"))),
            ("no bearer", Some(("authorization", KEY))),
            ("right", Some(("x-api-key", KEY))),
            ("right bearer", Some(("authorization", &bearer))),
        ];
        for (case, header) in shown {
            let mut request = w.request(method, path);
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            let response = request.send().await.unwrap();
            let refused = response.status() == 401;
            assert_eq!(refused, !case.starts_with("right"), "{method} {path} with {case}: {}", response.status());
            if refused {
                assert_eq!(response.headers()["www-authenticate"], "Bearer");
                let (status, body) = crate::world::read(response).await;
                assert_eq!(body["code"], status.as_u16());
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_changed_without_the_key() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    let body = json!({ "name": "x" });
    for (method, path) in [("POST", "/api/v1/ips".to_owned()), ("DELETE", format!("/api/v1/ips/{id}"))] {
        assert_eq!(w.request(method, &path).json(&body).send().await.unwrap().status(), 401);
    }
    let (_, body) = w.get("/api/v1/ips").await;
    assert_eq!((&body["total"], &body["data"][0]["status"]), (&json!(1), &json!("active")));
    assert!(w.audit().await.is_empty());
}

#[tokio::test]
async fn reads_are_public_unless_closed() {
    let (open, closed) = (world().await, start(Setup { public: false, ..Setup::default() }).await);
    open.add("初音ミク").await;
    closed.add("初音ミク").await;
    for path in READS {
        assert_eq!(open.request("GET", path).send().await.unwrap().status(), 200, "{path}");
        assert_eq!(closed.request("GET", path).send().await.unwrap().status(), 401, "{path}");
        let with_key = closed.request("GET", path).header("x-api-key", KEY).send().await.unwrap();
        assert_eq!(with_key.status(), 200, "{path}");
    }
    assert_eq!(closed.request("GET", "/api/v1/events").send().await.unwrap().status(), 401);
    assert_eq!(closed.request("GET", "/health").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_asks_too_much_waits() {
    let w = start(Setup { per_minute: Some(3), ..Setup::default() }).await;
    for left in [2, 1, 0] {
        let response = w.request("GET", "/api/v1/leaderboard").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["ratelimit-limit"], "3");
        assert_eq!(response.headers()["ratelimit-remaining"], left.to_string());
    }
    let response = w.request("GET", "/api/v1/leaderboard").send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert!((1..=20).contains(&response.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap()));
    assert_eq!(crate::world::read(response).await.1["code"], 429);
    assert_eq!(w.request("GET", "/live").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_envelope() {
    let w = world().await;
    assert_eq!(w.refused("/api/v1/nothing").await, (404, "path not found".into()));
    assert_eq!(w.refused("/api/v1/ips/7").await, (404, "IP 7 not found".into()));
    assert_eq!(w.refused("/api/v1/ips/seven").await.0, 400);
    let (status, body) = w.admin("PATCH", "/api/v1/ips", json!(null)).await;
    assert_eq!((status, &body["code"]), (405, &json!(405)));
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let w = world().await;
    for path in ["/", "/api/v1/ips", "/nothing", "/health", "/assets/page.css"] {
        let headers = w.request("GET", path).send().await.unwrap().headers().clone();
        let csp = headers["content-security-policy"].to_str().unwrap();
        assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe"), "{path}: {csp}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
    }
}
