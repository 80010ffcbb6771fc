//! The demo as a process.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use product::{finished, tidewatch, until};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

struct Demo {
    child: Child,
    base: String,
}

impl Demo {
    async fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = tidewatch(dir, &[&["demo", "--listen", "127.0.0.1:0"][..], args].concat());
        // A proxy of the machine must not come between the demo and its market.
        command.env("HTTP_PROXY", "http://127.0.0.1:1").stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut base = None;
        while base.is_none() {
            let line = lines.next_line().await.unwrap().expect("the demo says where it listens");
            base = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")).map(str::to_owned);
        }
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, base: base.unwrap().trim_end_matches('/').to_owned() }
    }

    async fn get(&self, path: &str) -> Value {
        let Ok(answer) = reqwest::get(format!("{}{path}", self.base)).await else { return Value::Null };
        answer.json().await.unwrap_or_default()
    }

    async fn ranked(&self, least: u64) {
        until("ranked", async || {
            let board = self.get("/api/v1/leaderboard?type=hot&hours=24&limit=100").await;
            board["data"]["count"].as_u64().is_some_and(|count| count >= least)
        })
        .await;
    }

    async fn end(mut self) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.unwrap().unwrap();
        assert_eq!(ended.code(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn within_moments_there_is_a_leaderboard_that_moves() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Demo::start(dir.path(), &["--speed", "1200"]).await;
    demo.ranked(10).await;
    let health = demo.get("/health").await;
    assert_eq!(health["mode"], "demo");
    // Live by now: crawls are recorded over HTTP, and hours go by.
    let window = demo.get("/api/v1/leaderboard").await["data"]["time_range"]["end"].clone();
    until("moving", async || demo.get("/api/v1/leaderboard").await["data"]["time_range"]["end"] != window).await;
    until("served", async || demo.get("/health").await["parts"]["upstream:mercari"]["ok"] == true).await;
    let (_, stdout, _) = finished(tidewatch(dir.path(), &["top", "--url", &demo.base])).await;
    assert!(stdout.lines().next().unwrap().ends_with("(simulated data)"), "{stdout}");
    demo.end().await;
    let (_, stdout, _) = finished(tidewatch(dir.path(), &["top", "--data-dir", "demo-data", "--json"])).await;
    assert!(stdout.contains("\"simulated\": true"), "{stdout}");
    // A demo's data is not served as if it were real.
    let serve = tidewatch(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--data-dir", "demo-data"]);
    let (code, _, stderr) = finished(serve).await;
    assert!(code == 2 && stderr.contains("simulated data"), "{stderr}");
    // Kept, it goes on without a history of its own.
    let demo = Demo::start(dir.path(), &["--keep", "--speed", "1200"]).await;
    demo.ranked(10).await;
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_titles_take_the_place_of_the_known() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Demo::start(dir.path(), &["--targets", "3", "--keys", "2", "--data-dir", "here"]).await;
    until("there", async || demo.get("/api/v1/ips").await["total"] == 3).await;
    assert_eq!(demo.get("/api/v1/ips").await["data"][0]["name"], "架空作品01");
    demo.end().await;
    assert!(dir.path().join("here/demo.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_pages_are_served_round_by_round() {
    let dir = tempfile::tempdir().unwrap();
    let record = |n: u64, hour: &str, status: &str| {
        let request = serde_json::json!({"url": "https://api.mercari.jp/v2/entities:search",
            "body": {"pageToken": "", "searchCondition": {"keyword": "sharpnel", "status": []}}});
        let item = serde_json::json!({"id": "m12345678901", "name": "CD", "price": "1200", "created": "1659870000",
            "updated": "1659870000", "status": format!("ITEM_STATUS_{status}"), "itemType": "ITEM_TYPE_MERCARI"});
        let body = serde_json::json!({"meta": {"nextPageToken": "", "numFound": "1"}, "items": [item]});
        let response =
            serde_json::json!({"status": 200, "headers": {"Date": format!("Sun, 07 Aug 2022 {hour}:00:00 GMT")}});
        for (end, value) in [("request", request), ("body", body), ("response", response)] {
            std::fs::write(dir.path().join(format!("pages/{n}.{end}.json")), value.to_string()).unwrap();
        }
    };
    std::fs::create_dir(dir.path().join("pages")).unwrap();
    record(1, "13", "ON_SALE");
    record(2, "20", "TRADING");
    let demo = Demo::start(dir.path(), &["--replay", "pages"]).await;
    until("sold", async || demo.get("/api/v1/ips/1/items?status=sold").await["total"] == 1).await;
    let ip = demo.get("/api/v1/ips/1").await;
    assert_eq!(ip["data"]["name"], "sharpnel");
    demo.end().await;
    let empty = tidewatch(dir.path(), &["demo", "--listen", "127.0.0.1:0", "--replay", "demo-data"]);
    let (code, _, stderr) = finished(empty).await;
    assert!(code == 2 && stderr.contains("holds no recorded search page"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_database_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, _) = finished(tidewatch(dir.path(), &["migrate"])).await;
    assert_eq!(code, 0);
    let args = ["demo", "--listen", "127.0.0.1:0", "--data-dir", "tidewatch-data"];
    let (code, _, stderr) = finished(tidewatch(dir.path(), &args)).await;
    assert!(code == 2 && stderr.contains("a database that no demo made"), "{stderr}");
}
