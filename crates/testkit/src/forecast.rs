//! The days-left forecast against accounts whose end is known, beside straight lines and the burn of the last day.

mod family;

pub use family::{Case, FAMILIES, Family};

use accounts::forecast::{Confidence, Forecast, Outlook, Point, forecast};
use model::HOUR;
use std::ops::Range;

/// An answer that is missing, or worse than this, counts as this: a thousand per cent off.
const WORST: f64 = 10.0;

/// How one method fared.
#[derive(Clone, Debug, Default)]
pub struct Errors(Vec<f64>);

impl Errors {
    /// Notes an answer.
    pub fn add(&mut self, answer: Option<f64>, truth: f64) {
        self.0.push(answer.map_or(WORST, |days| ((days - truth) / truth).clamp(-1.0, WORST)));
    }

    /// Takes in those of another.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
        values.sort_unstable_by(f64::total_cmp);
        let at = ((values.len() as f64 - 1.0).max(0.0) * q).round() as usize;
        values.get(at).copied().unwrap_or(f64::NAN)
    }

    /// A quantile of |answer − truth| ÷ truth.
    pub fn off(&self, q: f64) -> f64 {
        Self::quantile(self.0.iter().map(|e| e.abs()).collect(), q)
    }

    /// The median of (answer − truth) ÷ truth: above zero says that it lasts longer than it does.
    pub fn bias(&self) -> f64 {
        Self::quantile(self.0.clone(), 0.5)
    }
}

/// How the four fared on one family with one length of history.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// The forecast.
    pub ours: Errors,
    /// A least-squares line through the reads of the last seven days.
    pub line: Errors,
    /// The same line, begun anew after each rise of a fifth or more.
    pub cut: Errors,
    /// The fall of the last 24 hours.
    pub naive: Errors,
    /// Truths within [low, high] and forecasts, by confidence: low, medium, high.
    pub within: [(u64, u64); 3],
    /// Forecasts without a number, and all.
    pub silent: (u64, u64),
}

impl Score {
    /// Takes in that of another.
    pub fn extend(&mut self, other: &Self) {
        self.ours.extend(&other.ours);
        self.line.extend(&other.line);
        self.cut.extend(&other.cut);
        self.naive.extend(&other.naive);
        for (sum, (hit, all)) in self.within.iter_mut().zip(other.within) {
            *sum = (sum.0 + hit, sum.1 + all);
        }
        self.silent = (self.silent.0 + other.silent.0, self.silent.1 + other.silent.1);
    }

    fn add(&mut self, case: &Case) {
        let f = answer(case);
        self.silent.0 += u64::from(f.days_left.is_none());
        self.silent.1 += 1;
        self.ours.add(f.days_left, case.truth);
        self.line.add(line(&case.reads), case.truth);
        self.cut.add(line(since_rise(&case.reads)), case.truth);
        self.naive.add(last_day(&case.reads), case.truth);
        let slot = match f.confidence {
            Confidence::Accumulating => return,
            Confidence::Low => 0,
            Confidence::Medium => 1,
            Confidence::High => 2,
        };
        let within = f.low.zip(f.high).is_some_and(|(low, high)| (low..=high).contains(&case.truth));
        self.within[slot].0 += u64::from(within);
        self.within[slot].1 += 1;
    }
}

/// The forecast of a case.
pub fn answer(case: &Case) -> Forecast {
    forecast(&Outlook { history: &case.history, now: case.now, resets_at: None, expires_at: None, unlimited: false })
}

/// Some seeds of a family with so many days of history.
pub fn score(family: Family, days: usize, seeds: Range<u64>) -> Score {
    let mut score = Score::default();
    for case in seeds.filter_map(|seed| family.case(seed, days)) {
        score.add(&case);
    }
    score
}

const fn days_between(a: &Point, b: &Point) -> f64 {
    (b.at.0 - a.at.0) as f64 / (24 * HOUR) as f64
}

fn lasts(level: f64, per_day: f64) -> Option<f64> {
    (per_day > 0.0).then(|| level / per_day)
}

fn line(reads: &[Point]) -> Option<f64> {
    let last = reads.last()?;
    let week: Vec<(f64, f64)> =
        reads.iter().map(|p| (-days_between(p, last), p.remaining)).filter(|(t, _)| *t >= -7.0).collect();
    let n = week.len() as f64;
    let (t, y) = week.iter().fold((0.0, 0.0), |(t, y), p| (t + p.0 / n, y + p.1 / n));
    let (ty, tt) = week.iter().fold((0.0, 0.0), |(ty, tt), p| (ty + (p.0 - t) * (p.1 - y), tt + (p.0 - t).powi(2)));
    lasts(last.remaining, -ty / tt)
}

fn since_rise(reads: &[Point]) -> &[Point] {
    let rise = reads.windows(2).rposition(|w| w[1].remaining > 1.2 * w[0].remaining);
    &reads[rise.map_or(0, |at| at + 1)..]
}

fn last_day(reads: &[Point]) -> Option<f64> {
    let last = reads.last()?;
    let then = reads.iter().find(|p| days_between(p, last) <= 1.02)?;
    lasts(last.remaining, (then.remaining - last.remaining) / days_between(then, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: Range<u64> = 0..60;

    #[test]
    fn a_week_of_history_beats_the_straight_line_and_the_last_day() {
        for family in FAMILIES {
            let s = score(family, 7, SEEDS);
            let (ours, line, naive) = (s.ours.off(0.5), s.line.off(0.5), s.naive.off(0.5));
            assert!(ours <= 1.1 * line + 0.01, "{family:?}: ours {ours}, line {line}");
            let changed = matches!(family, Family::Faster | Family::Slower);
            // The last day knows of a change before anybody else does, and of nothing else.
            assert!(changed || ours <= naive, "{family:?}: ours {ours}, last day {naive}");
            let (ours, line) = (s.ours.off(0.9), s.line.off(0.9));
            assert!(ours <= 1.1 * line + 0.01, "{family:?}, p90: ours {ours}, line {line}");
        }
    }

    #[test]
    fn where_a_line_fails_we_do_not() {
        let of = |family: Family, days| score(family, days, SEEDS);
        for family in [Family::TopUps, Family::Reset, Family::GapsTopUps, Family::Everything] {
            let s = of(family, 7);
            assert!(2.0 * s.ours.off(0.5) < s.line.off(0.5), "{family:?}");
        }
        for (family, days) in [(Family::Diurnal, 1), (Family::Weekday, 7), (Family::Faster, 7), (Family::Glitches, 7)] {
            let s = of(family, days);
            assert!(2.0 * s.ours.off(0.5) < s.line.off(0.5), "{family:?}");
        }
    }

    #[test]
    fn the_interval_holds_what_it_says_over_all() {
        let mut all = Score::default();
        for family in FAMILIES {
            for days in [1, 3, 7, 14] {
                all.extend(&score(family, days, SEEDS));
            }
        }
        for (confidence, (hit, of)) in ["low", "medium", "high"].into_iter().zip(all.within) {
            assert!(of > 100 && 10 * hit >= 8 * of, "{confidence}: {hit} of {of}");
        }
        assert!(all.silent.0 * 50 < all.silent.1, "{:?}", all.silent);
        assert!(all.ours.bias().abs() < 0.02);
    }
}
