//! When an account is looked at next. Pure.

use crate::reading::Reading;
use model::Timestamp;
use rust_decimal::Decimal;
use std::time::Duration;

const MINUTE: i64 = 60_000;
/// Everybody's jobs run at :00 and :30, and some services say no to them then (Feishu 11232).
const HALF_HOUR: i64 = 30 * MINUTE;
/// How far from :00 and :30 a look keeps.
const CROWDED: i64 = MINUTE;
/// An allowance that came back is looked at this long after its time.
const AFTER_RESET: i64 = 5_000;
/// The longest pause after failures; the interval bounds it too.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// A number in 0..1 that differs from account to account and from look to look, and is the same when asked again.
fn spread(id: i64, now: Timestamp) -> f64 {
    let mut x = (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (now.0 as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    x ^= x >> 32;
    x = x.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    x ^= x >> 32;
    (x >> 11) as f64 / (1u64 << 53) as f64
}

/// An interval later, a tenth earlier or later by turns, off :00 and :30.
pub fn next_look(id: i64, interval: Duration, now: Timestamp) -> Timestamp {
    let step = interval.as_secs_f64() * (0.9 + 0.2 * spread(id, now));
    off_the_crowd(now + Duration::from_secs_f64(step), spread(id, now))
}

fn off_the_crowd(at: Timestamp, spread: f64) -> Timestamp {
    let into = at.0.rem_euclid(HALF_HOUR);
    if (CROWDED..=HALF_HOUR - CROWDED).contains(&into) {
        return at;
    }
    let ahead = if into < CROWDED { CROWDED - into } else { HALF_HOUR - into + CROWDED };
    at.plus(ahead + (spread * 4.0 * MINUTE as f64) as i64)
}

/// The next look after a good one: when something is used up and says when it comes back, right after that, if it is
/// sooner.
pub fn after_reading(id: i64, interval: Duration, reading: &Reading, now: Timestamp) -> Timestamp {
    let usual = next_look(id, interval, now);
    match back_at(reading, now) {
        Some(back) => usual.min(back.plus(AFTER_RESET + (spread(id, now) * 10_000.0) as i64)),
        None => usual,
    }
}

/// When what is used up comes back, if it says so and the time is ahead.
pub fn back_at(reading: &Reading, now: Timestamp) -> Option<Timestamp> {
    let windows = reading.windows.iter().filter(|w| w.used_ratio >= Decimal::ONE).filter_map(|w| w.resets_at);
    let period = reading.period_end.filter(|_| reading.remaining.is_some_and(|left| left <= Decimal::ZERO));
    windows.chain(period).filter(|at| *at > now).min()
}

/// The next look after a failed one: as asked, otherwise after a minute, two, four … up to the interval.
pub fn after_failure(failures: u32, asked: Option<Duration>, interval: Duration, id: i64, now: Timestamp) -> Timestamp {
    let pause = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(interval.min(LONGEST_PAUSE));
    let jittered = pause.mul_f64(0.9 + 0.2 * spread(id, now));
    // What was asked for is a floor and is not cut.
    now + asked.map_or(jittered, |asked| asked.max(jittered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Window;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn looks_are_spread_and_keep_off_the_full_and_half_hours() {
        let now = at("2026-11-21T12:03:00Z");
        let all: Vec<Timestamp> = (1..2000).map(|id| next_look(id, HOUR, now)).collect();
        let (first, last) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!(*first >= now.plus(54 * MINUTE) && *last <= now.plus(71 * MINUTE), "{first} {last}");
        for t in &all {
            let into = t.0.rem_euclid(HALF_HOUR);
            assert!((CROWDED..=HALF_HOUR - CROWDED).contains(&into), "{t}");
        }
        let mut fullest = std::collections::HashMap::new();
        all.iter().for_each(|t| *fullest.entry(t.0 / MINUTE).or_insert(0) += 1);
        assert!(*fullest.values().max().unwrap() < 400, "{fullest:?}");
        assert_eq!(next_look(7, HOUR, now), next_look(7, HOUR, now));
    }

    #[test]
    fn what_is_used_up_is_looked_at_right_after_it_comes_back() {
        let now = at("2026-11-21T12:03:00Z");
        let back = at("2026-11-21T12:20:00Z");
        let window = |used, resets_at| Window { name: "five_hour".into(), used_ratio: used, resets_at };
        let full = Reading { windows: vec![window(Decimal::ONE, Some(back))], ..Reading::default() };
        let next = after_reading(1, HOUR, &full, now);
        assert!(next > back && next < back.plus(20_000), "{next}");
        for other in [
            Reading { windows: vec![window(Decimal::new(99, 2), Some(back))], ..Reading::default() },
            Reading { windows: vec![window(Decimal::ONE, None)], ..Reading::default() },
            Reading { windows: vec![window(Decimal::ONE, Some(at("2026-11-21T12:00:00Z")))], ..Reading::default() },
            Reading { remaining: Some(Decimal::ONE), period_end: Some(back), ..Reading::default() },
        ] {
            assert_eq!(after_reading(1, HOUR, &other, now), next_look(1, HOUR, now));
        }
        let empty = Reading { remaining: Some(Decimal::ZERO), period_end: Some(back), ..Reading::default() };
        assert!(after_reading(1, HOUR, &empty, now) < back.plus(20_000));
    }

    #[test]
    fn failures_wait_longer_each_time_and_what_was_asked_is_not_cut() {
        let now = at("2026-11-21T12:03:00Z");
        let wait = |failures, asked| after_failure(failures, asked, HOUR, 1, now).since(now);
        assert!(wait(1, None) < wait(2, None) && wait(2, None) < wait(3, None));
        assert!(wait(1, None) >= Duration::from_secs(54) && wait(50, None) <= Duration::from_secs(3961));
        assert_eq!(wait(1, Some(Duration::from_secs(4260))), Duration::from_secs(4260));
    }
}
