//! Whether the last days burn at another rate than the days before, and which.

use super::rate::DAYS;

/// What the last days say beside the mean of the week.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    /// The rate to go on with, a day, where it is another than the mean of the week.
    pub(super) rate: Option<f64>,
    /// How many times longer it lasts if the last day or two are the new rate and not a weekend; 1 when they are like
    /// the others.
    pub(super) lull: f64,
}

impl Change {
    /// Of the burn of the last days (oldest first, known ones), the week before them when all of both is known, and the
    /// mean of the week.
    pub(super) fn of(days: &[f64], week_before: Option<&[f64; DAYS]>, rate: f64) -> Self {
        let before = week_before.filter(|_| days.len() == DAYS);
        let change = within_a_week(days).or_else(|| less_than_a_week_before(days, before?));
        let doubtful = change.is_none() && rate > 0.0;
        Self { rate: change, lull: if doubtful { lull(days, week_before, rate) } else { 1.0 } }
    }
}

/// Their mean; zero of none.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / (values.len() as f64).max(1.0)
}

/// The sum of their squared distances from the mean.
pub(super) fn squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean).powi(2)).sum()
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// How clearly two parts of `n` values differ, the later one of `k`: 0 not at all, 1 without doubt. `within` is what
/// the values differ by inside the parts (sum of squares), `step` the difference of the means.
fn clearness(step: f64, within: f64, k: usize, n: usize) -> f64 {
    let noise = within / (n - 2) as f64 * (1.0 / k as f64 + 1.0 / (n - k) as f64);
    let step = step * step;
    step / (step + 8.0 * noise) * (n as f64 - 2.0) / (n as f64 - 1.8)
}

/// Logarithm of each day's burn over that of the same weekday a week before; a day of next to nothing counts as a
/// twentieth of the mean.
fn growth(days: &[f64], before: &[f64; DAYS]) -> [f64; DAYS] {
    let some = 0.05 * (mean(days) + mean(before)) / 2.0;
    let mut growth = [0.0; DAYS];
    for ((out, day), before) in growth.iter_mut().zip(days).zip(before) {
        *out = ((day.max(0.0) + some) / (before.max(0.0) + some)).ln();
    }
    growth
}

/// The rate when two or more last days have clearly shrunk against the same weekdays a week before, and the days before
/// them have not: that is no weekend.
fn less_than_a_week_before(days: &[f64], before: &[f64; DAYS]) -> Option<f64> {
    const SHRUNK: f64 = -0.3;
    const CLEAR: f64 = 0.7;
    if !(mean(days) > 0.0 && mean(before) > 0.0) {
        return None;
    }
    let growth = growth(days, before);
    let parts = |k: usize| growth.split_at(DAYS - k);
    let within = |k: usize| squares(parts(k).0) + squares(parts(k).1);
    let k = (2..=5).filter(|k| most(parts(*k).1) < SHRUNK).min_by(|a, b| within(*a).total_cmp(&within(*b)))?;
    let step = mean(parts(k).1) - mean(parts(k).0);
    let clear = clearness(step, within(k), k, DAYS);
    let rate = mean(parts(k).1).exp() * mean(before);
    (step < SHRUNK && clear > CLEAR).then(|| clear * rate + (1.0 - clear) * mean(days))
}

/// How many times less the last day or two burnt than the rate, when they lie below all days before them: a weekend or
/// a change, nobody can tell yet. 1 otherwise, 4 at most.
fn lull(days: &[f64], week_before: Option<&[f64; DAYS]>, rate: f64) -> f64 {
    let below = |k: usize| {
        let (before, last) = days.split_at(days.len() - k);
        let as_ever =
            week_before.is_some_and(|week| week[DAYS - k..].iter().sum::<f64>() < 1.3 * last.iter().sum::<f64>());
        (before.len() >= 3 && !as_ever && 1.3 * most(last) < least(before)).then(|| mean(last))
    };
    let low = (1..=2.min(days.len())).filter_map(below).fold(rate, f64::min);
    if low > 0.25 * rate {
        rate / low
    } else if rate > 0.0 {
        4.0
    } else {
        1.0
    }
}

/// The rate when the last days all lie above (or three or more all below) every day before them. Ranks, so that neither
/// a burst nor a weekend makes a change; the clearer the two parts differ, the less the days before count.
fn within_a_week(days: &[f64]) -> Option<f64> {
    const ABOVE: [f64; 5] = [1.4, 1.2, 1.1, 1.1, 1.1];
    let n = days.len();
    let mut best: Option<(f64, usize)> = None;
    for k in (1..=5).filter(|k| k + 2 <= n) {
        let (before, last) = days.split_at(n - k);
        // A weekend before Monday is no change: the days before must be alike, but for the one it happened in.
        let (alike, _) = before.split_at(before.len() - 1);
        let up =
            (k + 3 <= n || n == 3) && least(last) > ABOVE[k - 1] * most(before) && most(alike) <= 2.0 * least(alike);
        let down = k >= 3 && 1.3 * most(last) < least(before) && most(last) < 1.5 * least(last);
        let within = squares(before) + squares(last);
        if (up || down) && best.is_none_or(|(least, _)| within < least) {
            best = Some((within, k));
        }
    }
    let (within, k) = best?;
    let (before, last) = days.split_at(n - k);
    let clear = clearness(mean(last) - mean(before), within, k, n);
    Some(clear * mean(last) + (1.0 - clear) * mean(days))
}
