//! Alerts: listed, seen once, never public.

use crate::world::{KEY, World, noon, world};
use engine::Event;
use model::{AlertPolicy, Condition, Severity, WatchKind};
use serde_json::{Value, json};
use std::time::Duration;
use store::{AlertKey, Wording};

async fn raise(w: &World, kind: WatchKind, ref_id: i64, alert_type: &str, severity: Severity) {
    let wording = Wording { severity, title: alert_type.to_owned(), message: "m".to_owned(), value: Some(60.0) };
    let key = AlertKey { kind, ref_id, alert_type, window: "" };
    let mut tx = w.store.begin().await.unwrap();
    store::step_alert(&mut tx, &key, Condition::Bad, &wording, &AlertPolicy::default(), noon()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn listed(w: &World, query: &str) -> (Vec<String>, i64) {
    let (status, body) = w.admin("GET", &format!("/api/v1/alerts?{query}"), Value::Null).await;
    assert_eq!(status, 200, "{body}");
    let rows = body["data"].as_array().unwrap().iter();
    (rows.map(|r| r["alert_type"].as_str().unwrap().to_owned()).collect(), body["total"].as_i64().unwrap())
}

#[tokio::test]
async fn alerts_are_filtered_and_seen_once() {
    let w = world().await;
    let (a, b) = (w.add("初音ミク").await, w.add("鬼滅の刃").await);
    raise(&w, WatchKind::Market, a, "high_outflow", Severity::Warning).await;
    raise(&w, WatchKind::Market, b, "surge", Severity::Critical).await;
    raise(&w, WatchKind::Account, 1, "low_balance", Severity::Critical).await;
    assert_eq!(listed(&w, "").await, (vec!["low_balance".into(), "surge".into(), "high_outflow".into()], 3));
    assert_eq!(listed(&w, "kind=market").await, (vec!["surge".into(), "high_outflow".into()], 2));
    assert_eq!(listed(&w, &format!("ip_id={a}")).await.0, ["high_outflow"]);
    assert_eq!(listed(&w, "severity=critical&kind=market").await.0, ["surge"]);
    assert_eq!(listed(&w, "kind=market&page_size=1&page=2").await, (vec!["high_outflow".into()], 2));

    let (status, first) = w.admin("POST", "/api/v1/alerts/1/ack", Value::Null).await;
    assert_eq!((status, &first["data"]["acknowledged_at"]), (200, &json!(noon().to_rfc3339_jst())));
    w.clock.advance(Duration::from_secs(60));
    assert_eq!(w.admin("POST", "/api/v1/alerts/1/ack", Value::Null).await, (200, first));
    assert_eq!(listed(&w, "acknowledged=true").await.0, ["high_outflow"]);
    assert_eq!(listed(&w, "acknowledged=false").await.0, ["low_balance", "surge"]);
    let (_, body) = w.admin("GET", "/api/v1/alerts?acknowledged=true", Value::Null).await;
    let seen = &body["data"][0];
    assert_eq!((&seen["status"], &seen["acknowledged_by"]), (&json!("acked"), &json!("admin")));
    assert_eq!((&seen["ip_name"], &seen["value"]), (&json!("初音ミク"), &json!(60.0)));
    assert_eq!(w.audit().await, [("admin".to_owned(), "alert.ack".to_owned(), "alert:1".to_owned())]);
    assert_eq!(w.admin("POST", "/api/v1/alerts/99/ack", Value::Null).await.0, 404);
    for query in ["ip_id=0", "severity=bad", "acknowledged=1", "x=1"] {
        assert_eq!(w.admin("GET", &format!("/api/v1/alerts?{query}"), Value::Null).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn only_the_administrator_hears_of_alerts() {
    let w = world().await;
    let mut public = w.request("GET", "/api/v1/events").send().await.unwrap();
    let mut admin = w.request("GET", "/api/v1/events").header("x-api-key", KEY).send().await.unwrap();
    assert_eq!(public.headers()["content-type"], "text/event-stream");
    w.engine.tell(&[
        Event { name: "alert".into(), data: json!({ "title": "secret" }) },
        Event { name: "crawl".into(), data: json!({ "ip_id": 1 }) },
    ]);
    let (mut seen, mut all) = (String::new(), String::new());
    while !seen.contains("event: crawl") || !seen.ends_with("\n\n") {
        seen.push_str(&String::from_utf8_lossy(&public.chunk().await.unwrap().unwrap()));
    }
    while !all.contains("event: crawl") {
        all.push_str(&String::from_utf8_lossy(&admin.chunk().await.unwrap().unwrap()));
    }
    assert!(!seen.contains("alert") && !seen.contains("secret"), "{seen}");
    assert!(seen.contains("id: 1") && seen.contains("data: {\"ip_id\":1}"), "{seen}");
    assert!(all.contains("event: alert") && all.contains("secret"), "{all}");
}
