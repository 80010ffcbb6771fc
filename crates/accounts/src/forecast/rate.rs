//! The burn of the last week: a rate, its shape over the day and the week, and how much it varies.

use super::change::{Change, squares};
use super::steps::{Steps, Stretch, WINDOW};
use model::{HOUR, Timestamp};

const HOURS: usize = 168;

/// How much of the shape of one week is taken to be that of every week.
const WEEK_SHOWS: f64 = 0.75;

/// Days of a week.
pub(super) const DAYS: usize = 7;

/// Burn folded by hours counted back from the last read, so that no time zone matters.
#[derive(Debug)]
pub(super) struct Burn {
    /// The rate to go on with, a day.
    pub(super) per_day: f64,
    /// Factor of each hour of the day ahead, mean 1.
    pub(super) by_hour: [f64; 24],
    /// Factor of each day of the week ahead, mean 1.
    pub(super) by_day: [f64; DAYS],
    /// The rate of the last days is not that of the days before.
    pub(super) changed: bool,
    /// How many times longer it lasts if the last day or two are the new rate; 1 when they are like the others.
    pub(super) lull: f64,
    /// Variance of a day's burn over the square of the rate.
    variation: f64,
    seen: f64,
}

/// Hour by hour, oldest first, the burn and the part of the hour it is known for.
struct Hours {
    burn: [f64; HOURS],
    seen: [f64; HOURS],
}

impl Hours {
    /// The hours of the week that ends so many weeks before the last read.
    fn of(steps: &Steps, weeks_ago: i64) -> Self {
        let mut hours = Self { burn: [0.0; HOURS], seen: [0.0; HOURS] };
        let start = steps.end.plus(-WINDOW * (weeks_ago + 1)).0;
        for stretch in &steps.stretches {
            hours.spread(stretch, start);
        }
        hours
    }

    fn spread(&mut self, stretch: &Stretch, start: i64) {
        let hour = HOUR as f64;
        let place = |at: Timestamp| at.0.saturating_sub(start) as f64 / hour;
        let (from, to) = (place(stretch.from), place(stretch.to));
        let end = HOURS as f64;
        if to <= from {
            let within = (0.0..=end).contains(&from);
            self.burn[(from.max(0.0) as usize).min(HOURS - 1)] += if within { stretch.burn } else { 0.0 };
            return;
        }
        let an_hour = stretch.burn / (to - from);
        let (mut at, to) = (from.max(0.0), to.min(end));
        while at < to {
            let bin = (at as usize).min(HOURS - 1);
            let edge = to.min((bin + 1) as f64);
            self.burn[bin] += an_hour * (edge - at);
            self.seen[bin] += edge - at;
            at = edge;
        }
    }

    /// Mean burn of each hour of the day; hours never seen take the mean of all.
    fn by_hour(&self) -> [f64; 24] {
        let seen: f64 = self.seen.iter().sum();
        let mean = if seen > 0.0 { self.burn.iter().sum::<f64>() / seen } else { 0.0 };
        let mut means = [0.0; 24];
        for (h, out) in means.iter_mut().enumerate() {
            let (burn, seen) =
                (h..HOURS).step_by(24).fold((0.0, 0.0), |(burn, seen), i| (burn + self.burn[i], seen + self.seen[i]));
            // A few minutes of an hour are no sample of it.
            *out = (burn + 0.05 * mean) / (seen + 0.05);
        }
        means
    }
}

/// Burn of each 24 hours, oldest first, missing hours filled in; `None` where less than half is known.
fn days(hours: &Hours, by_hour: &[f64; 24]) -> [Option<f64>; DAYS] {
    let mut days = [None; DAYS];
    for (d, out) in days.iter_mut().enumerate() {
        let (mut burn, mut seen, mut expected) = (0.0, 0.0, 0.0);
        for (h, mean) in by_hour.iter().enumerate() {
            let i = d * 24 + h;
            burn += hours.burn[i];
            seen += hours.seen[i];
            expected += mean * hours.seen[i].min(1.0);
        }
        let whole: f64 = by_hour.iter().sum();
        let missing = (whole - expected).max(0.0);
        *out = (seen >= 12.0).then_some(burn + missing);
    }
    days
}

impl Burn {
    pub(super) fn of(steps: &Steps) -> Self {
        let hours = Hours::of(steps, 0);
        let means = hours.by_hour();
        let rate: f64 = means.iter().sum();
        let seen: f64 = hours.seen.iter().sum();
        let days = days(&hours, &means);
        let known: Vec<f64> = days.iter().flatten().copied().collect();
        let before = week_before(steps);
        let Change { rate: recent, lull } = Change::of(&known, before.as_ref(), rate);
        // Where the rate changed within the week, the week before shows its shape better.
        let week = if recent.is_some() { before } else { whole(&days) };
        Self {
            per_day: recent.unwrap_or(rate).max(0.0),
            by_hour: shape(&means, 1.0),
            by_day: week.map_or([1.0; DAYS], |days| shape(&days, WEEK_SHOWS)),
            changed: recent.is_some(),
            lull,
            variation: variation(&hours, &means, &known, rate),
            seen,
        }
    }

    /// Hours of the last week that are known.
    pub(super) const fn seen_hours(&self) -> f64 {
        self.seen
    }

    /// Standard deviation of the logarithm of the days left: what varies on the way, and what the rate is not known by.
    pub(super) fn spread(&self, days: f64) -> f64 {
        let known = (self.seen / 24.0).max(0.1);
        (self.variation * (1.0 / days.max(0.05) + 1.0 / known)).sqrt().min(2.5)
    }
}

/// Factors of mean 1 that are as much above and below it as the values are, the difference taken by `weight`.
fn shape<const N: usize>(values: &[f64; N], weight: f64) -> [f64; N] {
    let mut out = [1.0; N];
    let sum: f64 = values.iter().map(|v| v.max(0.0)).sum();
    if sum > 0.0 {
        for (factor, value) in out.iter_mut().zip(values) {
            *factor = 1.0 + weight * (value.max(0.0) * N as f64 / sum - 1.0);
        }
    }
    out
}

fn whole(days: &[Option<f64>; DAYS]) -> Option<[f64; DAYS]> {
    days.iter().all(Option::is_some).then(|| days.map(|d| d.unwrap_or(0.0)))
}

/// The days of the week before the last, when all of it was seen.
fn week_before(steps: &Steps) -> Option<[f64; DAYS]> {
    if steps.reaches_from.0 > steps.end.plus(-2 * WINDOW + 12 * HOUR).0 {
        return None;
    }
    let hours = Hours::of(steps, 1);
    whole(&days(&hours, &hours.by_hour()))
}

/// Relative variance of a day: from the days, from the hours about their means, and from what is usual, weighted by
/// how many days there are.
fn variation(hours: &Hours, means: &[f64; 24], days: &[f64], rate: f64) -> f64 {
    if rate <= 0.0 {
        return 1.0;
    }
    // Before a week is full, the weekend may be yet to come.
    let usual: f64 = if days.len() >= 6 { 0.15 } else { 0.5 };
    let seen = (hours.seen.iter().sum::<f64>() / 24.0).max(1.0);
    // The mean of one day is that day: of few days it is drawn to the mean of all hours.
    let about = |i: usize| (means[i % 24] * (seen - 1.0) + rate / 24.0) / seen;
    let residual: f64 = (0..HOURS).map(|i| (hours.burn[i] - about(i) * hours.seen[i]).powi(2)).sum();
    let square = rate * rate;
    let from_hours = residual / seen / square;
    // One day is like the one before, so that seven tell no more than two or three independent ones.
    let from_days = 3.0 * squares(days) / square;
    (from_days + 2.0 * from_hours.max(usual * usual)) / ((days.len() as f64 - 1.0).max(0.0) + 2.0)
}
