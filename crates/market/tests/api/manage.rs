//! Adding, changing, deleting, triggering and listing IPs.

use crate::world::{KEY, noon, world};
use market::detect::{KnownStatus, Transition, TransitionKind};
use market::fetch::wire::{Row, RowKind, RowStatus};
use model::{TargetState, WatchKind};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn an_ip_is_added_changed_deleted_and_restored_and_the_log_knows() {
    let w = world().await;
    let (status, body) = w
        .admin("POST", "/api/v1/ips", json!({ "name": " 初音ミク ", "name_en": "Hatsune Miku", "tags": ["vocaloid", "vocaloid", " "], "weight": 2 }))
        .await;
    assert_eq!((status, &body["code"]), (201, &json!(0)));
    let ip = &body["data"];
    let id = ip["id"].as_i64().unwrap();
    assert_eq!((&ip["name"], &ip["tags"], &ip["weight"]), (&json!("初音ミク"), &json!(["vocaloid"]), &json!(2.0)));
    assert_eq!((&ip["status"], &ip["created_at"]), (&json!("active"), &json!(noon().to_rfc3339_jst())));
    let target = store::get_target(&w.store, WatchKind::Market, id).await.unwrap().unwrap();
    assert_eq!((target.next_due, target.interval), (noon(), Duration::from_secs(3_600)));

    // What was read can be written.
    let mut whole = w.data(&format!("/api/v1/ips/{id}")).await;
    whole["notes"] = json!("two\nlines");
    whole["weight"] = json!(1.0);
    whole["thresholds"] = json!({ "high_outflow": 9 });
    let path = format!("/api/v1/ips/{id}");
    let (status, body) = w.admin("PUT", &path, whole.clone()).await;
    assert_eq!((status, &body["data"]["notes"]), (200, &json!("two\nlines")), "{body}");
    assert_eq!(body["data"]["thresholds"]["high_outflow"], 9);
    let target = store::get_target(&w.store, WatchKind::Market, id).await.unwrap().unwrap();
    assert_eq!(target.interval, Duration::from_secs(7_200));
    // Written again it changes nothing, and the log stays as it is.
    w.admin("PUT", &path, whole).await;

    let (status, body) = w.admin("DELETE", &path, Value::Null).await;
    assert_eq!((status, &body["data"]["status"], &body["data"]["next_due"]), (200, &json!("deleted"), &Value::Null));
    assert_eq!(w.admin("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(w.admin("POST", &format!("{path}/trigger"), Value::Null).await.0, 409);
    assert_eq!(w.admin("PUT", &path, json!({ "notes": "x" })).await.0, 409);
    let (status, body) = w.admin("POST", "/api/v1/ips", json!({ "name": "初音ミク" })).await;
    assert_eq!(status, 409);
    assert!(body["message"].as_str().unwrap().contains("is deleted"), "{body}");
    let (status, _) = w.admin("PUT", &path, json!({ "status": "active" })).await;
    assert_eq!(status, 200);
    let target = store::get_target(&w.store, WatchKind::Market, id).await.unwrap().unwrap();
    assert_eq!(target.state, TargetState::Active);

    let subject = format!("ip:{id}");
    let expected =
        ["ip.create", "ip.update", "ip.delete", "ip.update"].map(|a| ("admin".into(), a.into(), subject.clone()));
    assert_eq!(w.audit().await, expected);
}

#[tokio::test]
async fn what_is_wrong_with_an_ip_is_said() {
    let w = world().await;
    w.add("taken").await;
    let cases = [
        (json!({}), 400, "name is missing"),
        (json!({ "name": "  " }), 400, "name must not be empty"),
        (json!({ "name": "x".repeat(192) }), 400, "name must have at most 191 characters, has 192"),
        (json!({ "name": "a\u{7}" }), 400, "name must not hold control characters"),
        (json!({ "name": "a", "weight": 0.05 }), 400, "weight must be 0.1..10, got 0.05"),
        (json!({ "name": "a", "image_url": "javascript:x" }), 400, "image_url must be an http or https address"),
        (
            json!({ "name": "a", "tags": (0..33).map(|n| n.to_string()).collect::<Vec<_>>() }),
            400,
            "tags must be at most 32, got 33",
        ),
        (json!({ "name": "a", "wieght": 2 }), 400, "unknown field \"wieght\""),
        (json!({ "name": "a", "status": "deleted" }), 400, "status must be active or paused; use DELETE to delete"),
        (json!({ "name": "a", "thresholds": { "surge": -1.0 } }), 400, "thresholds must not be negative"),
        (json!({ "name": "taken" }), 409, "IP 1 has this name"),
    ];
    for (body, status, message) in cases {
        let (got, answer) = w.admin("POST", "/api/v1/ips", body.clone()).await;
        assert_eq!(
            (got, &answer["code"], answer["message"].as_str().unwrap()),
            (status, &json!(status), message),
            "{body}"
        );
    }
    let raw = |text: &'static str, kind: &'static str| {
        w.request("POST", "/api/v1/ips").header("x-api-key", KEY).header("content-type", kind).body(text).send()
    };
    for (text, kind, status) in
        [("{", "application/json", 400), ("[]", "application/json", 400), ("{}", "text/plain", 415)]
    {
        let (got, body) = crate::world::read(raw(text, kind).await.unwrap()).await;
        assert_eq!((got.as_u16(), &body["code"]), (status, &json!(status)), "{text}: {body}");
    }
    assert!(w.audit().await.is_empty());
}

#[tokio::test]
async fn a_trigger_makes_due_now_and_leaves_a_running_crawl_alone() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    let path = format!("/api/v1/ips/{id}/trigger");
    w.clock.advance(Duration::from_secs(60));
    let (status, body) = w.admin("POST", &path, Value::Null).await;
    assert_eq!((status, &body["data"]["triggered"]), (200, &json!(true)));
    assert_eq!(body["data"]["next_due"], "2026-11-21T12:31:00+09:00");
    let claim = store::Claim { kinds: &[WatchKind::Market], limit: 1, lease: Duration::from_secs(900), token: "t" };
    assert_eq!(store::claim(&w.store, &claim, noon().plus(60_000)).await.unwrap().len(), 1);
    let (status, body) = w.admin("POST", &path, Value::Null).await;
    assert_eq!((status, &body["data"]["triggered"]), (200, &json!(false)));
    w.admin("PUT", &format!("/api/v1/ips/{id}"), json!({ "status": "paused" })).await;
    let (status, body) = w.admin("POST", &path, Value::Null).await;
    assert_eq!((status, &body["message"]), (409, &json!("the IP is paused; only active ones are crawled")));
    assert_eq!(w.admin("POST", "/api/v1/ips/99/trigger", Value::Null).await.0, 404);
    let actions: Vec<String> = w.audit().await.into_iter().map(|(_, action, _)| action).collect();
    assert_eq!(actions, ["ip.trigger", "ip.update"]);
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let w = world().await;
    for n in 1..=7 {
        w.add(&format!("作品{n}")).await;
    }
    w.admin("DELETE", "/api/v1/ips/2", Value::Null).await;
    w.admin("PUT", "/api/v1/ips/3", json!({ "status": "paused", "category": "game" })).await;
    let ids = async |query: &str| -> (Vec<i64>, i64) {
        let (_, body) = w.get(&format!("/api/v1/ips?{query}")).await;
        let rows = body["data"].as_array().unwrap().iter().map(|r| r["id"].as_i64().unwrap()).collect();
        (rows, body["total"].as_i64().unwrap())
    };
    assert_eq!(ids("page=2&page_size=4").await, (vec![6, 7], 6));
    assert_eq!(ids("status=deleted").await, (vec![2], 1));
    assert_eq!(ids("category=game").await, (vec![3], 1));
    assert_eq!(ids("keyword=%E4%BD%9C%E5%93%815").await, (vec![5], 1));
    assert_eq!(ids("keyword=%25").await, (vec![], 0));
    assert_eq!(ids("page=99").await, (vec![], 6));
    let (_, body) = w.get("/api/v1/ips?page_size=3").await;
    assert_eq!((&body["page"], &body["page_size"]), (&json!(1), &json!(3)));
    assert_eq!(w.refused("/api/v1/ips?page_size=101").await, (400, "page_size must be 1..100, got 101".into()));
    assert_eq!(w.refused("/api/v1/ips?status=gone").await.0, 400);
}

#[tokio::test]
async fn inside_words_of_a_failure_are_the_administrators() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    for n in 0..3 {
        let token = format!("t{n}");
        let claim =
            store::Claim { kinds: &[WatchKind::Market], limit: 1, lease: Duration::from_secs(900), token: &token };
        let task = store::claim(&w.store, &claim, noon()).await.unwrap().remove(0);
        let outcome =
            store::Outcome::Failure { next_due: noon(), class: "transient", error: "proxy 10.0.0.7 refused".into() };
        let mut tx = w.store.begin().await.unwrap();
        store::settle(&mut tx, &task, &outcome, noon()).await.unwrap();
        tx.commit().await.unwrap();
    }
    let path = format!("/api/v1/ips/{id}");
    let public = w.data(&path).await;
    assert_eq!(
        (&public["failing"], &public["failures"], &public["last_error_class"]),
        (&json!(true), &json!(3), &json!("transient"))
    );
    assert!(public.get("last_error").is_none());
    assert_eq!(w.admin("GET", &path, Value::Null).await.1["data"]["last_error"], "proxy 10.0.0.7 refused");
    let (_, body) = w.admin("GET", "/api/v1/system/scheduler", Value::Null).await;
    let data = &body["data"];
    assert_eq!((&data["failing"], &data["due"], &data["targets"][0]["failing"]), (&json!(1), &json!(1), &json!(true)));
    assert_eq!(data["targets"][0]["ip_name"], "初音ミク");
    let (_, status) = w.admin("GET", "/api/v1/system/status", Value::Null).await;
    assert_eq!((&status["data"]["status"], &status["data"]["schedule_depth"]), (&json!("degraded"), &json!(1)));
    let (status, health) = w.get("/health").await;
    assert_eq!((status.as_u16(), &health["status"], &health["mode"]), (200, &json!("degraded"), &json!("live")));
    assert_eq!(health["parts"]["market"]["ok"], false);
    assert!(!health.to_string().contains("10.0.0.7"));
}

#[tokio::test]
async fn items_are_listed_newest_seen_first() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    let row = |n: i64, status| Row {
        source_id: format!("m{n}"),
        title: format!("ねんどろいど {n}"),
        price: Some(1_000 + n),
        status,
        created: Some(noon()),
        updated: Some(noon()),
        image_url: None,
        item_url: format!("https://jp.mercari.com/item/m{n}"),
        kind: RowKind::Personal,
    };
    let transition =
        |n, status| Transition { kind: TransitionKind::Learnt, row: row(n, status), listed: None, sold: None };
    for n in 0..5 {
        let status = if n % 2 == 0 { RowStatus::OnSale } else { RowStatus::Trading };
        let mut tx = w.store.begin().await.unwrap();
        market::store::write_items(&mut tx, id, &[transition(n, status)], &[], noon().plus(n)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let ids = async |query: &str| -> Vec<String> {
        let (_, body) = w.get(&format!("/api/v1/ips/{id}/items?{query}")).await;
        body["data"].as_array().unwrap().iter().map(|r| r["source_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("").await, ["m4", "m3", "m2", "m1", "m0"]);
    assert_eq!(ids("status=sold").await, ["m3", "m1"]);
    assert_eq!(ids("status=on_sale&page=2&page_size=2").await, ["m0"]);
    let (_, body) = w.get(&format!("/api/v1/ips/{id}/items?status=sold")).await;
    let item = &body["data"][0];
    assert_eq!(
        (&body["total"], &item["status"], &item["price"]),
        (&json!(2), &json!(KnownStatus::Sold.as_str()), &json!(1_003))
    );
    assert_eq!(item["sold_at"], noon().to_rfc3339_jst());
    assert_eq!(w.refused(&format!("/api/v1/ips/{id}/items?status=gone")).await.0, 400);
    assert_eq!(w.refused("/api/v1/ips/99/items").await.0, 404);
}
