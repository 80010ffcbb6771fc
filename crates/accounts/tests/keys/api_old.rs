//! The shapes of the system that is replaced.

use crate::world::{World, answer, secret};
use accounts::{Reading, ReadingStatus};
use model::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

#[tokio::test]
async fn data_is_what_it_was_with_organisations_once() {
    let w = World::new().await;
    w.fill(4).await;
    let at = |text: &str| Timestamp::parse(text);
    let reading = Reading {
        total: Some(Decimal::from(120)),
        used: Some(Decimal::from(30)),
        unit: Some("tokens".into()),
        period_start: at("2026-11-01T00:00:00+09:00"),
        period_end: at("2026-12-01T00:00:00+09:00"),
        org: Some("org_1".into()),
        ..Reading::default()
    };
    w.read(1, &reading.clone().complete()).await;
    w.read(2, &reading.complete()).await;
    w.bad(3, ReadingStatus::Unauthorized).await;
    let (status, body) = w.get("/api/data").await;
    assert_eq!(status, 200);
    assert_eq!(body["totals"], json!({"total_orgTotalTokensUsed": 30, "total_totalAllowance": 120}));
    assert_eq!((&body["total_count"], &body["update_time"]), (&json!(4), &json!("2026-11-21T21:10:00+09:00")));
    let mask = &body["data"][0]["key"];
    assert!(mask.as_str().unwrap().starts_with("fk-p..."));
    assert_eq!(
        body["data"][0],
        json!({
            "id": "1", "key": mask, "start_date": "2026-11-01", "end_date": "2026-12-01",
            "total_allowance": 120, "org_total_tokens_used": 30, "remaining": 90, "used_ratio": 0.25,
            "last_updated": "2026-11-21T21:10:00+09:00", "error": null,
        })
    );
    let unread = &body["data"][2];
    assert_eq!(
        (&unread["remaining"], &unread["used_ratio"], &unread["error"]),
        (&Value::Null, &Value::Null, &json!("no"))
    );
}

#[tokio::test]
async fn data_is_sent_once_and_is_a_second_old_at_most() {
    let w = World::new().await;
    w.fill(2).await;
    let first = w.admin("GET", "/api/data").send().await.unwrap();
    let etag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = |etag: String| w.admin("GET", "/api/data").header("if-none-match", etag).send();
    for tag in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let response = again(tag).await.unwrap();
        assert_eq!(response.status().as_u16(), 304);
        assert_eq!(response.headers()["etag"], etag.as_str());
        assert!(response.bytes().await.unwrap().is_empty());
    }
    w.clock.set(w.now().plus(1500));
    assert_eq!(again(etag.clone()).await.unwrap().status().as_u16(), 304, "nothing has changed");
    w.good(1, Some(7), None).await;
    w.clock.set(w.now().plus(1000));
    let changed = again(etag.clone()).await.unwrap();
    assert_eq!(changed.status().as_u16(), 200);
    assert_ne!(changed.headers()["etag"], etag.as_str());
    assert!(changed.text().await.unwrap().contains("\"remaining\":7,"));
}

#[tokio::test]
async fn keys_are_added_listed_given_and_deleted() {
    let w = World::new().await;
    assert_eq!(w.post("/api/keys", json!({"key": secret(1), "name": "one"})).await, (201, json!({"success": true})));
    assert_eq!(w.post("/api/keys", json!({"key": secret(1)})).await.0, 409);
    assert_eq!(w.post("/api/keys", json!({"name": "two"})).await.0, 400);
    let given = json!({"keys": [secret(1), secret(2), secret(3), "x", {"key": secret(4), "name": "four"}]});
    let report = json!({"success": 3, "failed": 1, "duplicates": 1});
    assert_eq!(w.post("/api/keys/import", given).await, (200, report));
    let (_, listed) = w.get("/api/keys").await;
    let names: Vec<&Value> = listed.as_array().unwrap().iter().map(|k| &k["name"]).collect();
    assert_eq!((names.len(), names[0], names[3]), (4, &json!("one"), &json!("four")));
    assert_eq!(listed[0]["id"], "1");
    assert_eq!(w.get("/api/keys/2/full").await, (200, json!({"id": "2", "key": secret(2)})));
    let (status, body) = answer(w.admin("DELETE", "/api/keys/2")).await;
    assert_eq!((status, body), (200, json!({"success": true})));
    assert_eq!(answer(w.admin("DELETE", "/api/keys/2")).await.0, 404);
    let given = json!({"ids": ["1", 3, "x", 2]});
    assert_eq!(w.post("/api/keys/batch-delete", given).await, (200, json!({"success": 2, "failed": 2})));
    assert_eq!(w.count("accounts").await, 1);
}
