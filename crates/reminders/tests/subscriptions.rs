//! The watch of renewals over simulated weeks.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod world;

use model::Timestamp;
use reminders::cycle::CycleType;
use reminders::store::{get_subscription, hold_subscription, list_subscriptions, summary, write_renewed};
use world::{World, at, noon, subscription};

#[tokio::test]
async fn each_listed_day_is_told_once_and_the_passing_of_the_day_ends_it() {
    let world = World::new().await;
    world.subscribe(&subscription("Figma", CycleType::Monthly, 30, "7,3,1,0")).await;
    world.run_until(at("2026-12-08T00:00:00+09:00")).await;
    assert_eq!(
        world.titles().await,
        [
            "2026-11-23 fired Figma renews in 7 days",
            "2026-11-27 reminder Figma renews in 3 days",
            "2026-11-29 reminder Figma renews tomorrow",
            "2026-11-30 reminder Figma renews today",
            "2026-12-01 recovered Figma: renewal day has passed",
        ]
    );
    let message = &world.told().await[0].message;
    assert_eq!(message, "Figma renews in 7 days, on 2026-11-30, for 12.50 CNY (web)");
}

#[tokio::test]
async fn a_number_tells_every_day_from_then_on() {
    let world = World::new().await;
    world.subscribe(&subscription("VPS", CycleType::Weekly, 1, "2")).await;
    world.run_until(at("2026-11-25T00:00:00+09:00")).await;
    assert_eq!(
        world.titles().await,
        [
            "2026-11-21 fired VPS renews in 2 days",
            "2026-11-22 reminder VPS renews tomorrow",
            "2026-11-23 reminder VPS renews today",
            "2026-11-24 recovered VPS: renewal day has passed",
        ]
    );
}

#[tokio::test]
async fn missed_days_are_told_late_and_looks_in_between_tell_nothing() {
    let world = World::new().await;
    let id = world.subscribe(&subscription("CDN", CycleType::Monthly, 30, "7,3,0")).await;
    world.look().await;
    // Nobody looked on the 23rd; on the 25th the reminder of seven days is still in force.
    world.clock.set(at("2026-11-25T10:00:00+09:00"));
    for _ in 0..3 {
        let mut tx = world.store.begin().await.unwrap();
        store::trigger(&mut tx, model::WatchKind::Subscription, id, world.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(world.look().await.len(), 1);
    }
    assert_eq!(world.titles().await, ["2026-11-25 fired CDN renews in 5 days"]);
}

#[tokio::test]
async fn what_is_paid_for_is_not_told_until_the_next_cycle() {
    let world = World::new().await;
    let id = world.subscribe(&subscription("DB", CycleType::Monthly, 24, "3,1")).await;
    world.look().await;
    let mut tx = world.store.begin().await.unwrap();
    let row = hold_subscription(&mut tx, id).await.unwrap().unwrap();
    let today = row.draft.zone.date(world.now()).unwrap();
    write_renewed(&mut tx, id, today, world.now()).await.unwrap();
    tx.commit().await.unwrap();
    world.run_until(at("2026-12-22T00:00:00+09:00")).await;
    assert_eq!(
        world.titles().await,
        [
            "2026-11-21 fired DB renews in 3 days",
            "2026-11-21 recovered DB: renewed",
            "2026-12-21 fired DB renews in 3 days",
        ]
    );
}

#[tokio::test]
async fn the_day_is_that_of_the_subscriptions_zone_and_the_end_is_the_end() {
    let world = World::new().await;
    world.clock.set(at("2026-11-21T22:00:00-05:00"));
    let mut draft = subscription("NY", CycleType::Weekly, 7, "0,");
    draft.zone = reminders::Zone::parse("America/New_York").unwrap();
    draft.terms.end = Some("2026-11-29".parse().unwrap());
    let id = world.subscribe(&draft).await;
    world.run_until(at("2026-12-20T00:00:00-05:00")).await;
    let told: Vec<(Timestamp, String)> = world.told().await.into_iter().map(|m| (m.created_at, m.notice)).collect();
    let notices: Vec<&str> = told.iter().map(|(_, n)| n.as_str()).collect();
    assert_eq!(notices, ["fired", "recovered", "fired", "recovered"]);
    let jitter = told[0].0.since(at("2026-11-22T09:00:00-05:00")).as_secs();
    assert!((60..600).contains(&jitter), "{told:?}");
    let row = get_subscription(&world.store, id).await.unwrap().unwrap();
    assert_eq!(row.standing(world.now()).unwrap().next, None);
}

#[tokio::test]
async fn figures_for_metrics() {
    let world = World::new().await;
    world.subscribe(&subscription("A", CycleType::Yearly, 229, "3")).await;
    world.subscribe(&subscription("B", CycleType::Monthly, 22, "3")).await;
    let mut paused = subscription("C", CycleType::Monthly, 22, "3");
    paused.enabled = false;
    world.subscribe(&paused).await;
    assert_eq!(world.look().await.len(), 2);
    let figures = summary(&world.store, noon()).await.unwrap().subscriptions;
    let short: Vec<_> = figures.iter().map(|f| (f.name.as_str(), f.cycle_type, f.days, f.fine)).collect();
    assert_eq!(short, [("A", "yearly", Some(99), true), ("B", "monthly", Some(1), false)]);
    assert_eq!(figures[0].amount, Some("12.50".parse().unwrap()));
    assert_eq!(list_subscriptions(&world.store).await.unwrap().len(), 3);
}
