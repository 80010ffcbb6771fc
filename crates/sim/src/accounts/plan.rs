//! How an account lives: what it begins with, how it is used, and what fills it again.

use super::Amount;
use super::level::DAY;
use serde::Serialize;

/// How an account lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// When it was opened, epoch ms; nothing was used before.
    pub since_ms: i64,
    /// What there is to use.
    pub course: Course,
    /// How it is used.
    pub burn: Burn,
}

/// What there is to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// Paid beforehand.
    Prepaid {
        /// What was paid at the beginning; may be negative, which is a debt.
        start: Amount,
        /// Paid again at once when little is left.
        refill: Option<Refill>,
        /// Whether it goes on below zero; otherwise it stands at zero.
        overdraft: bool,
    },
    /// An allowance that begins anew.
    Allowance {
        /// Of every period.
        each: Amount,
        /// How long it lasts.
        period: Period,
        /// Whether more than the allowance may be used.
        overage: bool,
    },
    /// No limit.
    Unlimited,
}

impl Course {
    /// Whether there may be less than nothing.
    pub(crate) fn may_owe(self) -> bool {
        match self {
            Course::Prepaid { start, overdraft, .. } => overdraft || start < Amount::ZERO,
            Course::Allowance { overage, .. } => overage,
            Course::Unlimited => false,
        }
    }
}

/// A top-up: as soon as less than `below` is left, `add` is paid, as often as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refill {
    /// The level never stays below this.
    pub below: Amount,
    /// What one top-up adds; more than zero.
    pub add: Amount,
}

/// A period, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
    /// Spans of this length, one of which begins at `from_ms` (epoch ms).
    Every {
        /// Length in ms, more than zero.
        ms: i64,
        /// Where one begins.
        from_ms: i64,
    },
}

/// How an account is used. Never backwards, so levels fall only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Burn {
    /// On a day of factor 1.
    pub per_day: Amount,
    /// Factor of each weekday, Monday first, in thousandths.
    pub weekday: [u16; 7],
    /// Greatest difference of a single day from its factor, in thousandths of it (1000 at most).
    pub noise: u16,
    /// Share of the days with a burst, in thousandths.
    pub burst_chance: u16,
    /// What a burst burns on top within two hours, in thousandths of `per_day`.
    pub burst_size: u16,
    /// Four fifths of a day between 8 and 20 o'clock UTC; otherwise even.
    pub office: bool,
}

impl Burn {
    /// The same every second.
    pub const fn steady(per_day: Amount) -> Burn {
        Burn { per_day, weekday: [1_000; 7], noise: 0, burst_chance: 0, burst_size: 0, office: false }
    }

    /// Busy on working days, quiet at the weekend, no day like the other, and a burst every three weeks.
    pub const fn lively(per_day: Amount) -> Burn {
        let weekday = [1_150, 1_250, 1_250, 1_200, 1_050, 600, 500];
        Burn { per_day, weekday, noise: 250, burst_chance: 48, burst_size: 900, office: true }
    }
}

impl Plan {
    /// Paid once, used up evenly.
    pub const fn steady(since_ms: i64, start: Amount, per_day: Amount) -> Plan {
        let course = Course::Prepaid { start, refill: None, overdraft: false };
        Plan { since_ms, course, burn: Burn::steady(per_day) }
    }

    /// Paid again whenever less than `below` is left, used as people do.
    pub const fn refilled(since_ms: i64, start: Amount, per_day: Amount, below: Amount, add: Amount) -> Plan {
        let course = Course::Prepaid { start, refill: Some(Refill { below, add }), overdraft: false };
        Plan { since_ms, course, burn: Burn::lively(per_day) }
    }

    /// An allowance of every month.
    pub const fn monthly(since_ms: i64, each: Amount, per_day: Amount) -> Plan {
        let course = Course::Allowance { each, period: Period::Month, overage: false };
        Plan { since_ms, course, burn: Burn::lively(per_day) }
    }

    /// Nothing left since the day before `since_ms`, of a hundred that lasted a day: of nothing paid at all some
    /// providers speak as of no limit.
    pub const fn exhausted(since_ms: i64) -> Plan {
        Plan::steady(since_ms - 2 * DAY, Amount::whole(100), Amount::whole(100))
    }

    /// Used beyond what was paid.
    pub const fn overdrawn(since_ms: i64, start: Amount, per_day: Amount) -> Plan {
        let course = Course::Prepaid { start, refill: None, overdraft: true };
        Plan { since_ms, course, burn: Burn::steady(per_day) }
    }

    /// Used, without any limit.
    pub const fn unlimited(since_ms: i64, per_day: Amount) -> Plan {
        Plan { since_ms, course: Course::Unlimited, burn: Burn::lively(per_day) }
    }
}
