//! Reminders over HTTP, in the modern form and in that of the system replaced.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod world;

use api::{AdminKey, Auth};
use reminders::routes::{RemindersState, router};
use reminders::{MailboxOptions, SubscriptionOptions};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;
use world::{Reversing, World};

const KEY: &str = "tw_the-key-of-these-tests";

struct Api {
    world: World,
    base: String,
    client: reqwest::Client,
}

async fn api() -> Api {
    let world = World::new().await;
    let state = RemindersState {
        store: world.store.clone(),
        engine: Arc::clone(&world.engine),
        auth: Auth::new(AdminKey::of(KEY), true),
        sealer: Arc::new(Reversing),
        subscriptions: Arc::new(SubscriptionOptions::default()),
        mailboxes: Arc::new(MailboxOptions::default()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router(state).into_router()).await });
    Api { world, base, client: reqwest::Client::new() }
}

impl Api {
    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base)).header("x-api-key", KEY);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: not JSON: {text:.300}")))
    }
}

#[tokio::test]
async fn nothing_is_public() {
    let api = api().await;
    for path in [
        "/api/v1/reminders/subscriptions",
        "/api/v1/reminders/subscriptions/1",
        "/api/v1/reminders/calendar",
        "/api/v1/reminders/mailboxes",
        "/api/v1/reminders/mailboxes/1/hits",
        "/api/subscriptions",
        "/api/config/emails",
    ] {
        let status = api.client.get(format!("{}{path}", api.base)).send().await.unwrap().status();
        assert_eq!(status.as_u16(), 401, "{path}");
    }
    let refused = api.client.post(format!("{}/api/subscription/add", api.base)).json(&json!({})).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 401);
}

#[tokio::test]
async fn a_subscription_from_adding_to_deleting() {
    let api = api().await;
    let path = "/api/v1/reminders/subscriptions";
    let body = json!({
        "name": "Figma", "owner_project": "design", "cycle_type": "monthly", "renewal_day": 23,
        "alert_days_before": [0, 3, 7], "amount": 12.5, "currency": "usd", "time_zone": "Asia/Shanghai",
    });
    let (status, made) = api.call("POST", path, body.clone()).await;
    let made = &made["data"];
    assert_eq!((status, &made["days_until_renewal"], &made["amount"]), (201, &json!(2), &json!("12.5")));
    assert_eq!((&made["status"], &made["alert_days_before"]), (&json!("due"), &json!([7, 3, 0])));
    assert_eq!((&made["next_renewal_date"], &made["next_reminder_date"]), (&json!("2026-11-23"), &json!("2026-11-23")));
    assert_eq!(api.call("POST", path, body).await.0, 409);
    api.world.look().await;
    assert_eq!(api.world.titles().await, ["2026-11-21 fired Figma renews in 2 days"]);

    let one = format!("{path}/{}", made["id"]);
    // What was read can be written, with one thing changed.
    let mut read = api.call("GET", &one, Value::Null).await.1["data"].take();
    read["amount"] = Value::Null;
    let (status, changed) = api.call("PUT", &one, read).await;
    assert_eq!((status, &changed["data"]["amount"], &changed["data"]["currency"]), (200, &Value::Null, &json!("USD")));

    let (status, renewed) = api.call("POST", &format!("{one}/renewed"), Value::Null).await;
    assert_eq!((status, &renewed["data"]["already_renewed"]), (200, &json!(true)));
    assert_eq!(renewed["data"]["status"], "renewed");
    assert_eq!(api.world.titles().await[1], "2026-11-21 recovered Figma: renewed");
    let future = api.call("POST", &format!("{one}/renewed"), json!({"renewed_date": "2026-11-23"})).await;
    assert_eq!(future.0, 400);
    assert_eq!(api.call("DELETE", &one, Value::Null).await.0, 200);
    assert_eq!(api.call("DELETE", &one, Value::Null).await.0, 404);
    let (_, list) = api.call("GET", path, Value::Null).await;
    assert_eq!((&list["total"], &list["data"]), (&json!(0), &json!([])));
    let audit = store::audit_log(&api.world.store, 10).await.unwrap();
    let actions: Vec<&str> = audit.iter().rev().map(|e| e.action.as_str()).collect();
    assert_eq!(actions, ["create", "update", "renewed", "delete"].map(|a| format!("subscription.{a}")));
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let api = api().await;
    for (change, said) in [
        (json!({"name": null}), "name is missing"),
        (json!({"cycle_type": "daily"}), "unknown variant `daily`"),
        (json!({"renewal_day": 32}), "renewal_day of a monthly cycle must be 1..31"),
        (json!({"alert_days_before": "soon"}), "alert_days_before must be"),
        (json!({"amount": "much"}), "amount must be a decimal number"),
        (json!({"amount": -1}), "amount must be 0 to"),
        (json!({"last_renewed_date": "2027-01-01"}), "in the future"),
        (json!({"end_date": "31.12.2026"}), "a date must be YYYY-MM-DD"),
        (json!({"time_zone": "Mars/Olympus"}), "time zone"),
        (json!({"renewaldays": 3}), "unknown field \"renewaldays\""),
    ] {
        let mut body = json!({"name": "x", "cycle_type": "monthly", "renewal_day": 1});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, answer) = api.call("POST", "/api/v1/reminders/subscriptions", body).await;
        let message = answer["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(said), "{change}: {status} {message}");
    }
    let (status, _) = api.call("GET", "/api/v1/reminders/calendar?from=2026-01-01&to=2029-01-01", Value::Null).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_calendar_says_what_is_renewed_when() {
    let api = api().await;
    for (name, cycle, day, amount) in
        [("a", "monthly", 31, "10.10"), ("b", "yearly", 1225, "99"), ("c", "weekly", 1, "0.5")]
    {
        let body = json!({"name": name, "cycle_type": cycle, "renewal_day": day, "amount": amount});
        assert_eq!(api.call("POST", "/api/v1/reminders/subscriptions", body).await.0, 201);
    }
    let path = "/api/v1/reminders/calendar?from=2026-11-30&to=2026-12-31";
    let (_, calendar) = api.call("GET", path, Value::Null).await;
    let calendar = &calendar["data"];
    assert_eq!(calendar["totals"], json!({"CNY": "121.70"}));
    let days = calendar["renewals"].as_array().unwrap().iter();
    let days: Vec<String> = days.map(|r| format!("{} {}", r["date"], r["name"]).replace('"', "")).collect();
    assert_eq!(days.len(), 8);
    assert_eq!((days[0].as_str(), days[1].as_str()), ("2026-11-30 a", "2026-11-30 c"));
    assert_eq!((days[5].as_str(), days[7].as_str()), ("2026-12-25 b", "2026-12-31 a"));
}

#[tokio::test]
async fn a_mailbox_never_gives_its_secret_away() {
    let api = api().await;
    let path = "/api/v1/reminders/mailboxes";
    let body = json!({"name": "bills", "host": "imap.example.com", "username": "me@example.com", "password": "hunter2 secret"});
    let (status, made) = api.call("POST", path, body.clone()).await;
    assert_eq!(
        (status, &made["data"]["port"], &made["data"]["has_secret"]),
        (201, &json!(993), &json!(true)),
        "{made}"
    );
    let rows = api.world.store.query("SELECT secret FROM mailboxes", vec![]).await.unwrap();
    assert_eq!(rows[0].text(0).unwrap(), "sealed:terces 2retnuh");
    let one = format!("{path}/{}", made["data"]["id"]);
    let (status, scan) = api.call("POST", &format!("{one}/scan"), Value::Null).await;
    assert_eq!((status, &scan["data"]["triggered"]), (200, &json!(true)));
    for (change, said) in [
        (json!({"host": "evil.example.net"}), "give the secret again"),
        (json!({"tls": "none", "password": "x"}), "needs allow_private"),
        (json!({"host": "127.0.0.1", "password": "x"}), "host: the address is loopback"),
        (json!({"host": "169.254.169.254", "password": "x", "allow_private": true}), "link-local"),
        (json!({"interval_seconds": 5}), "interval_seconds"),
        (json!({"folder": "a\r\nb"}), "folder"),
    ] {
        let (status, answer) = api.call("PUT", &one, change.clone()).await;
        assert!(status == 400 && answer["message"].as_str().unwrap().contains(said), "{change}: {status} {answer}");
    }
    let (status, changed) = api.call("PUT", &one, json!({"words": ["Rechnung"], "enabled": false})).await;
    assert_eq!((status, &changed["data"]["words"]), (200, &json!(["Rechnung"])));
    assert_eq!(api.call("POST", &format!("{one}/scan"), Value::Null).await.0, 409);
    let (_, hits) = api.call("GET", &format!("{one}/hits?page=1&page_size=5"), Value::Null).await;
    assert_eq!((&hits["total"], &hits["page_size"]), (&json!(0), &json!(5)));
    let mut all = String::new();
    for path in [path, &one, "/api/config/emails"] {
        all += &api.call("GET", path, Value::Null).await.1.to_string();
    }
    assert!(!all.contains("hunter2") && !all.contains("2retnuh"), "{all}");
    assert_eq!(api.call("DELETE", &one, Value::Null).await.0, 200);
}

#[tokio::test]
async fn the_shapes_of_the_system_replaced() {
    let api = api().await;
    let body = json!({
        "name": "AWS", "cycle_type": "yearly", "renewal_day": 1123, "amount": 99.5, "currency": "USD",
        "alert_days_before": 3, "owner_project": "ops",
    });
    let (status, added) = api.call("POST", "/api/subscription/add", body.clone()).await;
    assert_eq!((status, &added["status"]), (200, &json!("success")), "{added}");
    let (status, again) = api.call("POST", "/api/subscription/add", body).await;
    assert_eq!((status, &again["status"]), (409, &json!("error")));
    let (_, list) = api.call("GET", "/api/subscriptions", Value::Null).await;
    let mut row = list["subscriptions"][0].clone();
    row.as_object_mut().unwrap().remove("id");
    let expected = json!({
        "name": "AWS", "owner_project": "ops", "cycle_type": "yearly", "renewal_day": 1123, "days_until_renewal": 2,
        "next_renewal_date": "2026-11-23", "amount": 99.5, "currency": "USD", "alert_days_before": 3,
        "last_renewed_date": null, "enabled": true, "already_renewed": false, "need_alert": true,
    });
    assert_eq!(row, expected);
    assert!(list["last_update"].is_string());
    let renewed = json!({"subscription_name": "AWS", "renewed_date": "2026-11-20"});
    assert_eq!(api.call("POST", "/api/subscription/renewed", renewed).await.0, 200);
    let (_, list) = api.call("GET", "/api/subscriptions", Value::Null).await;
    let row = &list["subscriptions"][0];
    assert_eq!((&row["already_renewed"], &row["need_alert"]), (&json!(true), &json!(false)));
    for (method, status) in [("POST", 200), ("DELETE", 404)] {
        assert_eq!(api.call(method, "/api/subscription/delete", json!({"name": "AWS"})).await.0, status);
    }
    assert_eq!(api.call("POST", "/api/subscription/delete", json!({})).await.1["message"], "name is missing");

    let email = json!({"name": "qq", "host": "imap.qq.com", "port": 993, "username": "1@qq.com", "password": "p", "use_ssl": true});
    assert_eq!(api.call("POST", "/api/config/email", email).await.1["message"], "mailbox qq added");
    let (_, changed) = api.call("POST", "/api/config/email", json!({"name": "qq", "enabled": false})).await;
    assert_eq!((&changed["status"], &changed["message"]), (&json!("success"), &json!("mailbox qq changed")));
    let (_, emails) = api.call("GET", "/api/config/emails", Value::Null).await;
    let email = &emails["emails"][0];
    assert_eq!((&email["name"], &email["use_ssl"], &email["enabled"]), (&json!("qq"), &json!(true), &json!(false)));
    assert_eq!(api.call("POST", "/api/config/email/delete", json!({"name": "qq"})).await.0, 200);
    assert_eq!(api.call("POST", "/api/config/email/delete", json!({"name": "qq"})).await.0, 404);
}
