//! Several processes over a real Redis: work is handed out, made by workers, brought back and recorded once.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use model::{Clock, ScaledClock, SharedClock, SteppedClock};
use product::{Product, START, finished, tidewatch, until};
use redis::cmd;
use redis::streams::{StreamInfoGroupsReply, StreamRangeReply};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use servers::Redis;
use settings::{SecretUrl, Settings, Span};
use sim::faults::Faults;
use sim::profiles::spread;
use std::sync::Arc;
use std::time::Duration;
use tidewatch::app::worker;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A worker inside this test, in a runtime of its own so that it can end like a process.
struct Hand {
    stop: CancellationToken,
    runtime: Runtime,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Hand {
    fn start(settings: &Settings, clock: &SharedClock) -> Self {
        let stop = CancellationToken::new();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let task = runtime.spawn(worker::run(settings.clone(), (None, None), Arc::clone(clock), stop.clone()));
        Self { stop, runtime, task }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        self.runtime.shutdown_background();
    }

    /// As SIGKILL would: nothing is told to anybody.
    fn kill(self) {
        self.runtime.shutdown_background();
    }
}

fn scaled(settings: &mut Settings, redis: &Redis) {
    settings.redis.url = SecretUrl::new(redis.url());
    settings.redis.orphan_after = Span::seconds(5);
    settings.engine.shutdown_grace = Span::seconds(2);
    // Not to wait for the pace: what is tested is who does the work.
    settings.market.rate.per_second = 100.0;
    settings.market.rate.burst = 50;
}

async fn ask<T: redis::FromRedisValue>(redis: &Redis, command: &redis::Cmd) -> T {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    command.query_async(&mut connection).await.unwrap()
}

/// Tasks that somebody holds.
async fn pending(redis: &Redis) -> usize {
    let groups: StreamInfoGroupsReply = ask(redis, cmd("XINFO").arg("GROUPS").arg("tidewatch:tasks")).await;
    groups.groups[0].pending
}

async fn crawls(product: &Product) -> f64 {
    let metrics = product.get("/metrics").await;
    let line = "mercari_crawler_tasks_processed_total{status=\"success\"} ";
    let found = metrics.as_str().unwrap().lines().find_map(|l| l.strip_prefix(line)?.parse().ok());
    found.unwrap_or(0.0)
}

async fn workers(product: &Product) -> Vec<Value> {
    let all = product.get("/api/v1/system/workers").await["data"].clone();
    all.as_array().unwrap().iter().filter(|w| w["role"] == "worker").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_crawl_what_serve_hands_out_and_it_is_recorded() {
    let Some(redis) = Redis::start() else { return };
    let clock: SharedClock = Arc::new(ScaledClock::new(START, 60.0));
    let product = Product::start_as(&spread(6), Arc::clone(&clock), true, |s| scaled(s, &redis)).await;
    until("handed out", async || ask::<u64>(&redis, cmd("XLEN").arg("tidewatch:tasks")).await == 6).await;
    assert_eq!(product.sim.counters().requests, 0, "serve itself asks nobody");
    // What KEDA reads: the lag of the group.
    let groups: StreamInfoGroupsReply = ask(&redis, cmd("XINFO").arg("GROUPS").arg("tidewatch:tasks")).await;
    assert_eq!((groups.groups[0].name.as_str(), groups.groups[0].lag), ("workers", Some(6)));
    let hands = [Hand::start(&product.settings, &clock), Hand::start(&product.settings, &clock)];
    for ip in 1..=6 {
        product.crawled_since(ip, START).await;
    }
    until("two workers", async || workers(&product).await.len() == 2).await;
    until("nothing left over", async || {
        let left: (u64, u64) = redis_pair(&redis).await;
        left == (0, 0) || crawls(&product).await > 6.0
    })
    .await;
    assert!(crawls(&product).await >= 6.0);
    let health = product.get("/health").await;
    assert_eq!(health["parts"]["redis"]["ok"], true, "{health}");
    let metrics = product.get("/metrics").await;
    assert!(metrics.as_str().unwrap().contains("mercari_crawler_tasks_processed_total{status=\"handed_out\"}"));
    for hand in hands {
        hand.end().await;
    }
    until("nobody", async || workers(&product).await.is_empty()).await;
    product.end().await;
}

async fn redis_pair(redis: &Redis) -> (u64, u64) {
    (ask(redis, cmd("XLEN").arg("tidewatch:tasks")).await, ask(redis, cmd("XLEN").arg("tidewatch:results")).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_held_is_done_by_another() {
    let Some(redis) = Redis::start() else { return };
    let clock = SteppedClock::new(START);
    let shared: SharedClock = Arc::new(clock.clone());
    let product = Product::start_as(&spread(1), Arc::clone(&shared), true, |s| scaled(s, &redis)).await;
    // Every page takes so long that the worker dies in the middle.
    product.sim.set_faults(Faults { latency_ms: 60_000, ..Faults::default() });
    let hand = Hand::start(&product.settings, &shared);
    until("begun", async || pending(&redis).await == 1).await;
    hand.kill();
    product.sim.set_faults(Faults::default());
    let other = Hand::start(&product.settings, &shared);
    product.crawled_since(1, START).await;
    until("ended", async || redis_pair(&redis).await == (0, 0)).await;
    assert_eq!(crawls(&product).await, 1.0);
    other.end().await;
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_hands_back_what_it_cannot_finish() {
    let Some(redis) = Redis::start() else { return };
    let clock = SteppedClock::new(START);
    let shared: SharedClock = Arc::new(clock.clone());
    let product = Product::start_as(&spread(1), Arc::clone(&shared), true, |s| {
        scaled(s, &redis);
        // Nobody would take it over for a long time.
        s.redis.orphan_after = Span::minutes(10);
    })
    .await;
    product.sim.set_faults(Faults { latency_ms: 60_000, ..Faults::default() });
    let hand = Hand::start(&product.settings, &shared);
    until("begun", async || pending(&redis).await == 1).await;
    let begun = std::time::Instant::now();
    hand.end().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "two seconds of grace");
    product.sim.set_faults(Faults::default());
    let other = Hand::start(&product.settings, &shared);
    product.crawled_since(1, START).await;
    other.end().await;
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_and_a_killed_redis_cost_time_and_no_number() {
    let Some(mut redis) = Redis::start() else { return };
    let clock: SharedClock = Arc::new(ScaledClock::new(START, 120.0));
    let product = Product::start_as(&spread(4), Arc::clone(&clock), true, |s| {
        scaled(s, &redis);
        s.market.schedule.min_interval = Span::minutes(5);
        s.market.schedule.base_interval = Span::minutes(5);
        s.market.schedule.max_interval = Span::minutes(10);
    })
    .await;
    until("handed out", async || redis_pair(&redis).await.0 == 4).await;
    // Before anybody took them: they are gone, and their leases last a quarter of an hour.
    let _: () = ask(&redis, &cmd("FLUSHALL")).await;
    let flushed = clock.now();
    let hand = Hand::start(&product.settings, &clock);
    for ip in 1..=4 {
        product.crawled_since(ip, START).await;
    }
    assert!(clock.now().since(flushed) < Duration::from_secs(14 * 60), "not by the end of the lease");
    redis.kill();
    until("not ready", async || product.status(Method::GET, "/ready", None).await == StatusCode::SERVICE_UNAVAILABLE)
        .await;
    let board = product.status(Method::GET, "/api/v1/leaderboard?type=hot&hours=24", None).await;
    assert_eq!(board, StatusCode::OK, "what is known is still told");
    redis.restart();
    let back = clock.now();
    until("ready", async || product.status(Method::GET, "/ready", None).await == StatusCode::OK).await;
    for ip in 1..=4 {
        product.crawled_since(ip, back).await;
    }
    let metrics = product.get("/metrics").await;
    let stale = "mercari_crawler_tasks_processed_total{status=\"failed\"} 0";
    assert!(metrics.as_str().unwrap().contains(stale), "no crawl failed because of it");
    hand.end().await;
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_read_is_a_dead_letter_that_is_seen_replayed_and_dropped() {
    let Some(redis) = Redis::start() else { return };
    let clock = SteppedClock::new(START);
    let shared: SharedClock = Arc::new(clock.clone());
    let product = Product::start_as(&spread(1), Arc::clone(&shared), true, |s| scaled(s, &redis)).await;
    let hand = Hand::start(&product.settings, &shared);
    product.crawled_since(1, START).await;
    let odd = r#"{"ipId":"1","taskId":"x:1"}"#;
    for stream in ["tidewatch:tasks", "tidewatch:results"] {
        let _: String = ask(&redis, cmd("XADD").arg(&[stream, "*", "message", odd])).await;
    }
    let _: String = ask(&redis, cmd("XADD").arg(&["tidewatch:results", "*", "other", "field"])).await;
    let path = "/api/v1/system/dead-letters";
    until("buried", async || product.get(path).await["total"] == 3).await;
    let letters = product.get(path).await["data"].clone();
    let of =
        |queue: &str| letters.as_array().unwrap().iter().filter(|l| l["queue"] == queue).cloned().collect::<Vec<_>>();
    let task = &of("tasks")[0];
    assert_eq!(
        (task["reason"].as_str(), task["message"].as_str()),
        (Some("keyword: missing; that would search all of Mercari"), Some(odd))
    );
    let (status, _) = product.send(Method::GET, path, None, None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    // The target of a task is due now.
    clock.advance(Duration::from_secs(60));
    let at = clock.now();
    let one = format!("{path}/tasks/{}", task["id"].as_str().unwrap());
    let (status, done) = product.admin(Method::POST, &format!("{one}/replay"), None).await;
    assert_eq!((status, done["data"]["done"].as_str()), (StatusCode::OK, Some("due")), "{done}");
    product.crawled_since(1, at).await;
    assert_eq!(product.admin(Method::POST, &format!("{one}/replay"), None).await.0, StatusCode::NOT_FOUND);
    for letter in of("results") {
        let one = format!("{path}/results/{}", letter["id"].as_str().unwrap());
        assert_eq!(product.admin(Method::DELETE, &one, None).await.0, StatusCode::OK);
        assert_eq!(product.admin(Method::DELETE, &one, None).await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(product.get(path).await["total"], 0);
    for odd in ["nobody/1-1", "tasks/x", "tasks/1-1"] {
        assert_eq!(
            product.admin(Method::DELETE, &format!("{path}/{odd}"), None).await.0,
            StatusCode::NOT_FOUND,
            "{odd}"
        );
    }
    let audit = product.get("/api/v1/system/audit?q=dead_letter").await;
    assert_eq!(audit["total"], 3, "{audit}");
    let metrics = product.get("/metrics").await;
    assert!(metrics.as_str().unwrap().contains("animetop_queue_dlq_total 2"), "those this process buried");
    hand.end().await;
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_comes_twice_or_too_late_is_recorded_once() {
    let Some(redis) = Redis::start() else { return };
    let clock = SteppedClock::new(START);
    let shared: SharedClock = Arc::new(clock.clone());
    let product = Product::start_as(&spread(1), Arc::clone(&shared), true, |s| scaled(s, &redis)).await;
    until("handed out", async || redis_pair(&redis).await.0 == 1).await;
    let range: StreamRangeReply = ask(&redis, cmd("XRANGE").arg(&["tidewatch:tasks", "-", "+"])).await;
    let task: Value = serde_json::from_str(&range.ids[0].get::<String>("message").unwrap()).unwrap();
    let item = |id: &str| json!({ "sourceId": id, "title": "a", "price": "300", "status": "ITEM_STATUS_ON_SALE" });
    // As a crawler of the system replaced would tell it.
    let report = |items: Value| json!({ "ipId": "1", "taskId": task["taskId"], "crawledAt": START.secs().to_string(), "pagesCrawled": 2, "items": items });
    for items in [json!([item("m1"), item("m2")]), json!([item("m1"), item("m2")]), json!([item("m3")])] {
        let text = report(items).to_string();
        let _: String = ask(&redis, cmd("XADD").arg(&["tidewatch:results", "*", "message", &text])).await;
    }
    until("taken", async || redis_pair(&redis).await.1 == 0).await;
    let items = product.get("/api/v1/ips/1/items").await;
    assert_eq!(items["total"], 2, "{items}");
    let metrics = product.get("/metrics").await;
    for line in ["{status=\"success\"} 1", "{status=\"stale\"} 2"] {
        assert!(metrics.as_str().unwrap().contains(&format!("mercari_crawler_tasks_processed_total{line}")), "{line}");
    }
    product.end().await;
}

#[tokio::test]
async fn a_worker_or_a_serve_without_redis_says_what_to_set() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, stderr) = finished(tidewatch(dir.path(), &["worker"])).await;
    assert_eq!((code, stderr.contains("set redis.url (REDIS_URL)")), (2, true), "{stderr}");
    let (code, _, stderr) =
        finished(tidewatch(dir.path(), &["serve", "--no-workers", "--listen", "127.0.0.1:0"])).await;
    assert_eq!(
        (code, stderr.contains("--no-workers hands crawls out over Redis: set redis.url")),
        (2, true),
        "{stderr}"
    );
    let Some(redis) = Redis::start() else { return };
    let mut command = tidewatch(dir.path(), &["worker"]);
    command.env("REDIS_URL", redis.url().replace("private-password", "hunter2"));
    let (code, _, stderr) = finished(command).await;
    assert_eq!((code, stderr.contains("Redis refused"), stderr.contains("hunter2")), (2, true, false), "{stderr}");
}

#[tokio::test]
async fn the_program_works_over_tls_and_drains_on_sigterm() {
    let Some(redis) = Redis::start_with_tls() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut command = tidewatch(dir.path(), &["worker", "--listen", "127.0.0.1:0"]);
    command
        .env("REDIS_URL", redis.url())
        .env("SSL_CERT_FILE", redis.certificate())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut page = None;
    let mut seen = String::new();
    while let Ok(Ok(Some(line))) = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await {
        seen += &line;
        if let Some(at) = line.find("page=http://") {
            let url = line[at + 5..].split_whitespace().next().unwrap();
            page = Some(url.to_owned());
            break;
        }
    }
    assert!(!seen.contains(redis.password()));
    let page = page.unwrap_or_else(|| panic!("no page: {seen}"));
    let status = |path: &str| {
        let url = format!("{page}{path}");
        async move { reqwest::get(url).await.unwrap().status() }
    };
    assert_eq!((status("/live").await, status("/ready").await), (StatusCode::OK, StatusCode::OK), "{seen}");
    let metrics = reqwest::get(format!("{page}/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("tidewatch_worker_running 0"), "{metrics}");
    let pid = child.id().unwrap().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
    // The same without the certificate: it is said, and it waits.
    let mut command = tidewatch(dir.path(), &["worker"]);
    command.env("REDIS_URL", redis.url()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(line.contains("Redis does not answer") || line.contains("certificate"), "{line}");
    child.kill().await.unwrap();
}
