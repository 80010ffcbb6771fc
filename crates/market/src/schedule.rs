//! When an IP is crawled next. Pure.

use crate::options::ScheduleOptions;
use model::Timestamp;
use std::time::Duration;

/// What a crawl found, as far as the schedule cares.
#[derive(Clone, Copy, Debug, Default)]
pub struct Activity {
    /// The IP's first crawl: it counts nothing, so it says nothing of the pace.
    pub first: bool,
    /// Listings that appeared since the crawl before.
    pub inflow: i64,
    /// Listings that were bought since the crawl before.
    pub outflow: i64,
    /// A stream did not reach known ground.
    pub saturated: bool,
    /// Page limit of the on-sale stream.
    pub pages_on_sale: u32,
    /// Page limit of the sold stream.
    pub pages_sold: u32,
}

/// The interval of a weight: base / weight, within its bounds. Weights outside 0.1–10 are taken as the nearest bound.
pub fn interval_of_weight(weight: f64, options: &ScheduleOptions) -> Duration {
    let weight = if weight.is_finite() { weight.clamp(0.1, 10.0) } else { 1.0 };
    options.base_interval.div_f64(weight).clamp(options.min_interval, options.max_interval)
}

/// The weight an interval stands for: base / interval.
pub fn weight_of_interval(interval: Duration, options: &ScheduleOptions) -> f64 {
    options.base_interval.as_secs_f64() / interval.as_secs_f64().max(1.0)
}

/// The interval after a crawl: shorter when a page limit's worth of rows moved, longer when hardly anything did, else
/// a step back towards the base. A saturated crawl is followed by one as soon as may be.
pub fn adapt(interval: Duration, activity: &Activity, options: &ScheduleOptions) -> Duration {
    let (on_sale, sold) = (i64::from(activity.pages_on_sale), i64::from(activity.pages_sold));
    let next = if activity.saturated && !activity.first {
        options.min_interval
    } else if activity.first {
        interval
    } else if activity.inflow > 100 * on_sale || activity.outflow > 100 * sold {
        interval.saturating_sub(options.adapt_step)
    } else if activity.inflow < 50 * on_sale && activity.outflow < 3 * sold {
        interval + options.adapt_step
    } else if interval > options.base_interval {
        interval.saturating_sub(options.relax_step).max(options.base_interval)
    } else {
        (interval + options.relax_step).min(options.base_interval)
    };
    next.clamp(options.min_interval, options.max_interval)
}

/// The due time one interval after `from`, aligned up to the slot.
pub fn due_after(from: Timestamp, interval: Duration, slot: Duration) -> Timestamp {
    let due = (from + interval).millis();
    let slot = i64::try_from(slot.as_millis()).unwrap_or(0);
    if slot == 0 {
        return Timestamp(due);
    }
    Timestamp(due.div_euclid(slot) * slot + if due.rem_euclid(slot) == 0 { 0 } else { slot })
}

/// The pause after the `failures`-th failure in a row (1 = the first): doubling, capped at the longest interval; what
/// the upstream asked for is never cut short.
pub fn retry_after(failures: u32, asked: Option<Duration>, options: &ScheduleOptions) -> Duration {
    let doubled = options.retry_base.saturating_mul(1_u32 << failures.saturating_sub(1).min(16));
    let slow = if failures > options.max_retries { options.max_interval } else { doubled };
    slow.min(options.max_interval).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const M: u64 = 60;

    fn adapted(minutes: u64, inflow: i64, outflow: i64, saturated: bool) -> u64 {
        let activity = Activity { first: false, inflow, outflow, saturated, pages_on_sale: 5, pages_sold: 5 };
        adapt(Duration::from_secs(minutes * M), &activity, &ScheduleOptions::default()).as_secs() / M
    }

    #[test]
    fn a_busy_ip_is_crawled_sooner_and_a_quiet_one_later() {
        assert_eq!(adapted(120, 501, 0, false), 105);
        assert_eq!(adapted(120, 0, 501, false), 105);
        assert_eq!(adapted(105, 249, 14, false), 120);
        assert_eq!(adapted(105, 249, 15, false), 110);
        assert_eq!(adapted(60, 501, 501, false), 60);
        assert_eq!(adapted(120, 300, 300, true), 60);
    }

    #[test]
    fn the_first_crawl_says_nothing_of_the_pace() {
        let first = Activity { first: true, inflow: 9_000, saturated: true, ..Activity::default() };
        let two = Duration::from_secs(7_200);
        assert_eq!(adapt(two, &first, &ScheduleOptions::default()), two);
    }

    #[test]
    fn due_times_are_aligned_up_to_the_slot() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let (two, slot) = (Duration::from_secs(7_200), Duration::from_secs(900));
        let from = at("2026-11-21T10:00:01+09:00");
        assert_eq!(due_after(from, two, slot), at("2026-11-21T12:15:00+09:00"));
        assert_eq!(due_after(at("2026-11-21T10:00:00+09:00"), two, slot), at("2026-11-21T12:00:00+09:00"));
        assert_eq!(due_after(from, two, Duration::ZERO), at("2026-11-21T12:00:01+09:00"));
    }

    #[test]
    fn weights_stand_for_intervals() {
        let o = ScheduleOptions::default();
        assert_eq!(interval_of_weight(2.0, &o).as_secs(), 3_600);
        assert_eq!(interval_of_weight(0.5, &o).as_secs(), 7_200);
        assert_eq!(interval_of_weight(f64::NAN, &o).as_secs(), 7_200);
        assert!((weight_of_interval(Duration::from_secs(5_400), &o) - 4.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn retries_double_then_slow_down_and_honour_what_was_asked() {
        let o = ScheduleOptions::default();
        let pauses: Vec<u64> = (1..=5).map(|n| retry_after(n, None, &o).as_secs() / M).collect();
        assert_eq!(pauses, [1, 2, 4, 120, 120]);
        assert_eq!(retry_after(1, Some(Duration::from_secs(4_260)), &o).as_secs(), 4_260);
    }

    proptest! {
        #[test]
        fn the_interval_stays_within_its_bounds(start in 1u64..1_000, steps in prop::collection::vec((0i64..2_000, 0i64..2_000, any::<bool>()), 0..40)) {
            let o = ScheduleOptions::default();
            let mut interval = Duration::from_secs(start * M);
            for (inflow, outflow, saturated) in steps {
                let a = Activity { first: false, inflow, outflow, saturated, pages_on_sale: 5, pages_sold: 5 };
                interval = adapt(interval, &a, &o);
                prop_assert!(interval >= o.min_interval && interval <= o.max_interval);
            }
        }
    }
}
