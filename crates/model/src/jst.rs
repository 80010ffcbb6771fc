//! Buckets of the market's calendar: hours, days, weeks (Monday first) and months in JST (+09:00, no summer time).

use crate::time::{HOUR, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const JST: i64 = 9 * HOUR;
const DAY: i64 = 24 * HOUR;

/// A roll-up's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// 00:00 to 24:00 JST.
    Daily,
    /// Monday 00:00 to Monday 00:00 JST.
    Weekly,
    /// The 1st 00:00 to the next 1st 00:00 JST.
    Monthly,
}

impl Period {
    /// The name in tables and paths: `daily`, `weekly`, `monthly`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// The start of the period that contains `t`.
    pub fn start_of(self, t: Timestamp) -> Timestamp {
        match self {
            Self::Daily => day_start(t),
            Self::Weekly => week_start(t),
            Self::Monthly => month_start(t),
        }
    }
}

/// The start of the hour that contains `t`; JST hours are UTC hours.
pub const fn hour_start(t: Timestamp) -> Timestamp {
    Timestamp(t.0.div_euclid(HOUR) * HOUR)
}

/// 00:00 JST of the day that contains `t`.
pub const fn day_start(t: Timestamp) -> Timestamp {
    Timestamp((t.0 + JST).div_euclid(DAY) * DAY - JST)
}

/// Monday 00:00 JST of the week that contains `t` (1970-01-01 was a Thursday).
pub const fn week_start(t: Timestamp) -> Timestamp {
    let day = (t.0 + JST).div_euclid(DAY);
    let monday = day - (day + 3).rem_euclid(7);
    Timestamp(monday * DAY - JST)
}

/// 00:00 JST of the 1st of the month that contains `t`.
pub fn month_start(t: Timestamp) -> Timestamp {
    let date = jst_date(t);
    midnight_jst(date.first_of_month())
}

/// The start of the period after the one that starts at `start`.
pub fn next_period(period: Period, start: Timestamp) -> Timestamp {
    match period {
        Period::Daily => start.plus(DAY),
        Period::Weekly => start.plus(7 * DAY),
        Period::Monthly => {
            let last = jst_date(start).last_of_month();
            midnight_jst(last).plus(DAY)
        }
    }
}

fn jst_date(t: Timestamp) -> jiff::civil::Date {
    let offset = jiff::tz::offset(9);
    jiff::Timestamp::from_millisecond(t.0).map_or(jiff::civil::Date::ZERO, |t| offset.to_datetime(t).date())
}

fn midnight_jst(date: jiff::civil::Date) -> Timestamp {
    let at = date.to_datetime(jiff::civil::Time::midnight());
    jiff::tz::offset(9).to_timestamp(at).map_or(Timestamp(0), |t| Timestamp(t.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn buckets_start_where_the_japanese_calendar_does() {
        let t = at("2026-11-21T08:59:59+09:00"); // a Saturday
        assert_eq!(hour_start(t), at("2026-11-21T08:00:00+09:00"));
        assert_eq!(day_start(t), at("2026-11-21T00:00:00+09:00"));
        assert_eq!(week_start(t), at("2026-11-16T00:00:00+09:00"));
        assert_eq!(month_start(t), at("2026-11-01T00:00:00+09:00"));
        assert_eq!(week_start(at("2026-11-16T00:00:00+09:00")), at("2026-11-16T00:00:00+09:00"));
        assert_eq!(week_start(at("2026-11-15T23:59:59+09:00")), at("2026-11-09T00:00:00+09:00"));
    }

    #[test]
    fn a_period_ends_where_the_next_begins() {
        assert_eq!(next_period(Period::Monthly, at("2028-02-01T00:00:00+09:00")), at("2028-03-01T00:00:00+09:00"));
        assert_eq!(next_period(Period::Monthly, at("2026-12-01T00:00:00+09:00")), at("2027-01-01T00:00:00+09:00"));
        assert_eq!(next_period(Period::Daily, at("2026-12-31T00:00:00+09:00")), at("2027-01-01T00:00:00+09:00"));
    }
}
