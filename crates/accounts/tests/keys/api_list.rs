//! Who may ask, what is shown, and that no key is.

use crate::world::{World, answer, secret};
use accounts::{Reading, ReadingStatus, Window};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/v1/keys"),
    ("GET", "/api/v1/keys/summary"),
    ("GET", "/api/v1/keys/1"),
    ("DELETE", "/api/v1/keys/1"),
    ("GET", "/api/v1/keys/1/full"),
    ("POST", "/api/v1/keys/import"),
    ("POST", "/api/v1/keys/delete"),
    ("POST", "/api/v1/keys/tag"),
    ("POST", "/api/v1/keys/refresh"),
    ("POST", "/api/v1/keys/export"),
    ("POST", "/api/v1/keys/copy"),
    ("GET", "/api/v1/refreshes/1"),
    ("GET", "/api/data"),
    ("GET", "/api/keys"),
    ("POST", "/api/keys"),
    ("POST", "/api/keys/import"),
    ("POST", "/api/keys/batch-delete"),
    ("DELETE", "/api/keys/1"),
    ("GET", "/api/keys/1/full"),
];

#[tokio::test]
async fn nothing_is_said_without_the_admin_key() {
    let w = World::new().await;
    w.fill(2).await;
    for (method, path) in ROUTES {
        let request = w.anybody(method, path).json(&json!({"all": true, "keys": ["fk-00000001"], "format": "txt"}));
        let (status, body) = answer(request).await;
        assert_eq!((status, &body["code"]), (401, &json!(401)), "{method} {path}: {body}");
        let (status, _) = answer(w.anybody(method, path).header("x-api-key", "tw_another")).await;
        assert_eq!(status, 401, "{method} {path}");
    }
    assert_eq!(w.count("accounts").await, 2);
}

#[tokio::test]
async fn a_page_shows_what_is_known_and_null_for_the_rest() {
    let w = World::new().await;
    w.fill(3).await;
    let reading = Reading {
        remaining: Some(Decimal::new(1250, 2)),
        unit: Some("USD".into()),
        windows: vec![Window { name: "weekly".into(), used_ratio: Decimal::new(25, 2), resets_at: None }],
        org: Some("org_1".into()),
        ..Reading::default()
    };
    w.read(2, &reading.complete()).await;
    w.bad(3, ReadingStatus::Unauthorized).await;
    let (status, page) = w.get("/api/v1/keys?sort=remaining&order=desc&page_size=2").await;
    assert_eq!((status, &page["total"], &page["page"], &page["page_size"]), (200, &json!(3), &json!(1), &json!(2)));
    let first = &page["data"][0];
    for (field, value) in [
        ("id", json!(2)),
        ("name", json!("key-0002")),
        ("provider", json!("factory")),
        ("tags", json!([])),
        ("org", json!("org_1")),
        ("state", json!("active")),
        ("status", json!("ok")),
        ("error", Value::Null),
        ("remaining", json!("12.50")),
        ("total", Value::Null),
        ("used", Value::Null),
        ("used_ratio", json!("0.25")),
        ("unit", json!("USD")),
        ("unlimited", json!(false)),
        ("windows", json!([{"name": "weekly", "used_ratio": "0.25", "resets_at": null}])),
        ("good_at", json!("2026-11-21T21:10:00+09:00")),
    ] {
        assert_eq!(first[field], value, "{field}");
    }
    let mask = first["mask"].as_str().unwrap();
    assert!(mask.starts_with("fk-p...") && mask.len() == 11, "{mask}");
    assert_eq!(page["data"][1]["remaining"], Value::Null);
    let failed = w.data("/api/v1/keys?status=failed").await;
    assert_eq!((failed.as_array().unwrap().len(), &failed[0]["error"], &failed[0]["id"]), (1, &json!("no"), &json!(3)));
    let one = w.data("/api/v1/keys/2").await;
    assert_eq!(&one, first);
    let summary = w.data("/api/v1/keys/summary").await;
    assert_eq!(
        summary,
        json!({
            "count": 3, "by_status": {"new": 1, "ok": 1, "unauthorized": 1}, "orgs": 1, "unknown": 2,
            "totals": [{"unit": "USD", "remaining": "12.50", "total": null, "used": null, "accounts": 1}],
            "checked_oldest": "2026-11-21T21:10:00+09:00", "checked_newest": "2026-11-21T21:10:00+09:00",
        })
    );
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_and_where() {
    let w = World::new().await;
    for (path, words) in [
        ("/api/v1/keys?sort=secret", "sort must be one of"),
        ("/api/v1/keys?page_size=1001", "page_size must be 1..1000"),
        ("/api/v1/keys?status=fine", "status must be one of"),
        ("/api/v1/keys?remaining_min=lots", "remaining_min must be a number"),
        ("/api/v1/keys?tags=a", "unknown parameter"),
        ("/api/v1/keys/x", ""),
    ] {
        let (status, body) = w.get(path).await;
        assert_eq!(status, 400, "{path}: {body}");
        assert!(body["message"].as_str().unwrap().contains(words), "{path}: {body}");
    }
    for path in ["/api/v1/keys/7", "/api/v1/keys/7/full", "/api/v1/refreshes/7"] {
        assert_eq!(w.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn no_answer_holds_a_key_but_those_that_give_one() {
    let w = World::new().await;
    w.fill(4).await;
    w.good(1, Some(5), Some("org_1")).await;
    w.bad(2, ReadingStatus::Forbidden).await;
    let mut said = String::new();
    for path in [
        "/api/v1/keys",
        "/api/v1/keys?q=fk-planted",
        "/api/v1/keys/1",
        "/api/v1/keys/summary",
        "/api/v1/refreshes/1",
        "/api/data",
        "/api/keys",
    ] {
        said += &w.get(path).await.1.to_string();
    }
    let planted = secret(9);
    for (path, body) in [
        ("/api/v1/keys/import", json!({"keys": [secret(1), format!("{planted} with words"), {"key": 7}]})),
        ("/api/v1/keys/import", json!({"text": format!("a,b,{planted}\n\"{planted}")})),
        ("/api/v1/keys/import", json!({"keys": planted})),
        ("/api/v1/keys/tag", json!({"ids": [1], "add": ["a"]})),
        ("/api/v1/keys/refresh", json!({"all": true})),
        ("/api/v1/keys/export", json!({"all": true, "format": "json"})),
        ("/api/v1/keys/export", json!({"all": true, "format": "csv"})),
        ("/api/v1/keys/export", json!({"all": true, "format": "txt"})),
        ("/api/v1/keys/delete", json!({"filter": {"q": planted}})),
        ("/api/v1/keys/delete", json!({"ids": [4]})),
        ("/api/keys", json!({"key": secret(1)})),
        ("/api/keys", json!({"key": format!("{planted} with words")})),
        ("/api/keys/import", json!({"keys": planted})),
        ("/api/keys/import", json!({"keys": [secret(1)]})),
    ] {
        said += &w.post(path, body).await.1.to_string();
    }
    said += &w.audit().await.join("\n");
    let broken = w.admin("POST", "/api/v1/keys/import").header("content-type", "application/json");
    said += &answer(broken.body(format!("{{\"keys\": [{planted}]}}"))).await.1.to_string();
    for table in ["accounts", "refreshes", "audit", "targets"] {
        let columns = match table {
            "accounts" => "name, mask, secret, secret_hash, tags, error",
            "refreshes" => "kind, started_by",
            "audit" => "action, subject",
            _ => "kind, last_error",
        };
        for row in w.store.query(&format!("SELECT {columns} FROM {table}"), vec![]).await.unwrap() {
            for column in 0..columns.split(',').count() {
                said += &row.opt_text(column).unwrap().unwrap_or_default();
                said.push('\n');
            }
        }
    }
    assert!(said.contains("fk-p..."), "the masked form is there");
    assert!(!said.contains("fk-planted"), "{said}");
}
