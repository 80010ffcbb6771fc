//! Alerts: listed, explained, answered.

use crate::world::{Sink, World, world};
use model::{Clock as _, Condition, Severity, WatchKind};
use serde_json::{Value, json};

async fn ids(w: &World, query: &str) -> Vec<i64> {
    let (status, body) = w.call("GET", &format!("/alerts?{query}"), Value::Null).await;
    assert_eq!(status, 200, "{query}: {body}");
    let ids: Vec<i64> = body["data"].as_array().unwrap().iter().map(|r| r["id"].as_i64().unwrap()).collect();
    assert!(body["total"].as_u64().unwrap() >= ids.len() as u64);
    ids
}

/// 1 market warning, 2 account critical, 3 key info, 4 pending mailbox, 5 account of another name.
async fn five() -> World {
    let w = world().await;
    w.raise(WatchKind::Market, 7, "high_outflow", Severity::Warning, 1).await;
    w.raise(WatchKind::Account, 7, "low_balance", Severity::Critical, 1).await;
    w.raise(WatchKind::Key, 3, "exhausted", Severity::Info, 1).await;
    w.raise(WatchKind::Mailbox, 1, "unreachable", Severity::Warning, 3).await;
    w.raise(WatchKind::Account, 200, "low_balance", Severity::Warning, 1).await;
    w
}

#[tokio::test]
async fn alerts_of_all_watches_are_found() {
    let w = five().await;
    for (query, found) in [
        ("", &[5, 3, 2, 1][..]),
        ("status=open", &[5, 3, 2, 1]),
        ("status=all", &[5, 4, 3, 2, 1]),
        ("status=pending", &[4]),
        ("status=firing&kind=account", &[5, 2]),
        ("status=resolved", &[]),
        ("kind=key", &[3]),
        ("ref_id=7", &[2, 1]),
        ("ip_id=7", &[1]),
        ("ip_id=7&kind=market", &[1]),
        ("kind=account&ref_id=7", &[2]),
        ("severity=warning", &[5, 1]),
        ("acknowledged=true", &[]),
        ("q=LOW_BAL", &[5, 2]),
        ("q=of+200", &[5]),
        ("q=%25", &[]),
        ("page_size=2&page=2", &[2, 1]),
    ] {
        assert_eq!(ids(&w, query).await, found, "{query}");
    }
    for query in ["status=bad", "kind=fax", "ip_id=7&kind=account", "ip_id=7&ref_id=8", "ip_id=0", "sev=info", "page=0"]
    {
        w.refused(400, "GET", &format!("/alerts?{query}"), Value::Null).await;
    }
    let (_, body) = w.call("GET", "/alerts", Value::Null).await;
    let [other, key, account, market] = [0, 1, 2, 3].map(|n| &body["data"][n]);
    assert_eq!((&market["ip_id"], &market["ip_name"]), (&json!(7), &json!("market 7")));
    assert_eq!((&market["kind"], &market["ref_id"], &market["window"]), (&json!("market"), &json!(7), &json!("5h")));
    assert_eq!((&account["target_name"], &account["notices"]), (&json!("account 7"), &json!(1)));
    assert!(account.get("ip_id").is_none() && other["target_name"].is_null() && key["target_name"].is_null());
    let summary = w.data("GET", "/alerts/summary", Value::Null).await;
    assert_eq!(
        summary,
        json!({
            "open": 4, "pending": 1, "unacknowledged": 4,
            "by_severity": { "info": 1, "warning": 2, "critical": 1 },
            "by_kind": { "market": 1, "account": 2, "key": 1 },
            "by_status": { "firing": 4, "acked": 0, "snoozed": 0 },
        })
    );
}

#[tokio::test]
async fn an_alert_says_why_and_who_was_told() {
    let (w, sink) = (five().await, Sink::start(503, "later").await);
    w.data("POST", "/channels", sink.draft("ops")).await;
    w.deliverer.step().await.unwrap();
    w.wait(61);
    let one = w.data("GET", "/alerts/2", Value::Null).await;
    assert_eq!(one["why"]["value"], 1.5);
    assert_eq!((&one["why"]["life"]["failures"], &one["why"]["life"]["lasting_seconds"]), (&json!(1), &json!(61)));
    let log = &one["log"];
    assert_eq!(
        (&log[0]["notice"], &log[0]["waiting"], log.as_array().unwrap().len()),
        (&json!("fired"), &json!(false), 1)
    );
    let delivery = &log[0]["deliveries"][0];
    assert_eq!(
        (&delivery["channel"], &delivery["state"], &delivery["attempts"]),
        (&json!("ops"), &json!("waiting"), &json!(1))
    );
    assert!(delivery["last_error"].as_str().unwrap().contains("503") && delivery["last_attempt_at"].is_string());
    assert_eq!(w.data("GET", "/alerts/4", Value::Null).await["log"], json!([]));
    w.refused(404, "GET", "/alerts/99", Value::Null).await;
    w.refused(400, "GET", "/alerts/x", Value::Null).await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one life from its beginning to its end")]
async fn an_alert_is_seen_silenced_and_ended() {
    let w = five().await;
    let mut events = w.engine.subscribe();
    let now = w.clock.now();
    let seen = w.data("POST", "/alerts/1/ack", Value::Null).await;
    assert_eq!(seen, json!({ "id": 1, "acknowledged": true, "acknowledged_at": now.to_rfc3339_jst() }));
    assert_eq!(events.recv().await.unwrap().name, "alert_changed");
    w.wait(60);
    assert_eq!(w.data("POST", "/alerts/1/ack", Value::Null).await, seen, "seen twice is seen once");
    assert_eq!(ids(&w, "status=acked&acknowledged=true").await, [1]);

    let until = w.clock.now().plus(4 * 3_600_000).to_rfc3339_jst();
    let snoozed = json!({ "id": 1, "status": "snoozed", "snoozed_until": until });
    assert_eq!(w.data("POST", "/alerts/1/snooze", json!({ "for": "4h" })).await, snoozed);
    assert_eq!(w.data("POST", "/alerts/1/snooze", json!({ "until": until })).await, snoozed);
    assert_eq!(ids(&w, "status=snoozed&acknowledged=false").await, [1]);
    assert_eq!(ids(&w, "status=open").await.len(), 4);
    for body in [
        json!({}),
        json!({ "for": "4h", "until": until }),
        json!({ "for": "soon" }),
        json!({ "for": "0s" }),
        json!({ "for": "500d" }),
        json!({ "until": now.to_rfc3339_jst() }),
        json!({ "until": "tomorrow" }),
        json!({ "til": "x" }),
    ] {
        w.refused(400, "POST", "/alerts/1/snooze", body).await;
    }
    // Awake again: it fires anew and wants to be seen anew.
    w.wait(4 * 3_600);
    w.raise(WatchKind::Market, 7, "high_outflow", Severity::Warning, 1).await;
    assert_eq!(ids(&w, "status=firing&acknowledged=false&kind=market").await, [1]);
    w.data("POST", "/alerts/1/ack", Value::Null).await;
    assert_eq!(ids(&w, "status=acked").await, [1]);

    let ended = w.data("POST", "/alerts/5/resolve", Value::Null).await;
    assert_eq!((&ended["status"], &ended["id"]), (&json!("resolved"), &json!(5)));
    w.look(WatchKind::Account, 7, "low_balance", Severity::Critical, 1, Condition::Good).await;
    assert_eq!(ids(&w, "status=resolved").await, [5, 2]);
    for action in ["snooze", "resolve"] {
        let why = w.refused(409, "POST", &format!("/alerts/2/{action}"), json!({ "for": "1h" })).await;
        assert!(why.contains("is over"), "{why}");
    }
    assert_eq!(w.call("POST", "/alerts/2/ack", Value::Null).await.0, 200, "what is over can still be seen");
    assert_eq!(ids(&w, "status=resolved&acknowledged=true").await, [2]);
    for action in ["ack", "snooze", "resolve"] {
        let why = w.refused(409, "POST", &format!("/alerts/4/{action}"), json!({ "for": "1h" })).await;
        assert!(why.contains("pending"), "{why}");
        w.refused(404, "POST", &format!("/alerts/99/{action}"), json!({ "for": "1h" })).await;
    }
    let done: Vec<String> =
        w.audit().await.into_iter().map(|(action, subject)| format!("{action} {subject}")).collect();
    assert_eq!(
        done,
        [
            "alert.ack alert:1",
            "alert.snooze alert:1",
            "alert.snooze alert:1",
            "alert.ack alert:1",
            "alert.resolve alert:5",
            "alert.ack alert:2"
        ],
        "one entry for each change, none for what changed nothing"
    );
}
