//! The commands as a person runs them: what they print, and their exit codes.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use model::{Clock, ScaledClock, SharedClock, SteppedClock, SystemClock};
use product::{Product, START, finished, tidewatch, until};
use serde_json::Value;
use sim::profiles::{spread, well_known};
use sim::{MarketConfig, SimConfig, SimServer};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test(flavor = "multi_thread")]
async fn crawl_prints_one_look_and_stores_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let now = SystemClock.now().millis();
    let market = MarketConfig::new(3, well_known(), now);
    let sim = SimServer::start(SimConfig::new(market, Arc::new(move || now))).await.unwrap();
    let base = sim.base_url();
    let crawl = |more: &[&str]| {
        let args = [&["crawl", "初音ミク", "--pages", "1", "--base-url", &base][..], more].concat();
        finished(tidewatch(dir.path(), &args))
    };
    let (code, stdout, stderr) = crawl(&[]).await;
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    for part in ["on sale: ", "sold: ", "median    ¥", "requests  2", "There is more"] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    let (code, stdout, _) = crawl(&["--json"]).await;
    let seen: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &seen["totals"]["saturated"]), (0, &Value::Bool(true)));
    assert_eq!(seen["totals"]["on_sale"].as_u64(), seen["on_sale"]["rows"].as_array().map(|rows| rows.len() as u64));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    sim.shutdown().await;
    let (code, stdout, stderr) = crawl(&[]).await;
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("初音ミク was not crawled"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn crawl_by_the_browser_brings_the_same_and_says_when_there_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let now = SystemClock.now().millis();
    let market = MarketConfig::new(3, well_known(), now);
    let sim = SimServer::start(SimConfig::new(market, Arc::new(move || now))).await.unwrap();
    let base = sim.base_url();
    let args = ["crawl", "初音ミク", "--pages", "1", "--base-url", &base, "--web-url", &base, "--json"];
    let mut command = tidewatch(dir.path(), &[&args[..], &["--browser"]].concat());
    command.env("CHROME_BIN", "/nowhere/chromium");
    let (code, stdout, stderr) = finished(command).await;
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("--browser: /nowhere/chromium is no program"), "{stderr}");
    let path = std::env::var_os("PATH");
    if let Err(why) = market::fetch::browser::find(std::path::Path::new(""), path.as_deref()) {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI needs Chromium");
        return eprintln!("{why}: not tested");
    }
    let (_, by_http, _) = finished(tidewatch(dir.path(), &args)).await;
    sim.set_faults("no-browser".parse().unwrap());
    let (code, by_browser, stderr) = finished(tidewatch(dir.path(), &[&args[..], &["--browser"]].concat())).await;
    assert_eq!((code, by_browser), (0, by_http), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn import_takes_json_and_csv_and_says_what_became_of_each() {
    let dir = tempfile::tempdir().unwrap();
    let json = r#"{"ips":[{"name":"初音ミク"},{"name":"鬼滅の刃","weight":99}]}"#;
    std::fs::write(dir.path().join("ips.json"), json).unwrap();
    let (code, stdout, stderr) = finished(tidewatch(dir.path(), &["import", "ips.json"])).await;
    assert_eq!(code, 1, "{stdout}{stderr}");
    assert!(stdout.contains("1 created, 0 updated, 0 skipped, 1 failed"), "{stdout}");
    assert!(stdout.contains("weight must be 0.1..10"), "{stdout}");

    let mut command = tidewatch(dir.path(), &["import", "-", "--json"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("name,name_en\n初音ミク,Miku\nちいかわ,\n".as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["created"], &report["updated"]), (Some(0), &1.into(), &1.into()));

    let (code, stdout, _) = finished(tidewatch(dir.path(), &["import", "ips.json", "--no-upsert"])).await;
    assert!(code == 1 && stdout.contains("already there"), "{stdout}");
    let (code, _, stderr) = finished(tidewatch(dir.path(), &["import", "nothing.json"])).await;
    assert_eq!(code, 2);
    assert!(stderr.starts_with("nothing.json: cannot be read"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn top_reads_beside_a_running_server_and_asks_it_the_same() {
    let clock: SharedClock = Arc::new(ScaledClock::new(SystemClock.now(), 1200.0));
    let product = Product::start(&well_known(), clock, |_| {}).await;
    until("ranked", async || product.get("/api/v1/leaderboard?limit=5").await["data"]["count"] == 5).await;
    let data_dir = product.settings.server.data_dir.display().to_string();
    let top = |more: &[&str]| finished(tidewatch(product.dir.path(), &[&["top", "--limit", "5"][..], more].concat()));
    let (code, stdout, stderr) = top(&["--data-dir", &data_dir]).await;
    assert_eq!((code, stderr.as_str(), stdout.lines().count()), (0, "", 8), "{stdout}");
    let (code, stdout, _) = top(&["--url", &product.base]).await;
    assert!(code == 0 && stdout.starts_with("hot, last 24 h: 20"), "{stdout}");
    assert_eq!(stdout.lines().count(), 8, "{stdout}");
    let (code, stdout, _) = top(&["--url", &product.base, "--type", "outflow", "--json"]).await;
    let board: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, board["items"].as_array().map(Vec::len)), (0, Some(5)));
    product.end().await;

    let empty = tempfile::tempdir().unwrap();
    let (code, _, stderr) = finished(tidewatch(empty.path(), &["top"])).await;
    assert!(code == 2 && stderr.starts_with("no database at"), "{stderr}");
    let (code, _, _) = finished(tidewatch(empty.path(), &["top", "--limit", "0"])).await;
    assert_eq!(code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_says_first_and_does_then() {
    let dir = tempfile::tempdir().unwrap();
    let migrate = |args: &[&str]| finished(tidewatch(dir.path(), &[&["migrate"][..], args].concat()));
    let (code, stdout, _) = migrate(&["--dry-run"]).await;
    let all = tidewatch::app::database::migrations();
    assert_eq!(all[0].name, "engine/001-first");
    let expected: String = all.iter().map(|migration| format!("would apply {}\n", migration.name)).collect();
    assert_eq!((code, stdout), (1, expected));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let (code, stdout, _) = migrate(&[]).await;
    assert_eq!((code, stdout.lines().count()), (0, all.len()), "{stdout}");
    let (code, stdout, _) = migrate(&["--dry-run"]).await;
    assert!(code == 0 && stdout.contains("is up to date"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn healthcheck_is_an_exit_code() {
    let (product, _) = Product::stepped(&spread(1)).await;
    let ask = |base: String, more: &'static [&str]| {
        let args = [&["healthcheck", "--url", &base][..], more].concat();
        finished(tidewatch(product.dir.path(), &args))
    };
    assert_eq!(ask(product.base.clone(), &[]).await.0, 0);
    assert_eq!(ask(format!("{}/", product.base), &["--live"]).await.0, 0);
    let listen = product.base.trim_start_matches("http://").to_owned();
    let configured = tidewatch(product.dir.path(), &["healthcheck", "--listen", &listen]);
    assert_eq!(finished(configured).await, (0, String::new(), String::new()));
    let (code, stdout, stderr) = ask("http://127.0.0.1:1".to_owned(), &[]).await;
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("http://127.0.0.1:1/ready: "), "{stderr}");
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_reports_each_step_or_the_one_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = finished(tidewatch(dir.path(), &["verify", "--simulated"])).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    for step in ["start", "schedule", "crawl", "record", "hours", "API", "stop"] {
        assert!(stdout.lines().any(|line| line.contains(step) && line.contains(" ok ")), "{step}: {stdout}");
    }
    // The busiest of all, of which Mercari does not say how many there are.
    let (code, stdout, _) = finished(tidewatch(dir.path(), &["verify", "--simulated", "ポケモン"])).await;
    assert!(code == 0 && stdout.contains("more than 15000 sold"), "{stdout}");
    let mut refused = tidewatch(dir.path(), &["verify", "--patience", "60"]);
    refused.env("TIDEWATCH_MARKET__BASE_URL", "http://127.0.0.1:1");
    let (code, stdout, stderr) = finished(refused).await;
    assert_eq!(code, 2, "{stdout}{stderr}");
    assert!(stdout.contains("FAILED"), "{stdout}");
    assert!(stderr.contains("verify failed at step 3, crawl"), "{stderr}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_what_is_wrong_and_says_how_to_mend_it() {
    let clock: SharedClock = Arc::new(SteppedClock::new(START));
    let product = Product::start(&spread(1), clock, |_| {}).await;
    let listen = product.base.trim_start_matches("http://").to_owned();
    let data_dir = product.settings.server.data_dir.display().to_string();
    let doctor = |base: String, args: &[&str]| {
        let mut command = tidewatch(product.dir.path(), &[&["doctor"][..], args].concat());
        command.env("TIDEWATCH_MARKET__BASE_URL", base);
        finished(command)
    };
    let well = ["--listen", &listen, "--data-dir", &data_dir];
    let (code, stdout, _) = doctor(product.sim.base_url(), &well).await;
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("is served by tidewatch") && stdout.contains("nothing to mend"), "{stdout}");
    let taken = product.sim.addr().to_string();
    let (code, stdout, _) =
        doctor("http://127.0.0.1:1".into(), &["--listen", &taken, "--data-dir", &data_dir, "--json"]).await;
    let checks: Vec<Value> = serde_json::from_str(&stdout).unwrap();
    let bad: Vec<&str> = checks.iter().filter(|c| c["state"] == "bad").filter_map(|c| c["name"].as_str()).collect();
    assert_eq!((code, bad.as_slice()), (1, &["port", "upstream"][..]));
    assert!(checks.iter().filter(|c| c["state"] == "bad").all(|c| c["mend"].is_string()));
    let (code, stdout, _) = doctor("no url".into(), &[]).await;
    assert!(code == 1 && stdout.contains("market.base_url"), "{stdout}");
    tokio::time::timeout(Duration::from_secs(60), product.end()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_command_line_is_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["serve", "--nonsense"][..], &["demo", "--speed", "0"], &["demo", "--targets", "0"], &["nonsense"]] {
        assert_eq!(finished(tidewatch(dir.path(), args)).await.0, 2, "{args:?}");
    }
    let mut bad = tidewatch(dir.path(), &["serve"]);
    bad.env("TIDEWATCH_MARKET__PAGES_SOLD", "many");
    let (code, _, stderr) = finished(bad).await;
    assert!(code == 2 && stderr.contains("TIDEWATCH_MARKET__PAGES_SOLD"), "{stderr}");
}
