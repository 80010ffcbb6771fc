//! `tidewatch check` as people run it: what it prints and how it ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod product;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use product::{finished, tidewatch};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A provider whose path says what it answers: an amount, or 401.
async fn provider() -> String {
    let app = Router::new().route(
        "/{amount}",
        axum::routing::get(async |Path(amount): Path<String>| match amount.as_str() {
            "401" => (StatusCode::UNAUTHORIZED, "{}".to_owned()),
            amount => (StatusCode::OK, format!(r#"{{"balance": {amount}}}"#)),
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}

fn configured(dir: &std::path::Path, base: &str, accounts: &[(&str, &str)]) {
    let account = |(name, answer): &(&str, &str)| {
        json!({"name": name, "provider": "http_json", "secret": format!("sk-{name}"), "thresholds": ["10"],
               "params": [format!("url: {base}/{answer}"), "remaining: balance", "unit: USD"]})
    };
    let list: Vec<Value> = accounts.iter().map(account).collect();
    let text = json!({"accounts": {"allow_private": true, "rates": ["http_json: 1000"], "list": list}}).to_string();
    std::fs::write(dir.join("tidewatch.yaml"), text).unwrap();
}

async fn checked(dir: &std::path::Path, args: &[&str]) -> (i32, Vec<(String, String, Value)>, String) {
    let (code, stdout, stderr) = finished(tidewatch(dir, &[&["check", "--json"][..], args].concat())).await;
    let lines: Vec<Value> = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout} {stderr}"));
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    let lines = lines.iter().map(|l| (text(l, "name"), text(l, "status"), l["remaining"].clone())).collect();
    (code, lines, stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_what_it_found() {
    let base = provider().await;
    let dir = tempfile::tempdir().unwrap();
    let row = |name: &str, status: &str, left: Value| (name.to_owned(), status.to_owned(), left);
    configured(dir.path(), &base, &[("a", "50"), ("b", "12.5")]);
    let (code, lines, stderr) = checked(dir.path(), &[]).await;
    assert_eq!((code, lines), (0, vec![row("a", "ok", "50".into()), row("b", "ok", "12.5".into())]), "{stderr}");
    configured(dir.path(), &base, &[("a", "9.99"), ("b", "12.5")]);
    let (code, lines, _) = checked(dir.path(), &["a"]).await;
    assert_eq!((code, lines), (1, vec![row("a", "ok", "9.99".into())]));
    configured(dir.path(), &base, &[("a", "50"), ("b", "401")]);
    let (code, lines, stderr) = checked(dir.path(), &[]).await;
    // The last good number stands beside the failure.
    assert_eq!((code, lines[1].clone()), (2, row("b", "unauthorized", "12.5".into())), "{stderr}");
    assert!(stderr.contains("1 of 2 accounts could not be read"), "{stderr}");
    let (code, _, _) = checked(dir.path(), &["--dry-run", "a"]).await;
    assert_eq!(code, 0);
    let (code, _, stderr) = finished(tidewatch(dir.path(), &["check", "nobody"])).await;
    assert!(code == 2 && stderr.contains("there is no account \"nobody\"; there are a, b"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_looked_at_does_not_pass_for_well() {
    let base = provider().await;
    let dir = tempfile::tempdir().unwrap();
    configured(dir.path(), &base, &[("a", "50"), ("b", "12.5")]);
    assert_eq!(checked(dir.path(), &[]).await.0, 0);
    // Somebody else is at it.
    let file = dir.path().join("tidewatch-data/tidewatch.db");
    let store = store::Store::open(&store::OpenOptions::new(format!("sqlite://{}", file.display()))).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let sql = "UPDATE targets SET lease_token = 'another', lease_until = ? WHERE kind = 'account' AND ref_id = 1";
    tx.exec(sql, store::args![i64::MAX / 2]).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let (code, lines, stderr) = checked(dir.path(), &[]).await;
    assert_eq!((code, lines[0].1.as_str(), lines[1].1.as_str()), (2, "unchecked", "ok"), "{stderr}");
}
