//! Many keys at once, over HTTP.

use crate::world::{World, secret};
use accounts::ReadingStatus;
use serde_json::{Value, json};
use store::args;

async fn text(w: &World, path: &str, body: Value) -> (u16, String, String) {
    let response = w.admin("POST", path).json(&body).send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (status, kind, response.text().await.unwrap())
}

#[tokio::test]
async fn what_is_chosen_is_done_and_noted() {
    let w = World::new().await;
    w.fill(20).await;
    for id in [3, 4, 5] {
        w.bad(id, ReadingStatus::Unauthorized).await;
    }
    let tagged = w.post("/api/v1/keys/tag", json!({"filter": {"status": "failed"}, "add": [" dead "]})).await.1;
    assert_eq!(tagged["data"], json!({"changed": 3}));
    assert_eq!(w.data("/api/v1/keys?tag=dead").await.as_array().unwrap().len(), 3);
    let tagged =
        w.post("/api/v1/keys/tag", json!({"filter": {"tag": "dead"}, "remove": ["dead"], "add": ["x"]})).await.1;
    assert_eq!(tagged["data"], json!({"changed": 3}));
    let refresh = w.post("/api/v1/keys/refresh", json!({"all": true})).await.1["data"].clone();
    assert_eq!((&refresh["kind"], &refresh["total"], &refresh["done"]), (&json!("key"), &json!(20), &json!(0)));
    assert_eq!(w.data(&format!("/api/v1/refreshes/{}", refresh["id"])).await, refresh);
    let due = w.store.query_one("SELECT MAX(next_due) FROM targets", args![]).await.unwrap().unwrap();
    assert_eq!(due.time(0).unwrap(), w.now());
    let deleted = w.post("/api/v1/keys/delete", json!({"filter": {"tag": "x"}})).await.1;
    assert_eq!(deleted["data"], json!({"deleted": 3}));
    let deleted = w.post("/api/v1/keys/delete", json!({"ids": [1, 2, 3, 99]})).await.1;
    assert_eq!(deleted["data"], json!({"deleted": 2}));
    let (status, body) = crate::world::answer(w.admin("DELETE", "/api/v1/keys/6")).await;
    assert_eq!((status, &body["data"]), (200, &json!({"id": 6, "deleted": true})));
    assert_eq!((w.count("accounts").await, w.count("targets").await), (14, 14));
    assert_eq!(w.post("/api/v1/keys/delete", json!({"all": true})).await.1["data"], json!({"deleted": 14}));
    assert_eq!(
        w.audit().await[1..],
        [
            "key.tag keys by status",
            "key.tag keys by tag",
            "key.refresh all keys",
            "key.delete keys by tag",
            "key.delete 4 keys by id",
            "key.delete key:6",
            "key.delete all keys",
        ]
    );
}

#[tokio::test]
async fn a_mistake_does_not_mean_everything() {
    let w = World::new().await;
    w.fill(2).await;
    for body in [
        json!({}),
        json!({"filter": {}}),
        json!({"filter": {"q": " "}}),
        json!({"filter": {"state": "paused"}}),
        json!({"all": false}),
        json!({"ids": [1], "all": true}),
        json!({"id": 1, "all": true}),
    ] {
        let (status, answer) = w.post("/api/v1/keys/delete", body.clone()).await;
        assert_eq!(status, 400, "{body}: {answer}");
    }
    assert_eq!(w.post("/api/v1/keys/tag", json!({"all": true})).await.0, 400);
    assert_eq!(w.count("accounts").await, 2);
}

#[tokio::test]
async fn an_export_holds_keys_only_when_asked_and_then_it_is_noted() {
    let w = World::new().await;
    w.fill(1200).await;
    let mut tx = w.store.begin().await.unwrap();
    tx.exec("UPDATE accounts SET name = ? WHERE id = 1", args!["=cmd|' /C calc'!A0"]).await.unwrap();
    tx.exec("UPDATE accounts SET name = ? WHERE id = 2", args!["a, \"b\""]).await.unwrap();
    tx.commit().await.unwrap();
    w.good(2, Some(-5), Some("@org")).await;
    let export = |format: &'static str, secrets: bool| json!({"all": true, "format": format, "secrets": secrets});
    let (status, kind, csv) = text(&w, "/api/v1/keys/export", export("csv", false)).await;
    assert_eq!((status, kind.as_str(), csv.lines().count()), (200, "text/csv; charset=utf-8", 1201));
    assert!(csv.contains("\r\n1,\"'=cmd|' /C calc'!A0\",,fk-p..."), "{}", &csv[..600]);
    assert!(csv.contains("\r\n2,\"a, \"\"b\"\"\",,fk-p...") && csv.contains(",\"'@org\",ok,-5,1000,1005,"));
    let (_, _, json) = text(&w, "/api/v1/keys/export", export("json", false)).await;
    let parsed: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert_eq!((parsed.len(), &parsed[1]["remaining"], parsed[1].get("key")), (1200, &json!("-5"), None));
    assert!(!(csv + &json).contains("fk-planted") && w.audit().await.len() == 1);
    let (_, _, txt) = text(&w, "/api/v1/keys/export", export("txt", true)).await;
    let keys: Vec<String> = (1..=1200).map(secret).collect();
    assert_eq!(txt.lines().collect::<Vec<_>>(), keys);
    let (_, _, json) = text(&w, "/api/v1/keys/export", export("json", true)).await;
    let parsed: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed[1199]["key"], keys[1199].as_str());
    let none = json!({"filter": {"q": "nobody"}, "format": "json"});
    assert_eq!(text(&w, "/api/v1/keys/export", none).await.2.split_whitespace().collect::<String>(), "[]");
    // What was exported can be taken in again.
    let (_, _, csv) = text(&w, "/api/v1/keys/export", export("csv", true)).await;
    w.post("/api/v1/keys/delete", json!({"all": true})).await;
    assert_eq!(w.import(&csv).await.success, 1200);
    let noted: Vec<String> = w.audit().await.into_iter().filter(|e| e.starts_with("key.export")).collect();
    assert_eq!(noted, vec!["key.export all keys with secrets"; 3]);
}

#[tokio::test]
async fn a_key_is_given_out_on_request_and_it_is_noted() {
    let w = World::new().await;
    w.fill(3).await;
    let response = w.admin("GET", "/api/v1/keys/2/full").send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["data"], json!({"id": 2, "key": secret(2)}));
    let copied = w.post("/api/v1/keys/copy", json!({"ids": [3, 1]})).await.1;
    assert_eq!(copied["data"], json!({"text": format!("{}\n{}\n", secret(1), secret(3)), "count": 2}));
    assert_eq!(w.audit().await[1..], ["key.reveal key:2", "key.copy 2 keys by id"]);
}
