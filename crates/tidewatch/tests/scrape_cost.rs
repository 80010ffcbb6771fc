//! What a scrape costs when there is much to watch and much behind: it must not grow with history.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use product::{KEY, tidewatch, until};
use reqwest::Client;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::{Duration, Instant};
use store::{OpenOptions, Store};
use tokio::io::{AsyncBufReadExt, BufReader};

const KEYS: usize = 10_000;
const IPS: usize = 1_000;
const SENT: i64 = 50_000;

/// The median and the slowest but five of a hundred.
async fn scraped(base: &str) -> (Duration, Duration, usize) {
    let (client, mut took, mut bytes) = (Client::new(), Vec::new(), 0);
    for _ in 0..100 {
        let begun = Instant::now();
        bytes = client.get(format!("{base}/metrics")).send().await.unwrap().bytes().await.unwrap().len();
        took.push(begun.elapsed());
    }
    took.sort();
    (took[50], took[95], bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_does_not_grow_with_history() {
    let dir = tempfile::tempdir().unwrap();
    let ips: Vec<Value> = (0..IPS).map(|n| json!({"name": format!("title {n:04}")})).collect();
    // Everything is due and nobody looks: the most there is to count.
    let configuration = json!({
        "server": {"listen": "127.0.0.1:0", "data_dir": "data", "rate_limit": {"enabled": false}},
        "log": {"format": "json"},
        "auth": {"admin_key": KEY},
        "market": {"enabled": false, "ips": ips},
        "keys": {"enabled": false},
    });
    std::fs::write(dir.path().join("tidewatch.yaml"), configuration.to_string()).unwrap();
    let mut process = tidewatch(dir.path(), &["serve"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let base = loop {
        let line = lines.next_line().await.unwrap().expect("it says where it listens");
        let event: Value = serde_json::from_str(&line).unwrap();
        if let Some(base) = event["listen"].as_str() {
            break base.to_owned();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let keys: String = (0..KEYS).map(|n| format!("fk-made-up-key-{n:08}\n")).collect();
    let import = Client::new().post(format!("{base}/api/v1/keys/import")).header("X-API-Key", KEY);
    let answer: Value = import.json(&json!({"text": keys})).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["success"], KEYS, "{answer}");
    let due = format!("animetop_queue_length{{queue=\"schedule\"}} {}", KEYS + IPS);
    until("all due", async || {
        reqwest::get(format!("{base}/metrics")).await.unwrap().text().await.unwrap().contains(&due)
    })
    .await;
    let (before, slow, bytes) = scraped(&base).await;
    eprintln!("{KEYS} keys, {IPS} IPs, all due: median {before:.1?}, 95 % {slow:.1?}, {bytes} bytes");

    let file = dir.path().join("data/tidewatch.db");
    let store = Store::open(&OpenOptions::new(format!("sqlite://{}", file.display()))).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.exec(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) \
         INSERT INTO deliveries (outbox_id, channel_id, state, attempts, created_at, next_attempt_at, sent_at) \
         SELECT i, 1, 'sent', 1, i, i, i FROM n",
        store::args![SENT],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    let (after, slow, _) = scraped(&base).await;
    eprintln!("with {SENT} messages sent: median {after:.1?}, 95 % {slow:.1?}");
    assert!(after < before * 2 + Duration::from_millis(5), "{before:?} before, {after:?} with {SENT} messages sent");
    assert!(before < Duration::from_millis(100), "{before:?}");
}
