//! Import: every entry on its own.

use crate::world::{KEY, World, read, world};
use serde_json::{Value, json};

async fn import(w: &World, body: Value) -> Value {
    let (status, body) = w.admin("POST", "/api/v1/admin/import", body).await;
    assert_eq!((status, &body["code"]), (200, &json!(0)), "{body}");
    body["data"].clone()
}

fn counts(report: &Value) -> [i64; 4] {
    ["created", "updated", "skipped", "failed"].map(|n| report[n].as_i64().unwrap())
}

fn details(report: &Value) -> Vec<(String, String)> {
    let rows = report["details"].as_array().unwrap().iter();
    rows.map(|d| (d["status"].as_str().unwrap().to_owned(), d["error"].as_str().unwrap_or_default().to_owned()))
        .collect()
}

#[tokio::test]
async fn a_bad_entry_fails_alone() {
    let w = world().await;
    let report = import(
        &w,
        json!({ "ips": [
            { "name": "初音ミク", "external_id": 42, "tags": ["a"], "status": "paused" },
            { "name": "", "weight": 1 },
            { "name": "b", "weight": 11 },
            { "name": "初音ミク" },
            "not an object",
            { "name": "c", "image_url": "ftp://x" },
            { "name": "鬼滅の刃", "weight": null },
        ], "upsert": true }),
    )
    .await;
    assert_eq!(counts(&report), [2, 0, 1, 4]);
    let words = details(&report);
    assert_eq!(words[1], ("failed".into(), "ips[1]: name must not be empty".into()));
    assert_eq!(words[2], ("failed".into(), "ips[2]: weight must be 0.1..10, got 11".into()));
    assert_eq!(words[3], ("skipped".into(), "the name came before in this import".into()));
    assert!(words[4].1.starts_with("ips[4]: invalid type"), "{words:?}");
    assert_eq!(report["details"][0], json!({ "name": "初音ミク", "status": "created", "id": 1, "error": null }));
    let ip = w.data("/api/v1/ips/1").await;
    assert_eq!((&ip["external_id"], &ip["status"]), (&json!("42"), &json!("paused")));
    assert_eq!(w.audit().await.len(), 2);
}

#[tokio::test]
async fn what_is_there_is_changed_only_when_asked_and_comes_back_when_deleted() {
    let w = world().await;
    let entry = json!({ "name": "初音ミク", "name_en": "Miku", "notes": "keep" });
    assert_eq!(counts(&import(&w, json!({ "ips": [entry] })).await), [1, 0, 0, 0]);
    let changed = json!({ "name": "初音ミク", "name_en": "Hatsune Miku" });
    let report = import(&w, json!({ "ips": [changed] })).await;
    assert_eq!((counts(&report), details(&report)[0].1.as_str()), ([0, 0, 1, 0], "already there"));
    assert_eq!(counts(&import(&w, json!({ "ips": [changed], "upsert": true })).await), [0, 1, 0, 0]);
    let report = import(&w, json!({ "ips": [changed], "upsert": true })).await;
    assert_eq!((counts(&report), details(&report)[0].1.as_str()), ([0, 0, 1, 0], "unchanged"));
    let ip = w.data("/api/v1/ips/1").await;
    // What an entry does not say stays.
    assert_eq!((&ip["name_en"], &ip["notes"]), (&json!("Hatsune Miku"), &json!("keep")));
    w.admin("DELETE", "/api/v1/ips/1", Value::Null).await;
    assert_eq!(counts(&import(&w, json!([changed])).await), [0, 1, 0, 0]);
    assert_eq!(w.data("/api/v1/ips/1").await["status"], "active");
    let actions: Vec<String> = w.audit().await.into_iter().map(|(_, action, _)| action).collect();
    assert_eq!(actions, ["ip.create", "ip.update", "ip.delete", "ip.restore"]);
}

#[tokio::test]
async fn csv_is_the_same_import() {
    let w = world().await;
    let csv = "name,name_en,tags,weight\n初音ミク,Miku,a;b,2\nbad,,,x\n";
    let request = w.request("POST", "/api/v1/admin/import?upsert=true").header("x-api-key", KEY);
    let response = request.header("content-type", "text/csv; charset=utf-8").body(csv).send().await.unwrap();
    let (_, body) = read(response).await;
    assert_eq!(counts(&body["data"]), [1, 0, 0, 1]);
    assert_eq!(body["data"]["details"][1]["error"], "line 3: weight must be a number, got \"x\"");
    assert_eq!(w.data("/api/v1/ips/1").await["tags"], json!(["a", "b"]));
}

#[tokio::test]
async fn what_is_no_import_is_refused_as_a_whole() {
    let w = world().await;
    for body in [json!({}), json!({ "ips": 3 }), json!(7), json!({ "ips": [], "upsrt": true })] {
        let (status, answer) = w.admin("POST", "/api/v1/admin/import", body.clone()).await;
        assert_eq!((status, &answer["code"]), (400, &json!(400)), "{body}: {answer}");
    }
    let (status, answer) = w.admin("POST", "/api/v1/admin/import", json!({ "ips": vec![0; 10_001] })).await;
    assert_eq!((status, &answer["message"]), (400, &json!("10001 entries; at most 10000 at once")));
    let huge = vec![b' '; 10 * 1024 * 1024 + 1];
    let request = w.request("POST", "/api/v1/admin/import").header("x-api-key", KEY).body(huge);
    let (status, body) = read(request.send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &body["code"]), (413, &json!(413)));
}
