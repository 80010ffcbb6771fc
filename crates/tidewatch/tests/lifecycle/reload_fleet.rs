//! Processes over Redis read their configuration again.

use super::product::until;
use super::reload::{Served, config, market, one_file, write};
use redis::{Cmd, FromRedisValue, cmd};
use reqwest::{Client, StatusCode};
use servers::Redis;
use sim::faults::Faults;
use std::time::{Duration, Instant};

const IP: &str = "  ips:\n    - name: 初音ミク\n";

fn over(redis: &Redis, more: &str) -> String {
    format!("{more}redis:\n  url: {}\n", redis.url())
}

async fn ask<T: FromRedisValue>(redis: &Redis, command: &Cmd) -> T {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    command.query_async(&mut connection).await.unwrap()
}

async fn serve(config: &str) -> Served {
    Served::start_as(&["serve", "--no-workers", "--data-dir", "data"], config, one_file).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_begins_the_next_task_with_the_new_configuration() {
    let Some(redis) = Redis::start() else { return };
    let (first, second) = (market().await, market().await);
    let serve = serve(&config(&first, &over(&redis, IP))).await;
    let worker = Served::start_as(&["worker"], &config(&first, &over(&redis, "")), one_file).await;
    let file = worker.dir.path().join("tidewatch.yaml");
    until("crawled", async || serve.json("/api/v1/ips/1").await["data"]["last_crawled_at"].is_string()).await;
    assert_eq!(second.counters().requests, 0);
    write(&file, &config(&second, &over(&redis, "engine:\n  max_in_flight: 7\n")));
    worker.accepted(1).await;
    let line = "needs a restart; until then the old values stand keys=\"engine.max_in_flight\"";
    assert!(worker.log().contains(line), "{}", worker.log());
    let other = async |asked: u64| {
        until("the other market asked", async || {
            serve.trigger(1).await;
            second.counters().requests > asked
        })
        .await;
    };
    other(0).await;
    // A bad one changes nothing, and nothing ends.
    let before = first.counters().requests;
    write(&file, &config(&first, &over(&redis, "  pages_on_sale: many\n")));
    worker.refused(1).await;
    assert!(worker.log().contains("key=\"market.pages_on_sale\""), "{}", worker.log());
    other(second.counters().requests).await;
    assert_eq!(first.counters().requests, before);
    // What it counts goes on, and so does the process where others would end.
    write(&file, &config(&second, &over(&redis, "")));
    worker.accepted(2).await;
    worker.signal("-HUP").await;
    worker.accepted(3).await;
    worker.end().await;
    serve.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_task_hangs_ends_after_its_grace_and_hands_it_back() {
    let Some(redis) = Redis::start() else { return };
    let sim = market().await;
    let serve = serve(&config(&sim, &over(&redis, IP))).await;
    sim.set_faults(Faults { latency_ms: 600_000, ..Faults::default() });
    let grace = "  orphan_after: 10m\nengine:\n  shutdown_grace: 2s\n";
    let worker = Served::start_as(&["worker"], &config(&sim, &format!("{}{grace}", over(&redis, ""))), one_file).await;
    until("asked", async || sim.counters().requests > 0).await;
    let begun = Instant::now();
    worker.end().await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    sim.set_faults(Faults::default());
    let next = Served::start_as(&["worker"], &config(&sim, &over(&redis, "")), one_file).await;
    until("crawled", async || serve.json("/api/v1/ips/1").await["data"]["last_crawled_at"].is_string()).await;
    next.end().await;
    serve.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_out_before_a_reload_is_missed_when_redis_is_emptied() {
    let Some(redis) = Redis::start() else { return };
    let sim = market().await;
    let serve = serve(&config(&sim, &over(&redis, IP))).await;
    let waiting = async || ask::<u64>(&redis, cmd("XLEN").arg("tidewatch:tasks")).await;
    until("handed out", async || waiting().await == 1).await;
    write(&serve.dir.path().join("tidewatch.yaml"), &config(&sim, &over(&redis, &format!("{IP}  pages_sold: 4\n"))));
    serve.accepted(1).await;
    let _: () = ask(&redis, &cmd("FLUSHALL")).await;
    // Well before its lease ends.
    until("handed out again", async || waiting().await == 1).await;
    assert!(serve.log().contains("Redis was emptied: what was handed out is handed out again"), "{}", serve.log());
    serve.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_shows_metrics_to_this_machine_and_to_those_with_a_key() {
    let Some(redis) = Redis::start() else { return };
    let sim = market().await;
    let keys = "  api_keys:\n    - {name: prometheus, key: a-key-to-scrape-with, role: viewer}\n";
    let text = config(&sim, &over(&redis, "")).replace("market:\n", &format!("{keys}market:\n"));
    let worker = Served::start_as(&["worker"], &text, one_file).await;
    let ask = async |path: &str, key: Option<&str>| {
        // As a proxy on this machine asks for somebody else.
        let mut request = Client::new().get(format!("{}{path}", worker.base)).header("X-Forwarded-For", "192.0.2.1");
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        request.send().await.unwrap().status()
    };
    assert_eq!((ask("/live", None).await, ask("/ready", None).await), (StatusCode::OK, StatusCode::OK));
    assert_eq!(ask("/metrics", None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/metrics", Some("a-wrong-key")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/metrics", Some("a-key-to-scrape-with")).await, StatusCode::OK);
    let own = reqwest::get(format!("{}/metrics", worker.base)).await.unwrap().text().await.unwrap();
    for name in ["tidewatch_worker_tasks_total 0", "animetop_crawler_requests_total", "config_reload_total"] {
        assert!(own.contains(name), "{name}: {own}");
    }
    // Without the key of before nobody else looks in.
    write(&worker.dir.path().join("tidewatch.yaml"), &text.replace("a-key-to-scrape-with", "a-later-key-to-scrape"));
    worker.accepted(1).await;
    assert_eq!(ask("/metrics", Some("a-key-to-scrape-with")).await, StatusCode::UNAUTHORIZED);
    worker.end().await;
}
