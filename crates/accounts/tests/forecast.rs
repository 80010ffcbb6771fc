//! Days left, by cases with a known answer and by what must hold of any history.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use accounts::forecast::{Confidence, Forecast, Note, Outlook, Point, forecast};
use model::{HOUR, Timestamp};
use proptest::prelude::*;

const DAY: i64 = 24 * HOUR;
const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// Reads one hour apart, the last one now.
fn hourly(levels: &[f64]) -> Vec<Point> {
    spaced(levels, HOUR)
}

fn spaced(levels: &[f64], apart: i64) -> Vec<Point> {
    let first = NOW.plus(-apart * (levels.len() as i64 - 1));
    let read = |(i, &remaining): (usize, &f64)| {
        let at = first.plus(apart * i as i64);
        Point { at, until: at, remaining, total: None }
    };
    levels.iter().enumerate().map(read).collect()
}

/// `hours` hours of falling by what `burn` says for each hour, down to `level`.
fn falling(hours: usize, level: f64, burn: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut levels = vec![level];
    for hour in (0..hours).rev() {
        levels.push(levels.last().unwrap() + burn(hour));
    }
    levels.reverse();
    levels
}

fn outlook(history: &[Point]) -> Outlook<'_> {
    Outlook { history, now: NOW, resets_at: None, expires_at: None, unlimited: false }
}

fn of(levels: &[f64]) -> Forecast {
    forecast(&outlook(&hourly(levels)))
}

fn near(found: Option<f64>, wanted: f64, part: f64) {
    let found = found.unwrap();
    assert!((found - wanted).abs() <= part * wanted, "{found} is not {wanted}");
}

#[test]
fn even_burn_is_found_exactly_and_trusted() {
    let f = of(&falling(168, 240.0, |_| 1.0));
    near(f.days_left, 10.0, 1e-6);
    near(f.burn_per_day, 24.0, 1e-6);
    assert_eq!((f.note, f.confidence), (Note::Burning, Confidence::High));
    assert_eq!(f.empties_at.unwrap(), NOW.plus(10 * DAY));
    assert!(f.low.unwrap() < 10.0 && f.high.unwrap() > 10.0);
    assert_eq!(f.alarm_days(), f.days_left);
}

#[test]
fn a_little_history_says_nothing_unless_the_end_is_near() {
    assert_eq!(of(&[]).note, Note::Accumulating);
    assert_eq!(of(&[5.0]).note, Note::Accumulating);
    let short = of(&falling(12, 500.0, |_| 1.0));
    assert_eq!((short.note, short.days_left, short.confidence), (Note::Accumulating, None, Confidence::Accumulating));
    let soon = of(&falling(12, 20.0, |_| 4.0));
    assert_eq!((soon.note, soon.confidence), (Note::Burning, Confidence::Low));
    near(soon.days_left, 5.0 / 24.0, 0.01);
    assert_eq!(of(&falling(24, 500.0, |_| 1.0)).confidence, Confidence::Low);
    assert_eq!(of(&falling(72, 500.0, |_| 1.0)).confidence, Confidence::Medium);
}

#[test]
fn a_top_up_is_no_negative_burn() {
    for top_up in [30.0, 100.0, 5_000.0] {
        let levels: Vec<f64> = falling(168, 240.0, |_| 1.0)
            .into_iter()
            .enumerate()
            .map(|(i, level)| if i < 100 { level + 5_000.0 - top_up } else { level + 5_000.0 })
            .collect();
        near(of(&levels).burn_per_day, 24.0, 0.01);
    }
}

#[test]
fn top_ups_that_come_often_are_no_noise() {
    // An automatic top-up of 100 whenever less than 20 is left, at 4 an hour.
    let mut level = 60.0;
    let levels: Vec<f64> = (0..=168)
        .map(|_| {
            level -= 4.0;
            level += if level < 20.0 { 100.0 } else { 0.0 };
            level
        })
        .collect();
    near(of(&levels).burn_per_day, 96.0, 0.02);
}

#[test]
fn where_the_total_moves_with_it_the_burn_of_the_interval_is_known() {
    let mut history = hourly(&[60.0, 50.0, 40.0, 30.0, 120.0, 110.0, 100.0]);
    for (i, p) in history.iter_mut().enumerate() {
        p.total = Some(if i < 4 { 200.0 } else { 300.0 });
    }
    near(forecast(&outlook(&history)).burn_per_day, 240.0, 1e-6);
    // Granted credit that expires takes the total down with it and is no burn.
    let mut history = hourly(&falling(48, 500.0, |h| if h == 20 { 301.0 } else { 1.0 }));
    for (i, p) in history.iter_mut().enumerate() {
        p.total = Some(if i <= 20 { 1_300.0 } else { 1_000.0 });
    }
    near(forecast(&outlook(&history)).burn_per_day, 24.0, 1e-6);
}

#[test]
fn a_reset_before_the_end_is_no_alarm() {
    let history = hourly(&falling(168, 240.0, |_| 1.0));
    let with = |days: i64| forecast(&Outlook { resets_at: Some(NOW.plus(days * DAY)), ..outlook(&history) });
    assert_eq!((with(3).note, with(3).alarm_days()), (Note::ResetsBefore, None));
    near(with(3).days_left, 10.0, 1e-6);
    assert_eq!(with(11).note, Note::Burning);
    assert_eq!(with(-1).note, Note::Burning);
}

#[test]
fn a_reset_that_keeps_time_is_found_in_the_history() {
    // Back up to 50 every 24 hours, the last time 5 hours ago; other amounts are used every day.
    let used = |day: usize| 0.7 + 0.2 * (day % 3) as f64;
    let levels: Vec<f64> = (0..=173).map(|h| 50.0 - used(h / 24) * (h % 24) as f64).collect();
    let f = of(&levels);
    assert_eq!(f.note, Note::ResetsBefore);
    near(f.burn_per_day, 24.0 * 0.9, 0.12);
    // Top-ups of no fixed time or level are not believed to come again.
    let levels: Vec<f64> = falling(168, 50.0, |_| 1.0)
        .into_iter()
        .enumerate()
        .map(|(h, level)| {
            level - [(30, 20.0), (50, 45.0), (140, 20.0)].iter().filter(|t| h < t.0).map(|t| t.1).sum::<f64>()
        })
        .collect();
    assert_eq!(of(&levels).note, Note::Burning);
}

#[test]
fn expiry_comes_first_when_it_does() {
    let history = hourly(&falling(168, 240.0, |_| 1.0));
    let with = |days: i64| forecast(&Outlook { expires_at: Some(NOW.plus(days * DAY)), ..outlook(&history) });
    assert_eq!((with(3).note, with(3).days_left, with(3).high), (Note::ExpiresBefore, Some(3.0), Some(3.0)));
    assert_eq!(with(11).note, Note::Burning);
    assert_eq!(with(-1).note, Note::Burning);
    let idle = hourly(&[7.0; 100]);
    let f = forecast(&Outlook { expires_at: Some(NOW.plus(DAY)), ..outlook(&idle) });
    assert_eq!((f.note, f.days_left, f.burn_per_day), (Note::ExpiresBefore, Some(1.0), Some(0.0)));
    let reset = Outlook { resets_at: Some(NOW.plus(DAY)), expires_at: Some(NOW.plus(2 * DAY)), ..outlook(&history) };
    assert_eq!(forecast(&reset).note, Note::ResetsBefore);
    assert_eq!(forecast(&Outlook { resets_at: Some(NOW.plus(3 * DAY)), ..reset }).note, Note::ExpiresBefore);
}

#[test]
fn not_burning_is_neither_zero_nor_for_ever() {
    let f = of(&[7.0; 200]);
    assert_eq!((f.note, f.days_left, f.empties_at, f.burn_per_day), (Note::NotBurning, None, None, Some(0.0)));
    assert_eq!(f.confidence, Confidence::High);
    let run = [Point { at: NOW.plus(-2 * DAY), until: NOW, remaining: 7.0, total: None }];
    assert_eq!(forecast(&outlook(&run)).confidence, Confidence::Low);
    assert_eq!(of(&[7.0; 10]).note, Note::Accumulating);
    let unlimited = forecast(&Outlook { unlimited: true, ..outlook(&run) });
    assert_eq!((unlimited.note, unlimited.days_left), (Note::Unlimited, None));
}

#[test]
fn empty_is_zero_and_only_empty_is() {
    for level in [0.0, -3.5] {
        let f = of(&[9.0, 4.0, level]);
        assert_eq!((f.note, f.days_left, f.high), (Note::Empty, Some(0.0), Some(0.0)));
        assert_eq!(f.empties_at, Some(NOW));
    }
    // By its burn it ran out yesterday, but nobody saw that.
    let history = hourly(&falling(168, 24.0, |_| 1.0));
    let late = forecast(&Outlook { now: NOW.plus(2 * DAY), ..outlook(&history) });
    assert_eq!((late.note, late.confidence), (Note::Stale, Confidence::Medium));
    assert!(late.days_left.unwrap() > 0.0 && late.days_left.unwrap() < 0.01);
    assert!(of(&falling(168, 0.01, |_| 1.0)).days_left.unwrap() > 0.0);
}

#[test]
fn unknown_time_is_not_time_without_burn() {
    // At zero for three days: nothing could be used.
    let mut levels = falling(96, 0.0, |_| 1.0);
    levels.extend([0.0; 48]);
    levels.extend((0..24).map(|h| 240.0 - f64::from(h)));
    near(of(&levels).burn_per_day, 24.0, 0.02);
    // Three days nobody looked, and a top-up in them.
    let mut history = hourly(&falling(168, 240.0, |_| 1.0));
    history.iter_mut().take(60).for_each(|p| p.remaining -= 100.0);
    history.drain(50..110);
    near(forecast(&outlook(&history)).burn_per_day, 24.0, 0.02);
}

#[test]
fn one_odd_read_changes_nothing() {
    for odd in [0.0, 9_999.0] {
        let mut levels = falling(168, 240.0, |_| 1.0);
        levels[80] = odd;
        near(of(&levels).burn_per_day, 24.0, 0.02);
    }
}

#[test]
fn a_weekend_is_no_change_but_acceleration_is() {
    let weekday = |h: usize| if (48..96).contains(&h) { 0.1 } else { 1.0 };
    near(of(&falling(168, 300.0, weekday)).burn_per_day, (120.0 + 4.8) / 7.0, 0.01);
    let faster = of(&falling(168, 300.0, |h| if h >= 120 { 4.0 } else { 1.0 }));
    assert!((85.0..=96.1).contains(&faster.burn_per_day.unwrap()), "{faster:?}");
    assert!(faster.confidence < Confidence::High);
    // A lull of two days may be a weekend: the rate stays, but it may last longer.
    let slower = of(&falling(168, 300.0, |h| if h >= 120 { 0.1 } else { 1.0 }));
    assert!(slower.high.unwrap() > 3.0 * slower.days_left.unwrap() && slower.confidence < Confidence::High);
}

#[test]
fn with_the_week_before_a_weekend_is_told_from_a_change() {
    // The last two days are quiet; a week before, the same days were too, or were not.
    let weekend = of(&falling(337, 300.0, |h| if h % 168 >= 121 { 0.2 } else { 1.0 }));
    near(weekend.burn_per_day, (120.0 + 9.6) / 7.0, 0.02);
    assert!(weekend.high.unwrap() < 2.0 * weekend.days_left.unwrap(), "{weekend:?}");
    let slower = of(&falling(337, 300.0, |h| if h >= 289 { 0.2 } else { 1.0 }));
    assert!((4.8..7.0).contains(&slower.burn_per_day.unwrap()), "{slower:?}");
    assert!(slower.confidence < Confidence::High);
}

#[test]
fn the_shape_of_day_and_week_is_followed() {
    // Work from hour 8 to 16 of the day; what is left is used up in the fourth hour of work tomorrow.
    let f = of(&falling(168, 4.0, |h| if (8..16).contains(&(h % 24)) { 1.0 } else { 0.0 }));
    near(f.days_left, 12.0 / 24.0, 0.02);
    // Two quiet days come before the seven are over: the same amount lasts longer.
    let level = |quiet: std::ops::Range<usize>| {
        of(&falling(168, 100.0, move |h| if quiet.contains(&h) { 0.05 } else { 1.0 })).days_left.unwrap()
    };
    assert!(level(24..72) > level(120..168) + 1.0, "{} {}", level(24..72), level(120..168));
}

fn level() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 0.0..1_000.0,
        1 => prop_oneof![Just(0.0), Just(-1.0), Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN_POSITIVE)],
    ]
}

fn instant() -> impl Strategy<Value = i64> {
    prop_oneof![9 => NOW.0 - 15 * DAY..NOW.0 + DAY, 1 => any::<i64>()]
}

proptest! {
    #[test]
    fn whatever_the_history_the_answer_makes_sense(
        points in prop::collection::vec((instant(), 0..DAY, level(), prop::option::of(level())), 0..60),
        in_order in any::<bool>(),
        (now, resets_at, expires_at) in (instant(), prop::option::of(instant()), prop::option::of(instant())),
    ) {
        let mut history: Vec<Point> = points
            .into_iter()
            .map(|(at, long, remaining, total)| {
                Point { at: Timestamp(at), until: Timestamp(at).plus(long), remaining, total }
            })
            .collect();
        if in_order {
            history.sort_by_key(|p| p.at);
        }
        let resets_at = resets_at.map(Timestamp);
        let expires_at = expires_at.map(Timestamp);
        let f = forecast(&Outlook { history: &history, now: Timestamp(now), resets_at, expires_at, unlimited: false });
        prop_assert_eq!(f.days_left.is_some(), f.empties_at.is_some());
        prop_assert_eq!(f.days_left == Some(0.0), f.note == Note::Empty);
        prop_assert_eq!(f.confidence == Confidence::Accumulating, f.note == Note::Accumulating);
        if let Some(days) = f.days_left {
            let (low, high) = (f.low.unwrap(), f.high.unwrap());
            prop_assert!(days.is_finite() && 0.0 <= low && low <= days && days <= high, "{:?}", f);
        }
        prop_assert!(f.burn_per_day.is_none_or(|burn| burn >= 0.0 && burn.is_finite()), "{:?}", f);
    }

    #[test]
    fn neither_unit_nor_time_matters(scale in 1e-6..1e9, shift in 0..1_000_i64, seed in prop::collection::vec(0.1..3.0, 168)) {
        let levels = falling(168, 240.0, |h| seed[h]);
        let plain = of(&levels);
        let mut history = hourly(&levels.iter().map(|l| l * scale).collect::<Vec<_>>());
        for p in &mut history {
            (p.at, p.until) = (p.at.plus(shift * DAY / 7), p.until.plus(shift * DAY / 7));
        }
        let now = NOW.plus(shift * DAY / 7);
        let moved = forecast(&Outlook { now, ..outlook(&history) });
        prop_assert!((moved.days_left.unwrap() / plain.days_left.unwrap() - 1.0).abs() < 1e-6);
        prop_assert_eq!((moved.note, moved.confidence), (plain.note, plain.confidence));
    }
}
