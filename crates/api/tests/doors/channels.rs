//! Channels: kept, tried, and what was sent to them.

use crate::world::{Sink, start, world};
use model::{Severity, WatchKind};
use notify::{ChannelDraft, Origin};
use serde_json::{Value, json};
use store::args;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one life from its beginning to its end")]
async fn a_channel_is_made_changed_and_removed() {
    let w = world().await;
    let draft = json!({
        "name": "ops", "kind": "feishu", "severity_floor": "warning", "language": "zh", "quiet": "22:00-07:00 +09:00",
        "config": { "url": "https://open.feishu.cn/open-apis/bot/v2/hook/abcdefgh", "secret": "s1gn", "keyword": "k" },
    });
    let (status, made) = w.call("POST", "/channels", draft.clone()).await;
    assert_eq!(status, 201, "{made}");
    let made = &made["data"];
    assert_eq!(made["config"]["secret"], "***");
    assert_eq!(made["config"]["url"], "https://open.feishu.cn/***");
    assert_eq!(
        (&made["origin"], &made["severity_floor"], &made["problem"]),
        (&json!("ui"), &json!("warning"), &Value::Null)
    );
    assert_eq!((&made["waiting"], &made["dead"], &made["last_sent_at"]), (&json!(0), &json!(0), &Value::Null));
    assert!(w.refused(409, "POST", "/channels", draft.clone()).await.contains("of this name"));
    assert_eq!(w.data("GET", "/channels", Value::Null).await.as_array().unwrap().len(), 1);
    assert_eq!(&w.data("GET", "/channels/1", Value::Null).await, made);

    let line = json!({ "name": "line", "url": "tgram://12:tokentoken/@chat", "enabled": false });
    let line = w.data("POST", "/channels", line).await;
    assert_eq!((&line["kind"], &line["config"]["chat_id"]), (&json!("telegram"), &json!("@chat")));

    // What was shown is sent back with one word changed; secrets stay.
    let mut form = json!({ "name": "ops 2", "kind": "feishu", "config": made["config"] });
    form["config"]["keyword"] = json!("other");
    let changed = w.data("PUT", "/channels/1", form).await;
    assert_eq!((&changed["name"], &changed["config"]["keyword"]), (&json!("ops 2"), &json!("other")));
    assert_eq!(changed["severity_floor"], "info", "a PUT is the whole of it");
    let row = notify::get_channel(&w.store, 1).await.unwrap().unwrap();
    let kept: String = row.sealed.reveal().chars().rev().collect();
    assert_eq!(
        serde_json::from_str::<Value>(&kept).unwrap(),
        json!({ "url": "https://open.feishu.cn/open-apis/bot/v2/hook/abcdefgh", "secret": "s1gn", "keyword": "other",
                "format": "card" })
    );
    for (method, path, body) in [
        ("POST", "/channels", json!({ "name": "x", "kind": "fax", "config": {} })),
        (
            "POST",
            "/channels",
            json!({ "name": " ", "kind": "slack", "config": { "url": "https://hooks.slack.com/x" } }),
        ),
        ("POST", "/channels", json!({ "name": "x", "kind": "slack" })),
        ("POST", "/channels", json!({ "name": "x", "kind": "slack", "config": { "url": "https://h/x", "more": 1 } })),
        ("POST", "/channels", json!({ "name": "x", "url": "nonsense" })),
        ("POST", "/channels", json!({ "name": "x", "url": "wecom://k", "config": {} })),
        (
            "POST",
            "/channels",
            json!({ "name": "x", "kind": "webhook", "config": { "url": "http://169.254.169.254/" } }),
        ),
        ("POST", "/channels", json!({ "name": "x", "url": "wecom://k", "quiet": "late" })),
        ("POST", "/channels", json!({ "name": "x", "url": "wecom://k", "gather_seconds": 9_000 })),
        (
            "PUT",
            "/channels/1",
            json!({ "name": "ops", "kind": "feishu", "config": { "url": "https://evil.example/x" } }),
        ),
    ] {
        w.refused(400, method, path, body).await;
    }
    assert_eq!(w.data("DELETE", "/channels/1", Value::Null).await, json!({ "id": 1, "deleted": true }));
    for (method, path) in [("GET", "/channels/1"), ("DELETE", "/channels/1"), ("GET", "/channels/1/deliveries")] {
        w.refused(404, method, path, Value::Null).await;
    }
    w.refused(404, "PUT", "/channels/1", draft).await;
    w.refused(404, "POST", "/channels/1/test", Value::Null).await;
    let actions: Vec<String> = w.audit().await.into_iter().map(|(a, s)| format!("{a} {s}")).collect();
    let wanted = [
        "channel.create channel:1",
        "channel.create channel:2",
        "channel.update channel:1",
        "channel.delete channel:1",
    ];
    assert_eq!(actions, wanted);
}

#[tokio::test]
async fn what_the_configuration_keeps_is_changed_there() {
    let w = world().await;
    let draft: ChannelDraft = serde_json::from_value(json!({ "name": "kept", "url": "wecom://hunter2" })).unwrap();
    let mut tx = w.store.begin().await.unwrap();
    notify::keep(&mut tx, &[draft], &w.deliverer.rules(), model::Timestamp(0)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(w.data("GET", "/channels/1", Value::Null).await["origin"], json!(Origin::Config));
    let change = json!({ "name": "kept", "url": "wecom://mine" });
    for (method, body) in [("DELETE", Value::Null), ("PUT", change)] {
        let why = w.refused(409, method, "/channels/1", body).await;
        assert!(why.contains("configuration") && why.contains("kept"), "{why}");
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_be_unsealed_says_so_and_can_be_given_anew() {
    let w = world().await;
    w.data("POST", "/channels", json!({ "name": "x", "url": "wecom://k" })).await;
    let mut tx = w.store.begin().await.unwrap();
    tx.exec("UPDATE channels SET config = 'lost' WHERE id = 1", args![]).await.unwrap();
    tx.commit().await.unwrap();
    let shown = w.data("GET", "/channels/1", Value::Null).await;
    assert!(shown["config"].is_null() && shown["problem"].as_str().unwrap().contains("unsealed"), "{shown}");
    w.refused(409, "POST", "/channels/1/test", Value::Null).await;
    w.refused(409, "PUT", "/channels/1", json!({ "name": "y", "kind": "wecom" })).await;
    let mended = w.data("PUT", "/channels/1", json!({ "name": "x", "url": "wecom://new" })).await;
    assert!(mended["problem"].is_null());
}

#[tokio::test]
async fn a_trial_says_what_the_other_side_said() {
    let (w, sink) = (world().await, Sink::start(200, r#"{"errcode":0,"errmsg":"ok"}"#).await);
    let draft = |path: &str| json!({ "name": "t", "kind": "wecom", "allow_private": true, "config": { "url": sink.url(path) } });
    let said = w.data("POST", "/channels/test", draft("/a?key=hunter2")).await;
    assert_eq!(
        (&said["delivered"], &said["verdict"], &said["status"]),
        (&json!(true), &json!("delivered"), &json!(200))
    );
    assert_eq!(said["said"], r#"{"errcode":0,"errmsg":"ok"}"#);
    let (status, after, _) = w.ask(true, "POST", "/channels/test", &draft("/b")).await;
    assert_eq!((status, after.as_deref()), (429, Some("3")), "at most one in three seconds");
    assert_eq!(sink.count(), 1);

    w.data("POST", "/channels", draft("/c?key=hunter2")).await;
    *sink.answer.lock().unwrap() = (200, r#"{"errcode":93000,"errmsg":"invalid {path}"}"#.into());
    let said = w.data("POST", "/channels/1/test", Value::Null).await;
    assert_eq!((&said["delivered"], &said["verdict"]), (&json!(false), &json!("refused")));
    assert!(said["why"].as_str().unwrap().contains("93000"), "{said}");
    assert!(!said.to_string().contains("hunter2") && said["said"].as_str().unwrap().contains("key=***"), "{said}");
    w.wait(2);
    assert_eq!(w.ask(true, "POST", "/channels/1/test", &Value::Null).await.1.as_deref(), Some("1"));
    w.wait(1);
    // About to be changed: what is left out is the channel's own.
    let before = sink.count();
    let edit = json!({ "name": "t", "kind": "wecom", "allow_private": true, "config": {} });
    w.data("POST", "/channels/1/test", edit).await;
    assert!(sink.seen.lock().unwrap()[before].0.contains("/c?key=hunter2"));
    assert_eq!(w.data("GET", "/deliveries", Value::Null).await, json!([]), "a trial is no delivery");
    w.wait(3);
    *sink.answer.lock().unwrap() = (429, "slow".into());
    let said = w.data("POST", "/channels/1/test", Value::Null).await;
    assert_eq!((&said["verdict"], &said["status"]), (&json!("retry"), &json!(429)));
    w.wait(3);
    w.refused(400, "POST", "/channels/1/test", json!({ "nam": 1 })).await;
}

#[tokio::test]
async fn the_own_network_is_the_installations_to_open() {
    let (w, sink) = (start(false).await, Sink::start(200, "ok").await);
    for path in ["/channels", "/channels/test"] {
        let why = w.refused(400, "POST", path, sink.draft("x")).await;
        assert!(why.contains("loopback") && why.contains("notify.allow_private"), "{why}");
    }
    let public =
        json!({ "name": "p", "kind": "webhook", "allow_private": true, "config": { "url": "https://h.example/" } });
    assert_eq!(w.data("POST", "/channels", public).await["private"], false);
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn what_was_given_up_is_seen_and_sent_after_all() {
    let (w, sink) = (world().await, Sink::start(404, "gone").await);
    for name in ["one", "two"] {
        w.data("POST", "/channels", sink.draft(name)).await;
    }
    for ref_id in 1..=3 {
        w.raise(WatchKind::Account, ref_id, "low_balance", Severity::Critical, 1).await;
    }
    w.deliverer.step().await.unwrap();
    let total = async |query: &str| w.call("GET", query, Value::Null).await.1["total"].as_i64().unwrap();
    assert_eq!(total("/deliveries?state=dead").await, 6);
    assert_eq!(total("/deliveries?state=dead&channel_id=2&page_size=1").await, 3);
    assert_eq!(total("/deliveries?alert_id=1").await, 2);
    assert_eq!(total("/channels/2/deliveries?state=dead").await, 3);
    assert_eq!(total("/channels/2/deliveries?state=sent").await, 0);
    assert_eq!(w.data("GET", "/channels/2", Value::Null).await["dead"], 3);
    for query in ["/deliveries?state=lost", "/deliveries?channel=1", "/channels/1/deliveries?channel_id=2"] {
        w.refused(400, "GET", query, Value::Null).await;
    }
    *sink.answer.lock().unwrap() = (200, "ok".into());
    let again = w.data("POST", "/deliveries/1/resend", Value::Null).await;
    assert_eq!((&again["state"], &again["attempts"]), (&json!("waiting"), &json!(0)));
    assert!(w.refused(409, "POST", "/deliveries/1/resend", Value::Null).await.contains("only what is dead"));
    w.refused(404, "POST", "/deliveries/99/resend", Value::Null).await;
    assert_eq!(w.data("POST", "/deliveries/resend", json!({ "channel_id": 2, "alert_id": 1 })).await["resent"], 1);
    assert_eq!(w.data("POST", "/deliveries/resend", json!({})).await["resent"], 4);
    w.refused(400, "POST", "/deliveries/resend", json!({ "ids": [1] })).await;
    w.wait(120);
    w.deliverer.step().await.unwrap();
    assert_eq!(total("/deliveries?state=sent").await, 6);
    assert!(w.data("GET", "/channels/1", Value::Null).await["last_sent_at"].is_string());
    let audit = w.audit().await;
    assert_eq!(
        audit[2..].iter().map(|(a, s)| format!("{a} {s}")).collect::<Vec<_>>(),
        [
            "delivery.resend delivery:1",
            "delivery.resend 1 deliveries channel:2 alert:1",
            "delivery.resend 4 deliveries"
        ]
    );
    // The next channel must not inherit what was sent to a removed one.
    w.data("DELETE", "/channels/2", Value::Null).await;
    let next = w.data("POST", "/channels", sink.draft("three")).await["id"].as_i64().unwrap();
    assert_eq!((next, total(&format!("/channels/{next}/deliveries")).await), (3, 0));
}

#[tokio::test]
async fn nothing_is_public() {
    let w = world().await;
    for (method, path) in [
        ("GET", "/alerts"),
        ("GET", "/alerts/summary"),
        ("GET", "/alerts/1"),
        ("POST", "/alerts/1/ack"),
        ("POST", "/alerts/1/snooze"),
        ("POST", "/alerts/1/resolve"),
        ("GET", "/channels"),
        ("POST", "/channels"),
        ("GET", "/channels/kinds"),
        ("POST", "/channels/test"),
        ("GET", "/channels/1"),
        ("PUT", "/channels/1"),
        ("DELETE", "/channels/1"),
        ("POST", "/channels/1/test"),
        ("GET", "/channels/1/deliveries"),
        ("GET", "/deliveries"),
        ("POST", "/deliveries/1/resend"),
        ("POST", "/deliveries/resend"),
    ] {
        assert_eq!(w.ask(false, method, path, &json!({})).await.0, 401, "{method} {path}");
    }
    let kinds = w.data("GET", "/channels/kinds", Value::Null).await;
    assert_eq!(kinds.as_array().unwrap().len(), notify::Channel::KINDS.len());
    assert_eq!(kinds[0]["fields"][0]["type"], "url");
}
