//! What is left at an instant: a pure function of (plan, seed, time).

use super::Amount;
use super::plan::{Burn, Course, Period, Plan};
use crate::rng::hash;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

pub(crate) const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
/// How far ahead the end of an account is looked for, days.
const HORIZON: i64 = 730;

/// What is left at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// What is left; none without a limit.
    pub remaining: Option<Amount>,
    /// What was paid or allowed in all, of the period or since the beginning; none without a limit.
    pub total: Option<Amount>,
    /// What was used of it.
    pub used: Amount,
    /// Begin and end of the period, epoch ms.
    pub period: Option<(i64, i64)>,
}

impl Burn {
    /// What is used from `from_ms` to `to_ms`, in millionths; zero when that is no span.
    pub(crate) fn between(&self, seed: u64, from_ms: i64, to_ms: i64) -> i128 {
        if to_ms <= from_ms || self.per_day == Amount::ZERO {
            return 0;
        }
        let (first, last) = (from_ms.div_euclid(DAY), to_ms.div_euclid(DAY));
        let whole: i128 = (first..last).map(|day| self.of_day(seed, day, DAY)).sum();
        whole + self.of_day(seed, last, to_ms.rem_euclid(DAY)) - self.of_day(seed, first, from_ms.rem_euclid(DAY))
    }

    /// What is used in the first `ms` of a day (days since 1970).
    fn of_day(&self, seed: u64, day: i64, ms: i64) -> i128 {
        let draw = hash(&[seed, day as u64, 0xb0_57]);
        // 1970-01-01 was a Thursday.
        let weekday = i64::from(self.weekday[(day + 3).rem_euclid(7) as usize]);
        let spread = (draw % 2_001) as i64 - 1_000;
        let factor = weekday * (1_000_000 + spread * i64::from(self.noise.min(1_000)));
        let even = portion(self.per_day, factor, 1_000_000_000);
        let part = match ms {
            DAY => even,
            _ => even * i128::from(if self.office { office(ms) } else { ms }) / i128::from(DAY),
        };
        if (draw >> 16) % 1_000 >= u64::from(self.burst_chance) {
            return part;
        }
        let begin = ((draw >> 32) % 22) as i64 * HOUR;
        let burst = portion(self.per_day, i64::from(self.burst_size), 1_000);
        part + burst * i128::from((ms - begin).clamp(0, 2 * HOUR)) / i128::from(2 * HOUR)
    }
}

/// `factor` of so many parts of an amount. Most fit into words, which are much faster to divide.
fn portion(amount: Amount, factor: i64, parts: i64) -> i128 {
    match amount.as_micros().checked_mul(factor) {
        Some(product) => i128::from(product / parts),
        None => amount.wide() * i128::from(factor) / i128::from(parts),
    }
}

/// The ms of an even day that burn as much as the first `ms` of a day at the office.
fn office(ms: i64) -> i64 {
    let (morning, noon) = (8 * HOUR, 12 * HOUR);
    let before = ms.min(morning) * (DAY / 10) / morning;
    let at_work = (ms - morning).clamp(0, noon) * (DAY * 8 / 10) / noon;
    let after = (ms - morning - noon).clamp(0, 4 * HOUR) * (DAY / 10) / (4 * HOUR);
    before + at_work + after
}

impl Period {
    /// Begin and end of the period that holds an instant, epoch ms.
    pub fn around(self, at_ms: i64) -> (i64, i64) {
        let begin_of_day = at_ms.div_euclid(DAY) * DAY;
        match self {
            Period::Day => (begin_of_day, begin_of_day + DAY),
            Period::Week => {
                let begin = begin_of_day - (at_ms.div_euclid(DAY) + 3).rem_euclid(7) * DAY;
                (begin, begin + 7 * DAY)
            }
            Period::Every { ms, from_ms } => {
                let begin = from_ms + (at_ms - from_ms).div_euclid(ms.max(1)) * ms.max(1);
                (begin, begin + ms.max(1))
            }
            Period::Month => {
                let now = Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned(TimeZone::UTC);
                let first = now.date().first_of_month();
                let next = first.checked_add(Span::new().months(1)).unwrap_or(first);
                let ms = |date: jiff::civil::Date| date.to_zoned(TimeZone::UTC).map(|z| z.timestamp().as_millisecond());
                (ms(first).unwrap_or(begin_of_day), ms(next).unwrap_or(begin_of_day + 31 * DAY))
            }
        }
    }
}

impl Plan {
    /// The level at an instant (epoch ms), rounded down to so many decimal places.
    pub fn level(&self, seed: u64, at_ms: i64, places: u8) -> Level {
        let burned = |from_ms: i64| self.burn.between(seed, from_ms.max(self.since_ms), at_ms);
        let level = |total: i128, left: i128, period| {
            let (total, left) = (Amount::narrow(total).floor(places), Amount::narrow(left).floor(places));
            let used = Amount::narrow(total.wide() - left.wide());
            Level { remaining: Some(left), total: Some(total), used, period }
        };
        match self.course {
            Course::Unlimited => {
                let used = Amount::narrow(burned(self.since_ms)).floor(places);
                Level { remaining: None, total: None, used, period: None }
            }
            Course::Prepaid { start, refill, overdraft } => {
                let bare = start.wide() - burned(self.since_ms);
                let added = refill.map_or(0, |refill| {
                    let short = (refill.below.wide() - bare).max(0);
                    let add = refill.add.wide().max(1);
                    (short + add - 1) / add * add
                });
                let left = bare + added;
                // Who begins with a debt stays in it.
                let least = if overdraft { i128::MIN } else { start.wide().min(0) };
                level(start.wide() + added, left.max(least), None)
            }
            Course::Allowance { each, period, overage } => {
                let span = period.around(at_ms);
                let left = each.wide() - burned(span.0);
                level(each.wide(), if overage { left } else { left.max(0) }, Some(span))
            }
        }
    }

    /// The first instant from `at_ms` on at which nothing is left: `at_ms` itself when that is so now; none when a
    /// top-up, a new period or the end of what is looked at (730 days) comes before.
    pub fn empties_at(&self, seed: u64, at_ms: i64, places: u8) -> Option<i64> {
        let empty = |ms: i64| self.level(seed, ms, places).remaining.is_some_and(|left| left <= Amount::ZERO);
        if empty(at_ms) {
            return Some(at_ms);
        }
        let end = match self.course {
            Course::Unlimited | Course::Prepaid { refill: Some(_), .. } => return None,
            Course::Allowance { period, .. } => period.around(at_ms).1 - 1,
            Course::Prepaid { .. } => at_ms + HORIZON * DAY,
        };
        if self.burn.per_day == Amount::ZERO || !empty(end) {
            return None;
        }
        let (mut full, mut gone) = (at_ms, end);
        while gone - full > 1 {
            let middle = full + (gone - full) / 2;
            if empty(middle) { gone = middle } else { full = middle }
        }
        Some(gone)
    }
}
