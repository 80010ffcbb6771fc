//! The running product: it watches, answers, is told what to do, and stops cleanly.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use model::{Clock, ScaledClock, SharedClock, SteppedClock, Timestamp, WatchKind};
use product::{KEY, Product, START, finished, settings, tidewatch, until, upstream};
use reqwest::{Method, StatusCode};
use serde_json::json;
use servers::MariaDb;
use settings::{AccountSettings, Secret, SecretUrl, Span};
use sim::profiles::{spread, well_known};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use store::{OpenOptions, Store};
use tidewatch::app::{Config, database, run};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn the_leaderboard_fills_and_every_probe_answers() {
    let clock: SharedClock = Arc::new(ScaledClock::new(START, 1200.0));
    let product = Product::start(&well_known(), clock, |_| {}).await;
    until("ranked", async || {
        let board = product.get("/api/v1/leaderboard?type=hot&hours=24&limit=20").await;
        board["data"]["count"].as_u64().unwrap() >= 10
    })
    .await;
    let health = product.get("/health").await;
    assert_eq!((health["mode"].as_str(), health["status"].as_str()), (Some("live"), Some("ok")), "{health}");
    for part in ["store", "scheduler", "market", "upstream:mercari"] {
        assert_eq!(health["parts"][part]["ok"], true, "{part}: {health}");
    }
    assert_eq!(product.status(Method::GET, "/live", None).await, StatusCode::OK);
    let metrics = product.get("/metrics").await;
    let metrics = metrics.as_str().unwrap();
    for name in [
        "animetop_crawler_requests_total",
        "mercari_crawler_api_request_duration_seconds_count",
        "mercari_crawler_adaptive_delay_seconds",
        "animetop_crawler_proxy_mode 0",
        "mercari_crawler_tasks_processed_total{status=\"success\"}",
        "animetop_http_requests_total",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_admin_key_changes_anything() {
    let (product, _) = Product::stepped(&spread(1)).await;
    let new = json!({ "name": "葬送のフリーレン", "category": "anime" });
    let (status, _) = product.send(Method::POST, "/api/v1/ips", Some(new.clone()), None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = product.send(Method::POST, "/api/v1/ips", Some(new.clone()), Some("guessed")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, made) = product.admin(Method::POST, "/api/v1/ips", Some(new)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(product.get("/api/v1/ips").await["total"], 2);
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_ip_rests_and_a_triggered_one_is_crawled_at_once() {
    let (product, clock) = Product::stepped(&spread(2)).await;
    product.crawled_since(1, START).await;
    product.crawled_since(2, START).await;
    let (status, _) = product.admin(Method::PUT, "/api/v1/ips/1", Some(json!({ "status": "paused" }))).await;
    assert_eq!(status, StatusCode::OK);
    clock.advance(Duration::from_secs(3 * 3600));
    product.crawled_since(2, clock.now()).await;
    let paused = product.get("/api/v1/ips/1").await;
    assert_eq!(paused["data"]["last_crawled_at"].as_str().and_then(Timestamp::parse), Some(START));
    let (status, _) = product.admin(Method::POST, "/api/v1/ips/1/trigger", None).await;
    assert_eq!(status, StatusCode::CONFLICT);
    clock.advance(Duration::from_secs(60));
    let (status, told) = product.admin(Method::POST, "/api/v1/ips/2/trigger", None).await;
    assert_eq!((status, &told["data"]["triggered"]), (StatusCode::OK, &json!(true)));
    product.crawled_since(2, clock.now()).await;
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_gives_back_what_runs() {
    let clock: SharedClock = Arc::new(SteppedClock::new(START));
    let product = Product::start(&spread(3), clock, |settings| {
        settings.engine.shutdown_grace = Span::seconds(0);
        // Nothing is asked before the stall is on.
        settings.market.ips.clear();
    })
    .await;
    product.sim.set_faults("latency=60000+0".parse().unwrap());
    for ip in &product.sim.market().config().profiles {
        let (status, _) = product.admin(Method::POST, "/api/v1/ips", Some(json!({ "name": ip.name }))).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    until("crawling", async || {
        let schedule = product.get("/api/v1/system/scheduler").await;
        schedule["data"]["targets"].as_array().unwrap().iter().filter(|target| target["running"] == true).count() == 3
    })
    .await;
    let metrics = product.get("/metrics").await;
    for line in [
        "animetop_queue_length{queue=\"tasks_processing\"} 3",
        "animetop_queue_length{queue=\"tasks\"} 0",
        "animetop_queue_length{queue=\"schedule\"} 0",
        "mercari_crawler_tasks_in_progress 3",
        "animetop_tasks_processed_total{status=\"success\"} 0",
    ] {
        assert!(metrics.as_str().unwrap().lines().any(|shown| shown == line), "{line}");
    }
    let (_dir, settings) = product.end().await;
    let store = Store::open(&OpenOptions::new(database::url(&settings))).await.unwrap();
    let targets = store::list_schedule(&store, WatchKind::Market, 10).await.unwrap();
    assert_eq!(targets.len(), 3);
    for target in targets {
        assert_eq!((target.lease_until, target.failures, target.last_attempt), (None, 0, None), "{target:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_of_a_process_that_died_are_given_back_at_the_next_start() {
    let clock: SharedClock = Arc::new(SteppedClock::new(START));
    let (dir, sim) = (tempfile::tempdir().unwrap(), upstream(&spread(1), &clock).await);
    let settings = settings(dir.path(), &sim);
    std::fs::create_dir(&settings.server.data_dir).unwrap();
    let store = database::open_migrated(&settings, START).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    store::add_target(&mut tx, WatchKind::Market, 99, START, Duration::from_secs(3600)).await.unwrap();
    tx.commit().await.unwrap();
    let claim = store::Claim { kinds: &[WatchKind::Market], limit: 9, lease: Duration::from_secs(900), token: "dead" };
    assert_eq!(store::claim(&store, &claim, START).await.unwrap().len(), 1);
    store.close().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stop = CancellationToken::new();
    let mut settings = settings;
    settings.market.enabled = false;
    let stopped = stop.clone();
    stopped.cancel();
    run(Config::live(settings.clone()), listener, clock, stop).await.unwrap();
    let store = database::open_to_read(&settings).await.unwrap();
    let target = store::get_target(&store, WatchKind::Market, 99).await.unwrap().unwrap();
    assert_eq!(target.lease_until, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_directory_is_refused() {
    let (product, _) = Product::stepped(&spread(1)).await;
    let data_dir = product.settings.server.data_dir.display().to_string();
    let second = tidewatch(product.dir.path(), &["serve", "--listen", "127.0.0.1:0", "--data-dir", &data_dir]);
    let (code, _, stderr) = finished(second).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("another tidewatch is running on") && stderr.contains(&data_dir), "{stderr}");
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_prints_a_key_once_and_keeps_only_its_hash() {
    let dir = tempfile::tempdir().unwrap();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut command = tidewatch(dir.path(), &["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]);
        command.env("TIDEWATCH_MARKET__ENABLED", "false").stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut base = None;
        while let Some(line) = lines.next_line().await.unwrap() {
            keys.extend(line.split_whitespace().find(|word| word.starts_with("tw_")).map(str::to_owned));
            if line.contains("started") {
                base = line.split("listen=").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned);
                break;
            }
        }
        let ask = |key: String| {
            let url = format!("{}/api/v1/system/status", base.clone().unwrap());
            async move { reqwest::Client::new().get(url).header("X-API-Key", key).send().await.unwrap().status() }
        };
        assert_eq!(ask(keys[0].clone()).await, StatusCode::OK);
        assert_eq!(ask(KEY.to_owned()).await, StatusCode::UNAUTHORIZED);
        terminate(&child).await;
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
    }
    assert_eq!(keys.len(), 1, "the key is printed at the first start only");
    let file = dir.path().join("data/admin-key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(dir.path().join("data")).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!std::fs::read_to_string(&file).unwrap().contains(&keys[0][3..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_does_not_wait() {
    let clock: SharedClock = Arc::new(SteppedClock::new(START));
    let sim = upstream(&spread(1), &clock).await;
    sim.set_faults("latency=60000+0".parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ips.csv"), "name\n架空作品01\n").unwrap();
    assert_eq!(finished(tidewatch(dir.path(), &["import", "ips.csv"])).await.0, 0);
    let mut command = tidewatch(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
    command.env("TIDEWATCH_MARKET__BASE_URL", sim.base_url());
    let mut child = command.spawn().unwrap();
    until("crawling", async || sim.counters().requests > 0).await;
    terminate(&child).await;
    let early = tokio::time::timeout(Duration::from_millis(300), child.wait()).await;
    assert!(early.is_err(), "the crawl has its time: {early:?}");
    terminate(&child).await;
    let ended = tokio::time::timeout(Duration::from_secs(10), child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(1));
}

async fn terminate(child: &tokio::process::Child) {
    let pid = child.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_keeps_its_ips_and_leaves_what_people_set() {
    let clock: SharedClock = Arc::new(SteppedClock::new(START));
    let product = Product::start(&spread(2), Arc::clone(&clock), |settings| {
        settings.market.enabled = false;
        settings.market.ips[0].category = String::new();
        settings.auth.admin_key = Secret::new(KEY);
    })
    .await;
    let change = json!({ "category": "mine", "name_en": "mine" });
    assert_eq!(product.admin(Method::PUT, "/api/v1/ips/1", Some(change)).await.0, StatusCode::OK);
    let (dir, settings) = product.end().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let task = tokio::spawn(run(Config::live(settings), listener, clock, stop.clone()));
    until("answered", async || reqwest::get(format!("{base}/ready")).await.is_ok_and(|r| r.status() == 200)).await;
    let ip: serde_json::Value = reqwest::get(format!("{base}/api/v1/ips/1")).await.unwrap().json().await.unwrap();
    assert_eq!((&ip["data"]["category"], &ip["data"]["name_en"]), (&json!("mine"), &json!("Imaginary Work 01")));
    stop.cancel();
    task.await.unwrap().unwrap();
    drop(dir);
}

/// The first start of a whole fleet: everybody keeps the same lists on the same empty database.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_on_an_empty_database_all_come_up() {
    let Some(server) = MariaDb::start() else { return };
    let key = store::new_key().unwrap();
    let clock: SharedClock = Arc::new(SteppedClock::new(START));
    let one = || {
        let (url, key, clock) = (server.url(), key.clone(), Arc::clone(&clock));
        async move {
            Product::start(&spread(3), clock, |settings| {
                settings.store.url = SecretUrl::new(&url);
                settings.secrets.encryption_key = Secret::new(&key);
                settings.accounts.list = (0..60).map(account).collect();
            })
            .await
        }
    };
    let (a, b, c) = tokio::join!(one(), one(), one());
    let accounts = a.get("/api/v1/accounts?page_size=1").await;
    assert_eq!(accounts["total"], 60, "{accounts}");
    for product in [a, b, c] {
        product.end().await;
    }
}

fn account(n: usize) -> AccountSettings {
    AccountSettings {
        name: format!("account {n}"),
        provider: "deepseek".to_owned(),
        secret: Secret::new(format!("sk-of-a-test-{n}")),
        ..AccountSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_are_compressed_for_those_who_take_it() {
    let (product, _) = Product::stepped(&spread(1)).await;
    let ask = async |path: &str, encoding: &str| {
        let address = product.base.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{encoding}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let head = String::from_utf8_lossy(&answer).split("\r\n\r\n").next().unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        (head.contains("content-encoding: gzip"), answer.len())
    };
    let gzip = "Accept-Encoding: gzip, deflate\r\n";
    let (plain, squeezed) = (ask("/api/openapi.json", "").await, ask("/api/openapi.json", gzip).await);
    assert_eq!((plain.0, squeezed.0), (false, true));
    assert!(squeezed.1 * 4 < plain.1, "{} of {} bytes", squeezed.1, plain.1);
    assert!(!ask("/live", gzip).await.0, "a short one is as long as a packet anyway");
    product.end().await;
}
