//! Levels: deterministic, continuous, and true to their plan.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use sim::accounts::{Amount, Burn, Course, FactoryPlan, FactoryPool, Period, Plan};
use std::collections::BTreeSet;

/// 2026-09-01T00:00:00Z, a Tuesday.
const START: i64 = 1_788_220_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn left(plan: &Plan, seed: u64, at_ms: i64) -> i64 {
    plan.level(seed, at_ms, 6).remaining.unwrap().as_micros()
}

#[test]
fn a_steady_account_burns_what_it_says_and_ends_when_it_says() {
    let plan = Plan::steady(START, Amount::whole(300), Amount::whole(10));
    assert_eq!(left(&plan, 1, START), 300_000_000);
    assert_eq!(left(&plan, 1, START - DAY), 300_000_000);
    assert_eq!(left(&plan, 1, START + 36 * HOUR), 285_000_000);
    let end = START + 30 * DAY;
    assert_eq!(plan.empties_at(1, START + DAY, 6), Some(end));
    // In cents the last one is gone before the last millionth is.
    assert!(plan.empties_at(1, START, 2).unwrap() < end);
    assert_eq!(plan.empties_at(1, end + DAY, 6), Some(end + DAY));
    assert_eq!(left(&plan, 1, end + 9 * DAY), 0);
}

#[test]
fn a_level_falls_without_jumps_but_for_top_ups_and_new_periods() {
    let (day, add) = (Amount::whole(24), Amount::whole(100));
    let refilled = Plan::refilled(START, Amount::whole(80), day, Amount::whole(20), add);
    let monthly = Plan::monthly(START, Amount::whole(2_000), day);
    // No minute burns more than a burst of nine tenths in two hours and a busy office minute come to.
    let most = day.as_micros() * 9 / 10 / 120 + day.as_micros() * 2 / 12 / 60;
    for seed in 0..2 {
        let (mut top_ups, mut resets, mut bursts) = (0, 0, 0);
        for minute in 0..90 * 24 * 60 {
            let (from, to) = (START + minute * MINUTE, START + (minute + 1) * MINUTE);
            let fell = left(&refilled, seed, from) - left(&refilled, seed, to);
            if fell < 0 {
                top_ups += 1;
                assert!(add.as_micros() + fell <= most && left(&refilled, seed, from) < 20_000_000 + most);
            } else {
                bursts += i64::from(fell > day.as_micros() * 2 / 12 / 60);
                assert!(fell <= most, "{seed}: {fell} in minute {minute}");
            }
            assert!(left(&refilled, seed, to) >= 20_000_000);
            let fell = left(&monthly, seed, from) - left(&monthly, seed, to);
            if fell < 0 {
                resets += 1;
                assert_eq!(Period::Month.around(to).0, to);
            }
        }
        assert!((17..=27).contains(&top_ups), "{seed}: {top_ups}");
        assert_eq!(resets, 2, "{seed}");
        assert!(bursts > 0, "{seed}");
    }
}

#[test]
fn weekends_are_quiet_and_seeds_differ() {
    let burn = Burn::lively(Amount::whole(100));
    let course = Course::Prepaid { start: Amount::whole(1_000_000), refill: None, overdraft: false };
    let plan = Plan { since_ms: START, course, burn };
    let used = |seed, from_day: i64| {
        left(&plan, seed, START + from_day * DAY) - left(&plan, seed, START + (from_day + 1) * DAY)
    };
    let sum = |weekday: i64| (0..40).map(|week| used(3, weekday + week * 7)).sum::<i64>();
    // START is a Tuesday: day 0 is a Tuesday, day 5 a Sunday.
    assert!(sum(0) > 2 * sum(5), "{} {}", sum(0), sum(5));
    let whole: i64 = (0..280).map(|day| used(3, day)).sum::<i64>() / 280;
    assert!((90_000_000..115_000_000).contains(&whole), "{whole}");
    assert_ne!(used(1, 0), used(2, 0));
    assert_eq!(used(1, 0), used(1, 0));
}

#[test]
fn the_other_courses_are_what_they_are_called() {
    let at = START + 40 * DAY;
    assert_eq!([START - DAY, START, at].map(|at| left(&Plan::exhausted(START), 1, at)), [0; 3]);
    let overdrawn = Plan::overdrawn(START, Amount::whole(100), Amount::whole(10));
    assert_eq!(left(&overdrawn, 1, at), -300_000_000);
    assert_eq!(overdrawn.empties_at(1, START, 6), Some(START + 10 * DAY));
    let unlimited = Plan::unlimited(START, Amount::whole(5));
    let level = unlimited.level(1, at, 6);
    assert_eq!((level.remaining, level.total), (None, None));
    assert!(level.used > Amount::whole(100));
    let mut daily = Plan::monthly(START, Amount::whole(10), Amount::whole(40));
    daily.burn = Burn::steady(Amount::whole(40));
    daily.course = Course::Allowance { each: Amount::whole(10), period: Period::Day, overage: false };
    let noon = daily.level(1, START + 12 * HOUR, 6);
    assert_eq!(
        (noon.remaining, noon.used, noon.period),
        (Some(Amount::ZERO), Amount::whole(10), Some((START, START + DAY)))
    );
    assert_eq!(daily.empties_at(1, START + HOUR, 6), Some(START + 6 * HOUR));
    assert_eq!(Period::Week.around(START), (START - DAY, START + 6 * DAY));
    assert_eq!(Period::Month.around(START + 40 * DAY), (START + 30 * DAY, START + 61 * DAY));
}

#[test]
fn used_and_left_make_the_total() {
    for (plan, places) in [
        (Plan::steady(START, Amount::micros(123_456_789), Amount::micros(1_234_567)), 2),
        (Plan::refilled(START, Amount::whole(9), Amount::whole(7), Amount::whole(3), Amount::whole(50)), 0),
        (Plan::monthly(START, Amount::whole(100), Amount::whole(9)), 6),
    ] {
        for hour in 0..2_000 {
            let level = plan.level(5, START + hour * HOUR, places);
            let (left, total) = (level.remaining.unwrap(), level.total.unwrap());
            assert_eq!(left.as_micros() + level.used.as_micros(), total.as_micros());
            assert_eq!((left.floor(places), total.floor(places)), (left, total));
        }
    }
}

#[test]
fn keys_of_an_organisation_share_everything() {
    let pool = FactoryPool { keys_per_org: 5, revoked: 100, ..FactoryPool::new(3, 1_000, START) };
    let at = START + 20 * DAY;
    let mut orgs = BTreeSet::new();
    let (mut revoked, mut exhausted, mut plans) = (0, 0, [0; 3]);
    for number in 0..1_000 {
        let truth = pool.truth(number, at);
        assert_eq!(pool.number(&pool.key(number)), Some(number));
        if !truth.accepted {
            revoked += 1;
            continue;
        }
        orgs.insert(truth.org.clone().unwrap());
        plans[pool.plan(number) as usize] += 1;
        exhausted += i32::from(truth.remaining.unwrap() <= Amount::ZERO);
        let first = number / 5 * 5;
        if !pool.is_revoked(first) {
            assert_eq!(truth, pool.truth(first, at));
        }
        assert_eq!(truth.windows.is_empty(), pool.plan(number) != FactoryPlan::RateLimits);
        let later = pool.truth(number, at + MINUTE);
        if later.period_ms == truth.period_ms {
            assert!(later.remaining <= truth.remaining);
        }
    }
    assert!((60..150).contains(&revoked), "{revoked}");
    assert_eq!(orgs.len(), 200);
    assert!(plans.iter().all(|n| *n > 50) && exhausted > 50 && exhausted < 500, "{plans:?} {exhausted}");
    for other in ["fk-sim-000001000", "fk-sim-1", "fk-sim-+00000001", "fk-sim-", "fk-other-1", ""] {
        assert_eq!(pool.number(other), None, "{other}");
    }
}
