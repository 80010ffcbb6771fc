//! How often something is renewed, and on which days. Pure: dates are arguments.

use jiff::Span;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A cycle and the day within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cycle {
    /// Every week; 1 is Monday, 7 is Sunday.
    Weekly(i8),
    /// Every month on the 1st to 31st; in a shorter month on its last day.
    Monthly(i8),
    /// Every year on a day of a month; 29 February is the 28th in years without it.
    Yearly(i8, i8),
}

/// The word of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CycleType {
    /// A day of the week.
    Weekly,
    /// A day of the month.
    Monthly,
    /// A month and a day.
    Yearly,
}

impl CycleType {
    /// The word in tables, JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }

    /// Reads what [`CycleType::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Weekly, Self::Monthly, Self::Yearly].into_iter().find(|c| c.as_str() == text)
    }
}

impl Cycle {
    /// From the word and the number of the day: 1–7, 1–31, or MMDD (`229` is 29 February). Says what is wrong with it.
    pub fn new(cycle: CycleType, day: i64) -> Result<Self, String> {
        let within = |range: std::ops::RangeInclusive<i64>| {
            let small = i8::try_from(day).ok().filter(|_| range.contains(&day));
            small.ok_or_else(|| {
                format!("renewal_day of a {} cycle must be {}..{}", cycle.as_str(), range.start(), range.end())
            })
        };
        match cycle {
            CycleType::Weekly => within(1..=7).map(Self::Weekly),
            CycleType::Monthly => within(1..=31).map(Self::Monthly),
            CycleType::Yearly => {
                let wrong = || "renewal_day of a yearly cycle must be a date as MMDD, 101..1231".to_owned();
                let (month, day) = (i8::try_from(day / 100), i8::try_from(day % 100));
                let (Ok(month), Ok(day)) = (month, day) else { return Err(wrong()) };
                // 2024 has a 29 February.
                Date::new(2024, month, day).map_err(|_| wrong())?;
                Ok(Self::Yearly(month, day))
            }
        }
    }

    /// The word.
    pub const fn kind(self) -> CycleType {
        match self {
            Self::Weekly(_) => CycleType::Weekly,
            Self::Monthly(_) => CycleType::Monthly,
            Self::Yearly(..) => CycleType::Yearly,
        }
    }

    /// The number of the day, as [`Cycle::new`] takes it.
    pub fn day(self) -> i64 {
        match self {
            Self::Weekly(day) | Self::Monthly(day) => i64::from(day),
            Self::Yearly(month, day) => i64::from(month) * 100 + i64::from(day),
        }
    }

    /// The first renewal day that is not before `date`; `None` beyond the calendar's end.
    pub fn next(self, date: Date) -> Option<Date> {
        if let Self::Weekly(day) = self {
            let ahead = (day - date.weekday().to_monday_one_offset()).rem_euclid(7);
            return date.checked_add(Span::new().days(ahead)).ok();
        }
        let this = self.in_the_period_of(date)?;
        if this >= date { Some(this) } else { self.in_the_period_of(self.step(date.first_of_month(), 1)?) }
    }

    /// The last renewal day that is not after `date`; `None` before the calendar's beginning.
    pub fn last(self, date: Date) -> Option<Date> {
        if let Self::Weekly(day) = self {
            let back = (date.weekday().to_monday_one_offset() - day).rem_euclid(7);
            return date.checked_sub(Span::new().days(back)).ok();
        }
        let this = self.in_the_period_of(date)?;
        if this <= date { Some(this) } else { self.in_the_period_of(self.step(date.first_of_month(), -1)?) }
    }

    /// The renewal days from `from` to `to`, both included, in order.
    pub fn between(self, from: Date, to: Date) -> impl Iterator<Item = Date> {
        std::iter::successors(self.next(from), move |d| self.next(d.tomorrow().ok()?)).take_while(move |d| *d <= to)
    }

    /// The renewal day of the month or year that `date` lies in.
    fn in_the_period_of(self, date: Date) -> Option<Date> {
        let (month, day) = match self {
            Self::Weekly(_) => return None,
            Self::Monthly(day) => (date.month(), day),
            Self::Yearly(month, day) => (month, day),
        };
        let first = Date::new(date.year(), month, 1).ok()?;
        Date::new(date.year(), month, day.min(first.days_in_month())).ok()
    }

    /// The same day so many months or years away.
    fn step(self, first_of_month: Date, periods: i8) -> Option<Date> {
        let span = match self {
            Self::Weekly(_) => Span::new().weeks(periods),
            Self::Monthly(_) => Span::new().months(periods),
            Self::Yearly(..) => Span::new().years(periods),
        };
        first_of_month.checked_add(span).ok()
    }

    /// Days of one cycle, about.
    const fn length(self) -> i64 {
        match self {
            Self::Weekly(_) => 7,
            Self::Monthly(_) => 30,
            Self::Yearly(..) => 365,
        }
    }

    /// Which renewal day a payment on `date` is for, when reminders begin `ahead` days before: up to a tenth of a
    /// cycle late is late, within the reminders is early, else it is for the nearer one.
    pub fn paid_for(self, date: Date, ahead: i64) -> Option<Date> {
        let last = self.last(date)?;
        let since = days_between(last, date);
        if since <= (self.length() / 10).max(1) {
            return Some(last);
        }
        let Some(next) = self.next(date) else { return Some(last) };
        let until = days_between(date, next);
        Some(if until <= ahead || until <= since { next } else { last })
    }
}

/// Days from one date to another; negative when the other is earlier.
pub fn days_between(from: Date, to: Date) -> i64 {
    // A span of days between dates fits; the default unit of `until` is days.
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}
