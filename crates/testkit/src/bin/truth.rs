//! `make truth`: two simulated weeks of a market from quiet to very hot; our numbers and those of the old method
//! against the ledger, for every IP and hour.

use engine::EngineOptions;
use market::MarketOptions;
use model::{HOUR, Timestamp};
use sim::{MarketConfig, profiles};
use std::time::Duration;
use testkit::truth::{CrawlLog, Depth, IpTruth, compare, depth};
use testkit::{Figures, Stopwatch, World, WorldOptions};

const COMMAND: &str = "make truth";

fn setting(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (days, ips, seed) = (setting("DAYS", 14), setting("IPS", 30), setting("SEED", 1));
    let start = Timestamp::parse("2026-11-02T00:03:20+09:00").unwrap_or_default();
    let folder = tempfile::tempdir()?;
    let mut market = MarketConfig::new(seed as u64, profiles::spread(ips as usize), start.millis());
    // Pages of one crawl are asked for one after the other, so rows slip between them as they do in reality.
    market.quirks.page_drift_ms = setting("DRIFT_MS", 700);
    // A sharp index lag, so that the ledger can say which listings were deleted before any crawl could show them.
    market.quirks.index_lag_ms = (60_000, 60_000);
    let options = WorldOptions {
        market,
        options: MarketOptions::default(),
        engine: EngineOptions { housekeeping: Duration::from_secs(3600), ..EngineOptions::default() },
        url: format!("sqlite://{}", folder.path().join("truth.db").display()),
    };
    let world = World::open(options).await?;
    let mut events = world.engine.subscribe();
    let mut log = CrawlLog::new();
    let watch = Stopwatch::start();
    let until = start.plus(days * 24 * HOUR);
    let mut day = 0;
    let done = world
        .run(until, |now, done| {
            while let Ok(event) = events.try_recv() {
                if event.name == "crawl" {
                    let ip = event.data["ip_id"].as_i64().unwrap_or(0);
                    log.entry(ip).or_default().push((now, event.data["pages"].as_u64().unwrap_or(0)));
                }
            }
            if now.millis() >= start.plus(day * 24 * HOUR).millis() {
                eprintln!("day {day:>2} of {days}: {} crawls, {} failed", done.recorded, done.failed);
                day += 1;
            }
        })
        .await?;
    let took = watch.elapsed();
    eprintln!("simulated {days} days x {ips} IPs in {:.1} s: {} crawls", took.as_secs_f64(), done.recorded);
    let all = compare(&world, &log).await?;
    print(&all);
    let wrong = report(&all, took, done.recorded, depth(&world, &log, 8))?;
    std::process::exit(i32::from(wrong));
}

fn print(all: &[IpTruth]) {
    println!(
        "{:<12} {:>8} | {:>5} {:>5} {:>9} {:>7} {:>6} {:>6} | {:>9} {:>9} {:>7} | {:>9} {:>9} | {:>6} {:>6}",
        "IP",
        "list/h",
        "hours",
        "whole",
        "in truth",
        "in err",
        "unobs",
        "marked",
        "out truth",
        "out found",
        "recall",
        "naive in",
        "naive out",
        "req/cr",
        "naive"
    );
    for t in all {
        let crawls = t.crawls.max(1) as f64;
        println!(
            "{:<12} {:>8.2} | {:>5} {:>5} {:>9} {:>7} {:>6} {:>6} | {:>9} {:>9} {:>6.1}% | {:>9} {:>9} | {:>6.2} {:>6.2}",
            t.name,
            t.temperature,
            t.hours,
            t.whole_hours,
            t.inflow_truth,
            t.inflow_error,
            t.unobservable,
            t.hours - t.whole_hours,
            t.outflow_truth,
            t.outflow_found,
            100.0 * t.outflow_found as f64 / t.outflow_truth.max(1) as f64,
            t.naive_inflow,
            t.naive_outflow,
            t.requests as f64 / crawls,
            t.naive_requests as f64 / crawls,
        );
    }
}

fn report(all: &[IpTruth], took: Duration, crawls: u64, depth: Depth) -> std::io::Result<bool> {
    let sum = |f: fn(&IpTruth) -> i64| all.iter().map(f).sum::<i64>() as f64;
    let count = |f: fn(&IpTruth) -> u64| all.iter().map(f).sum::<u64>() as f64;
    let percent = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { 100.0 * part / whole };
    let mut f = Figures::new("truth", COMMAND);
    println!();
    f.add("hours compared", count(|t| t.hours), "IP hours", "every complete hour since tracking began");
    f.add("hours with whole inflow", count(|t| t.whole_hours), "IP hours", "not marked saturated");
    f.add("inflow error in whole hours", sum(|t| t.inflow_error), "listings", "aim 0");
    f.add("whole hours with a wrong inflow", count(|t| t.wrong_unmarked), "IP hours", "aim 0: saturation is said");
    f.add(
        "marked hours that are exact after all",
        count(|t| t.marked_but_exact),
        "IP hours",
        "aim 0: none marked wrongly",
    );
    f.add("hours above the truth", count(|t| t.above_truth), "IP hours", "aim 0: a lower bound is one");
    f.add(
        "listings nobody could see",
        sum(|t| t.unobservable),
        "listings",
        "deleted between two crawls, in whole hours",
    );
    let truth_in = sum(|t| t.inflow_truth_all);
    f.add(
        "inflow error, all hours, ours",
        percent(sum(|t| t.inflow_error_all), truth_in),
        "% of truth",
        "saturated hours included",
    );
    f.add(
        "inflow error, all hours, naive",
        percent(sum(|t| t.naive_inflow_error), truth_in),
        "% of truth",
        "sum of |naive - truth|",
    );
    let truth_out = sum(|t| t.outflow_truth);
    f.add("sales found, ours", percent(sum(|t| t.outflow_found), truth_out), "% of truth", "all hours");
    f.add(
        "sales found in whole hours, ours",
        percent(sum(|t| t.outflow_found_whole), sum(|t| t.outflow_truth_whole)),
        "% of truth",
        "outflow not marked",
    );
    f.add(
        "outflow error, all hours, ours",
        percent(sum(|t| t.outflow_error), truth_out),
        "% of truth",
        "sum of |ours - truth|",
    );
    f.add(
        "outflow error, all hours, naive",
        percent(sum(|t| t.naive_outflow_error), truth_out),
        "% of truth",
        "sum of |naive - truth|",
    );
    let of_sales = |n: u64| percent(n as f64, depth.sales as f64);
    f.add("sales that lie on sold page 1", of_sales(depth.first_page), "% of sales", "sold pages follow listing order");
    f.add(
        "sales that lie on sold pages 1 to 5",
        of_sales(depth.five_pages),
        "% of sales",
        "what five pages could show",
    );
    f.add(
        "sales that lie on sold pages 1 to 50",
        of_sales(depth.fifty_pages),
        "% of sales",
        "what a deep sweep could show",
    );
    f.add("sales called off or not yet shown", of_sales(depth.hidden), "% of sales", "no page shows them");
    let quiet: Vec<&IpTruth> = all.iter().filter(|t| t.temperature <= 1.0).collect();
    let per_crawl = |n: u64, crawls: u64| n as f64 / crawls.max(1) as f64;
    let (quiet_crawls, quiet_naive) =
        (quiet.iter().map(|t| t.crawls).sum(), quiet.iter().map(|t| t.naive_requests).sum());
    f.add(
        "requests per crawl of a quiet IP, ours",
        per_crawl(quiet.iter().map(|t| t.requests_after_first).sum(), quiet_crawls - quiet.len() as u64),
        "requests",
        "aim <= 2; quiet: <= 1 listing an hour; first crawl left out",
    );
    f.add(
        "the same, first crawl included",
        per_crawl(quiet.iter().map(|t| t.requests).sum(), quiet_crawls),
        "requests",
        "",
    );
    f.add("the same, naive", per_crawl(quiet_naive, quiet_crawls), "requests", "10 where there are so many pages");
    f.add("requests per crawl, all IPs, ours", per_crawl(all.iter().map(|t| t.requests).sum(), crawls), "requests", "");
    f.add(
        "simulated crawls a second",
        crawls as f64 / took.as_secs_f64(),
        "crawls/s",
        "fetch in process, parse, detect, record",
    );
    f.save()?;
    Ok(count(|t| t.wrong_unmarked) + count(|t| t.above_truth) > 0.0)
}
