//! The OpenAPI document: what is kept in `docs` is what the program says of itself.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use serde_json::Value;
use std::path::Path;
use tidewatch::app;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

async fn document() -> Value {
    let dir = tempfile::tempdir().unwrap();
    app::openapi(dir.path()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kept_document_is_what_the_program_prints() {
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(Path::new(KEPT)).unwrap()).unwrap();
    assert!(kept == document().await, "docs/openapi.json is not that of the routes any more: run `make openapi`");
}

fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(to) if key == "$ref" => into.push(to.clone()),
                    value => references(value, into),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere_and_every_operation_says_what_it_is() {
    let document = document().await;
    let mut all = Vec::new();
    references(&document, &mut all);
    assert!(all.len() > 300, "{}", all.len());
    for reference in all {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let summary = operation["summary"].as_str().unwrap();
            assert!(summary.len() > 8 && summary.ends_with('.'), "{method} {path}: {summary:?}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path}");
            let declared = operation["parameters"].as_array().into_iter().flatten();
            let in_path = declared.filter(|p| p["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{method} {path}");
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "an operationId stands twice");
}
