//! No hour is silently wrong, also where much moves between the pages of one crawl.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use engine::EngineOptions;
use market::MarketOptions;
use model::{HOUR, Timestamp};
use sim::{MarketConfig, Profile};
use std::time::Duration;
use testkit::truth::{CrawlLog, compare};
use testkit::{World, WorldOptions};

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_far_apart_make_no_hour_wrong() {
    let start = Timestamp::parse("2026-11-02T00:03:20+09:00").unwrap();
    // Seldom enough for several pages of new rows, and quiet enough that less comes in from above than goes.
    let profile = |n: i32| Profile::named(&format!("作品{n}"), f64::from(40 + 5 * n), 0.9);
    let mut market = MarketConfig::new(3, (0..12).map(profile).collect(), start.millis());
    market.quirks.page_drift_ms = 60_000;
    market.quirks.index_lag_ms = (60_000, 60_000);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("t.db").display());
    let (mut options, engine) = (MarketOptions::default(), EngineOptions::default());
    let seldom = Duration::from_secs(6 * 3_600);
    let schedule = &mut options.schedule;
    (schedule.min_interval, schedule.base_interval, schedule.max_interval) = (seldom, seldom, seldom);
    let world = World::open(WorldOptions { market, options, engine, url }).await.unwrap();
    let mut events = world.engine.subscribe();
    let mut log = CrawlLog::new();
    let done = world
        .run(start.plus(72 * HOUR), |now, _| {
            while let Ok(event) = events.try_recv() {
                if event.name == "crawl" {
                    let ip = event.data["ip_id"].as_i64().unwrap();
                    log.entry(ip).or_default().push((now, event.data["pages"].as_u64().unwrap()));
                }
            }
        })
        .await
        .unwrap();
    assert_eq!(done.failed, 0);
    let all = compare(&world, &log).await.unwrap();
    let sum = |of: fn(&testkit::truth::IpTruth) -> u64| all.iter().map(of).sum::<u64>();
    assert_eq!((sum(|t| t.wrong_unmarked), sum(|t| t.above_truth)), (0, 0), "{all:#?}");
    let (whole, hours) = (sum(|t| t.whole_hours), sum(|t| t.hours));
    assert!(whole * 4 > hours && whole < hours, "{whole} of {hours} hours are whole: too few, or none in doubt");
}
