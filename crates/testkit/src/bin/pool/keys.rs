//! The pool: refreshing thousands, taking in a hundred thousand, listing them by anything.

use crate::program::Served;
use crate::{Failure, delay, providers};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use testkit::Figures;

fn configuration(origin: &str, workers: u32) -> Value {
    json!({
        "market": {"enabled": false},
        "keys": {"max_workers": workers, "interval": "30d"},
        "accounts": {"base_urls": [format!("factory: {origin}")], "allow_private": true, "rates": ["factory: 1000000"]},
    })
}

async fn import(served: &Served, keys: u64) -> Result<Duration, Failure> {
    let text: String = (0..keys).map(|n| format!("key {n},fk-sim-{n:09}\n")).collect();
    let begun = Instant::now();
    let report = served.post_text("/api/v1/keys/import?provider=factory", text).await?;
    let took = begun.elapsed();
    if report["data"]["success"] != keys {
        return Err(format!("imported {report}").into());
    }
    Ok(took)
}

/// Refreshes all and waits for the end.
async fn refresh(served: &Served) -> Result<(Duration, Value), Failure> {
    let begun = Instant::now();
    let started = served.post("/api/v1/keys/refresh", &json!({"all": true})).await?;
    let path = format!("/api/v1/refreshes/{}", started["data"]["id"]);
    loop {
        let seen = served.get(&path).await?["data"].take();
        if seen["done"] == seen["total"] {
            return Ok((begun.elapsed(), seen));
        }
        if begun.elapsed() > Duration::from_secs(180) {
            return Err(format!("not done: {seen}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// 5,000 keys within 100 in flight, and 20,000 within 1,000, at 200 ms.
pub(crate) async fn refreshes(program: &Path, figures: &mut Figures) -> Result<(), Failure> {
    for (keys, workers) in [(5_000, 100), (20_000, 1_000)] {
        let running = providers(0, keys).await?;
        let served = Served::start(program, configuration(&running.origin("factory"), workers)).await?;
        import(&served, keys).await?;
        // The first look also asks for the organisation; what people wait for is a later one.
        for (latency, named) in [(0, "first look"), (0, "again"), (200, "again")] {
            delay(&running, latency);
            let cpu = served.cpu_seconds()?;
            let (took, seen) = refresh(&served).await?;
            let what = format!("refresh {keys} keys, {workers} in flight, {latency} ms, {named}");
            let floor = keys as f64 / f64::from(workers) * latency as f64 / 1000.0;
            let work = served.cpu_seconds()? - cpu;
            let compared =
                format!("floor {floor:.1} s, aim 10 s; {} ok, {} not; {work:.2} CPU s", seen["ok"], seen["failed"]);
            figures.add(&what, took.as_secs_f64(), "s", &compared);
        }
        let counters = running.counters();
        figures.add(&format!("peak memory with {keys} keys"), served.peak_mb()?, "MB", "aim 100 MB");
        println!("  the providers saw {}", serde_json::to_string(&counters)?);
    }
    Ok(())
}

/// 100,000 keys in one go, and lists by every order.
pub(crate) async fn imports(program: &Path, figures: &mut Figures) -> Result<(), Failure> {
    const KEYS: u64 = 100_000;
    let running = providers(0, KEYS).await?;
    let served = Served::start(program, configuration(&running.origin("factory"), 50)).await?;
    let took = import(&served, KEYS).await?;
    figures.add("import 100,000 keys", took.as_secs_f64(), "s", "aim 3 s");
    // All looked at once, so that there is something to sort by.
    let (took, _) = refresh(&served).await?;
    figures.add("refresh 100,000 keys, 50 in flight, 0 ms", took.as_secs_f64(), "s", "no aim");
    for order in ["id", "name", "remaining", "total", "used_ratio", "good_at", "status", "created_at"] {
        let mut spans = Vec::new();
        for n in 0..100_u32 {
            let (direction, page) = (if n % 2 == 0 { "asc" } else { "desc" }, 1 + n * 977 % 2000);
            let path = format!("/api/v1/keys?sort={order}&order={direction}&page={page}&page_size=50");
            let begun = Instant::now();
            served.get(&path).await?;
            spans.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        spans.sort_by(f64::total_cmp);
        figures.add(&format!("list by {order}, p99 of 100 random pages"), spans[98], "ms", "aim 100 ms");
    }
    figures.add("peak memory with 100,000 keys", served.peak_mb()?, "MB", "aim 100 MB");
    Ok(())
}
