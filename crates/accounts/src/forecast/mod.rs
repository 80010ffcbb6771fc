//! Days left: how long what remains lasts at the burn of the last seven days.
//!
//! In five steps, all pure: [`steps`] makes burn of the history and sets aside what is not (top-ups, resets, glitches,
//! stretches nobody saw); [`rate`] folds the burn of the last week into a rate per day, a shape over the day and the
//! week, and how much it varies; [`change`] asks whether the last days are another rate; [`walk`] runs that forward
//! until nothing is left; this file says what it means.
//!
//! Unknown time is left out, never taken as time without burn: a gap, the interval of a top-up, a stretch at zero.

mod change;
mod rate;
mod steps;
mod walk;

use model::{HOUR, MINUTE, Timestamp};
use rate::Burn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steps::Steps;

const DAY: i64 = 24 * HOUR;

/// A day of history, give or take a read, of which half is known: less says nothing about a day.
const ENOUGH: i64 = 23 * HOUR;
const ENOUGH_SEEN: f64 = 11.5;

/// The last read is old: what has become of the level since is a guess.
const STALE: i64 = 36 * HOUR;

/// Days after which nobody waits for the end: a hundred years.
const NEVER: f64 = 36_525.0;

/// The quantile of the normal distribution that leaves 80 % between `low` and `high`.
const EIGHTY_PERCENT: f64 = 1.2816;

/// A stretch of reads that all showed the same level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The first read of it.
    pub at: Timestamp,
    /// The last read of it; `at` when there was one.
    pub until: Timestamp,
    /// What was left, in the account's unit.
    pub remaining: f64,
    /// What there was to begin with, where the provider says so; tells a top-up from burn.
    pub total: Option<f64>,
}

/// What a forecast is made of.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'a> {
    /// Oldest first. Seven days make the rate, fourteen tell a weekend from a change, more only help to find a period
    /// of resets.
    pub history: &'a [Point],
    /// The instant days are counted from.
    pub now: Timestamp,
    /// When the provider says that the allowance comes back.
    pub resets_at: Option<Timestamp>,
    /// When what is left is gone in any case; an instant that is past is not regarded.
    pub expires_at: Option<Timestamp>,
    /// The provider says that there is no limit.
    pub unlimited: bool,
}

/// How far a forecast may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ForecastConfidence")]
pub enum Confidence {
    /// Not enough history yet: no number is given.
    Accumulating,
    /// Little history, a stale last read, or burn that comes in few large pieces.
    Low,
    /// Some days of history.
    Medium,
    /// A week of history and even burn.
    High,
}

impl Confidence {
    /// The word in the API and the messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accumulating => "accumulating",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    const fn lowered(self) -> Self {
        match self {
            Self::High => Self::Medium,
            Self::Accumulating => Self::Accumulating,
            Self::Medium | Self::Low => Self::Low,
        }
    }
}

/// What the numbers of a forecast mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ForecastNote")]
pub enum Note {
    /// It burns, and will be empty at `empties_at`.
    Burning,
    /// It burns, but the last read is more than 36 hours old.
    Stale,
    /// The allowance comes back before it is used up: no cause for alarm.
    ResetsBefore,
    /// What is left is gone by expiry before it is used up.
    ExpiresBefore,
    /// Nothing was used in the time seen, or so little that it lasts a hundred years.
    NotBurning,
    /// Not enough history yet.
    Accumulating,
    /// There is no limit.
    Unlimited,
    /// Nothing is left now.
    Empty,
}

impl Note {
    /// The word in the API and the messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Burning => "burning",
            Self::Stale => "stale",
            Self::ResetsBefore => "resets_before",
            Self::ExpiresBefore => "expires_before",
            Self::NotBurning => "not_burning",
            Self::Accumulating => "accumulating",
            Self::Unlimited => "unlimited",
            Self::Empty => "empty",
        }
    }
}

/// How long what remains lasts. Days are of 24 hours, from `Outlook::now`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
    /// Days until it is empty or expired; `None` when that is unknown or never. Zero only when nothing is left.
    pub days_left: Option<f64>,
    /// In one case of ten it is fewer days than this.
    pub low: Option<f64>,
    /// In one case of ten it is more days than this.
    pub high: Option<f64>,
    /// Mean burn a day, in the account's unit; `None` while accumulating.
    pub burn_per_day: Option<f64>,
    /// How far this may be trusted.
    pub confidence: Confidence,
    /// The instant `days_left` points to.
    pub empties_at: Option<Timestamp>,
    /// What the numbers mean.
    pub note: Note,
}

impl Forecast {
    /// The days a threshold `days_left < N` is held against; `None` where the allowance comes back in time or nothing
    /// is known, so that neither raises an alarm.
    pub fn alarm_days(&self) -> Option<f64> {
        self.days_left.filter(|_| self.note != Note::ResetsBefore)
    }

    const fn without_days(note: Note, confidence: Confidence, burn_per_day: Option<f64>) -> Self {
        Self { days_left: None, low: None, high: None, burn_per_day, confidence, empties_at: None, note }
    }
}

/// How long what remains lasts.
pub fn forecast(o: &Outlook<'_>) -> Forecast {
    if o.unlimited {
        return Forecast::without_days(Note::Unlimited, Confidence::High, None);
    }
    let Some(steps) = Steps::of(o.history, o.now) else {
        return Forecast::without_days(Note::Accumulating, Confidence::Accumulating, None);
    };
    let burn = Burn::of(&steps);
    let known = enough(&steps, &burn).then_some(burn.per_day);
    if steps.level <= 0.0 {
        return Forecast {
            days_left: Some(0.0),
            low: Some(0.0),
            high: Some(0.0),
            empties_at: Some(steps.level_since),
            ..Forecast::without_days(Note::Empty, Confidence::High, known)
        };
    }
    let days = walk::days(steps.level, &burn);
    let reset = next_reset(o, &steps);
    let f = if days <= NEVER { burning(o, &steps, &burn, days, reset) } else { idle(&steps, &burn) };
    expiry(o, f, reset)
}

fn enough(steps: &Steps, burn: &Burn) -> bool {
    steps.end.0.saturating_sub(steps.reaches_from.0) >= ENOUGH && burn.seen_hours() >= ENOUGH_SEEN
}

fn idle(steps: &Steps, burn: &Burn) -> Forecast {
    match burn.seen_hours() {
        _ if !enough(steps, burn) => Forecast::without_days(Note::Accumulating, Confidence::Accumulating, None),
        h if h < 3.0 * 24.0 => Forecast::without_days(Note::NotBurning, Confidence::Low, Some(burn.per_day)),
        h if h < 6.0 * 24.0 => Forecast::without_days(Note::NotBurning, Confidence::Medium, Some(burn.per_day)),
        _ => Forecast::without_days(Note::NotBurning, Confidence::High, Some(burn.per_day)),
    }
}

fn burning(o: &Outlook<'_>, steps: &Steps, burn: &Burn, days: f64, reset: Option<Timestamp>) -> Forecast {
    let seen = burn.seen_hours() / 24.0;
    // Before a day is full, only what will happen within the time already seen, more or less, may be said.
    let soon = steps.changes >= 4 && seen >= 0.125 && days <= 2.0 * seen;
    if !enough(steps, burn) && !soon {
        return Forecast::without_days(Note::Accumulating, Confidence::Accumulating, None);
    }
    let spread = burn.spread(days);
    let age = days_between(steps.end, o.now);
    let from_now = |d: f64| (d - age).max(MINUTE as f64 / DAY as f64);
    let days_left = from_now(days);
    let stale = o.now.0.saturating_sub(steps.end.0) > STALE;
    let confidence = trust(seen, spread, burn);
    let empties_at = moved(o.now, days_left);
    Forecast {
        days_left: Some(days_left),
        low: Some(from_now(days * (-EIGHTY_PERCENT * spread).exp())),
        high: Some(from_now(days * (EIGHTY_PERCENT * spread).exp().max(burn.lull))),
        burn_per_day: Some(burn.per_day),
        confidence: if stale { confidence.lowered() } else { confidence },
        empties_at: Some(empties_at),
        note: match reset {
            Some(reset) if reset <= empties_at => Note::ResetsBefore,
            _ if stale => Note::Stale,
            _ => Note::Burning,
        },
    }
}

fn trust(seen_days: f64, spread: f64, burn: &Burn) -> Confidence {
    if seen_days >= 5.0 && spread <= 0.18 && !burn.changed && burn.lull <= 1.0 {
        Confidence::High
    } else if seen_days >= 2.5 && spread <= 0.5 {
        Confidence::Medium
    } else {
        Confidence::Low
    }
}

/// The provider's word when it lies ahead, else the next beat of the period found in the history.
fn next_reset(o: &Outlook<'_>, steps: &Steps) -> Option<Timestamp> {
    if let Some(stated) = o.resets_at.filter(|at| *at > o.now) {
        return Some(stated);
    }
    let (last, period) = steps.period?;
    let beats = o.now.0.saturating_sub(last.0).div_euclid(period) + 1;
    // A beat that did not come is not believed in any longer.
    (beats <= 2).then(|| last.plus(beats.saturating_mul(period)))
}

/// What is left is gone at expiry, burnt or not. An expiry that is past and after which something is left was none.
fn expiry(o: &Outlook<'_>, f: Forecast, reset: Option<Timestamp>) -> Forecast {
    let Some(expires) = o.expires_at.filter(|at| *at > o.now) else { return f };
    let burnt_before = f.empties_at.is_some_and(|empties| empties <= expires);
    let reset_before = f.note == Note::ResetsBefore && reset.is_some_and(|reset| reset <= expires);
    if f.note == Note::Accumulating || burnt_before || reset_before {
        return f;
    }
    let days = days_between(o.now, expires);
    Forecast {
        days_left: Some(days),
        low: Some(f.low.map_or(days, |low| low.min(days))),
        high: Some(days),
        empties_at: Some(expires),
        note: Note::ExpiresBefore,
        ..f
    }
}

fn days_between(from: Timestamp, to: Timestamp) -> f64 {
    to.0.saturating_sub(from.0) as f64 / DAY as f64
}

fn moved(from: Timestamp, days: f64) -> Timestamp {
    from.plus((days * DAY as f64).round() as i64)
}
