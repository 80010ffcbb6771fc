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

struct Sums<'a>(&'a [IpTruth]);

impl Sums<'_> {
    fn of(&self, f: fn(&IpTruth) -> i64) -> f64 {
        self.0.iter().map(f).sum::<i64>() as f64
    }

    fn count(&self, f: fn(&IpTruth) -> u64) -> f64 {
        self.0.iter().map(f).sum::<u64>() as f64
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { 100.0 * part / whole }
}

fn report(all: &[IpTruth], took: Duration, crawls: u64, depth: Depth) -> std::io::Result<bool> {
    let mut f = Figures::new("truth", COMMAND);
    let sums = Sums(all);
    println!();
    inflow(&mut f, &sums);
    outflow(&mut f, &sums, depth);
    requests(&mut f, all);
    f.add("simulated crawls a second", crawls as f64 / took.as_secs_f64(), "crawls/s", "page, parse, detect, record");
    f.save()?;
    Ok(sums.count(|t| t.wrong_unmarked) + sums.count(|t| t.above_truth) > 0.0)
}

fn inflow(f: &mut Figures, sums: &Sums<'_>) {
    let hours = "IP hours";
    f.add("hours compared", sums.count(|t| t.hours), hours, "every complete hour since tracking began");
    f.add("hours with whole inflow", sums.count(|t| t.whole_hours), hours, "not marked saturated");
    f.add("inflow error in whole hours", sums.of(|t| t.inflow_error), "listings", "aim 0");
    f.add("whole hours with a wrong inflow", sums.count(|t| t.wrong_unmarked), hours, "aim 0: saturation is said");
    let chance = "nothing was listed in the seconds that could not be seen";
    f.add("marked hours that are exact after all", sums.count(|t| t.marked_but_exact), hours, chance);
    f.add("hours above the truth", sums.count(|t| t.above_truth), hours, "aim 0: a lower bound is one");
    let unseen = "deleted between two crawls, in whole hours";
    f.add("listings nobody could see", sums.of(|t| t.unobservable), "listings", unseen);
    let truth = sums.of(|t| t.inflow_truth_all);
    let (ours, naive) = (sums.of(|t| t.inflow_error_all), sums.of(|t| t.naive_inflow_error));
    f.add("inflow error, all hours, ours", percent(ours, truth), "% of truth", "saturated hours included");
    f.add("inflow error, all hours, naive", percent(naive, truth), "% of truth", "sum of |naive - truth|");
}

fn outflow(f: &mut Figures, sums: &Sums<'_>, depth: Depth) {
    let of_truth = "% of truth";
    let truth = sums.of(|t| t.outflow_truth);
    f.add("sales found, ours", percent(sums.of(|t| t.outflow_found), truth), of_truth, "all hours");
    let whole = percent(sums.of(|t| t.outflow_found_whole), sums.of(|t| t.outflow_truth_whole));
    f.add("sales found in whole hours, ours", whole, of_truth, "outflow not marked");
    let (ours, naive) = (sums.of(|t| t.outflow_error), sums.of(|t| t.naive_outflow_error));
    f.add("outflow error, all hours, ours", percent(ours, truth), of_truth, "sum of |ours - truth|");
    f.add("outflow error, all hours, naive", percent(naive, truth), of_truth, "sum of |naive - truth|");
    let of_sales = |n: u64| percent(n as f64, depth.sales as f64);
    let unit = "% of sales";
    f.add("sales that lie on sold page 1", of_sales(depth.first_page), unit, "sold pages follow listing order");
    f.add("sales that lie on sold pages 1 to 5", of_sales(depth.five_pages), unit, "what five pages could show");
    f.add("sales that lie on sold pages 1 to 50", of_sales(depth.fifty_pages), unit, "what a deep sweep could show");
    f.add("sales called off or not yet shown", of_sales(depth.hidden), unit, "no page shows them");
}

fn requests(f: &mut Figures, all: &[IpTruth]) {
    let quiet: Vec<&IpTruth> = all.iter().filter(|t| t.temperature <= 1.0).collect();
    let sum = |of: fn(&IpTruth) -> u64| quiet.iter().map(|t| of(t)).sum::<u64>() as f64;
    let crawls = sum(|t| t.crawls).max(1.0);
    let after_first = sum(|t| t.requests_after_first) / (crawls - quiet.len() as f64).max(1.0);
    let what = "aim <= 2; quiet: <= 1 listing an hour; first crawl left out";
    f.add("requests per crawl of a quiet IP, ours", after_first, "requests", what);
    f.add("the same, first crawl included", sum(|t| t.requests) / crawls, "requests", "");
    f.add("the same, naive", sum(|t| t.naive_requests) / crawls, "requests", "10 where there are so many pages");
    let total = |of: fn(&IpTruth) -> u64| all.iter().map(of).sum::<u64>() as f64;
    f.add("requests per crawl, all IPs, ours", total(|t| t.requests) / total(|t| t.crawls).max(1.0), "requests", "");
}
