//! Accounts that burn in every way met with, seeded; the true instant of emptiness is known.

use crate::Dice;
use accounts::forecast::Point;
use model::{HOUR, MINUTE, Timestamp};

const STEP: i64 = 10 * MINUTE;
const STEPS_A_DAY: usize = 144;
/// Days before the forecast that are made, and after it.
const PAST: usize = 14;
const FUTURE: usize = 60;
const SPAN: usize = PAST * STEPS_A_DAY;
/// The forecasts are made at this instant.
const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// A way of burning and of being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Evenly.
    Steady,
    /// By day more than by night.
    Diurnal,
    /// By day, and little at weekends.
    Weekday,
    /// Every day another level, one like the day before.
    Moody,
    /// Some pieces a day, heavy-tailed (Pareto 1.6).
    Bursts,
    /// By day, with top-ups.
    TopUps,
    /// By day, with a reset up to the total.
    Reset,
    /// By day, and reads are missing for hours to days.
    Gaps,
    /// Gaps with top-ups.
    GapsTopUps,
    /// Two to four times faster since one to four days.
    Faster,
    /// Two to four times slower since one to six days.
    Slower,
    /// By day, shown in thirtieths of a day's burn.
    Cents,
    /// By day, shown in thirds of a day's burn.
    Thousands,
    /// By day, reads off by an hour or two of burn either way.
    Noise,
    /// By day, a read in fifty shows zero.
    Glitches,
    /// Weekdays, bursts, top-ups, gaps and cents at once.
    Everything,
}

/// All of them.
pub const FAMILIES: [Family; 16] = [
    Family::Steady,
    Family::Diurnal,
    Family::Weekday,
    Family::Moody,
    Family::Bursts,
    Family::TopUps,
    Family::Reset,
    Family::Gaps,
    Family::GapsTopUps,
    Family::Faster,
    Family::Slower,
    Family::Cents,
    Family::Thousands,
    Family::Noise,
    Family::Glitches,
    Family::Everything,
];

/// One account at one instant.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its reads, one by one, oldest first.
    pub reads: Vec<Point>,
    /// The same, run by run.
    pub history: Vec<Point>,
    /// When the forecast is made.
    pub now: Timestamp,
    /// Days until it is really empty if nobody tops it up.
    pub truth: f64,
}

fn unit(dice: &mut Dice) -> f64 {
    (dice.next() >> 11) as f64 / (1_u64 << 53) as f64
}

fn between(dice: &mut Dice, low: f64, high: f64) -> f64 {
    low + (high - low) * unit(dice)
}

/// About normal, deviation 1.
fn bell(dice: &mut Dice) -> f64 {
    (0..12).map(|_| unit(dice)).sum::<f64>() - 6.0
}

impl Family {
    /// The word in the table.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    const fn has_top_ups(self) -> bool {
        matches!(self, Self::TopUps | Self::Reset | Self::GapsTopUps | Self::Everything)
    }

    const fn has_gaps(self) -> bool {
        matches!(self, Self::Gaps | Self::GapsTopUps | Self::Everything)
    }

    /// Shown in steps of this many days of burn.
    const fn quantum(self) -> f64 {
        match self {
            Self::Cents | Self::Everything => 1.0 / 30.0,
            Self::Thousands => 1.0 / 3.0,
            _ => 0.0,
        }
    }

    /// The case of a seed with so many days of history; `None` when it outlives what is simulated.
    pub fn case(self, seed: u64, days: usize) -> Option<Case> {
        let dice = &mut Dice::new(seed.wrapping_mul(0x9e37_79b9) ^ ((self as u64) << 40));
        let burn = self.burn(dice);
        let rate = match self {
            Self::Faster | Self::Slower => burn[SPAN..].iter().sum::<f64>() / FUTURE as f64,
            _ => burn.iter().sum::<f64>() / (PAST + FUTURE) as f64,
        };
        let level = rate * between(dice, 0.7, 16.0);
        let truth = empties(&burn[SPAN..], level)?;
        let account = Account::new(self, dice, burn, level, rate, days);
        let reads = account.reads(dice, days);
        Some(Case { history: runs(&reads), reads, now: NOW, truth })
    }

    /// Burn of each ten minutes, of 24 a day or so.
    fn burn(self, dice: &mut Dice) -> Vec<f64> {
        let (hour, day) = (between(dice, 0.0, 24.0), dice.below(7) as f64);
        let scale = between(dice, 0.2, 5.0);
        let depth = between(dice, 0.5, 0.95);
        let factor = between(dice, 2.0, 4.0);
        let since = match self {
            Self::Faster => between(dice, 1.0, 4.0),
            _ => between(dice, 1.0, 6.0),
        };
        let mut mood = 0.0;
        (0..SPAN + FUTURE * STEPS_A_DAY)
            .map(|i| {
                let t = i as f64 / STEPS_A_DAY as f64;
                let ahead = t - PAST as f64 > -since;
                let of_day = (t + hour / 24.0).fract();
                let by_day = 1.0 + depth * (std::f64::consts::TAU * of_day).sin();
                let weekend = (t + hour / 24.0 + day).rem_euclid(7.0) >= 5.0;
                let little = between(dice, 0.7, 1.3) / 6.0;
                if i % STEPS_A_DAY == 0 {
                    mood = 0.6 * mood + 0.4 * bell(dice);
                }
                scale
                    * match self {
                        Self::Steady => little,
                        Self::Weekday => little * by_day * if weekend { 0.15 } else { 1.3 },
                        Self::Moody => little * by_day * mood.exp(),
                        Self::Bursts => 0.2 * little + burst(dice, 8.0),
                        Self::Everything => (little * by_day + burst(dice, 8.0)) * if weekend { 0.3 } else { 1.2 },
                        Self::Faster => little * by_day * if ahead { factor } else { 1.0 },
                        Self::Slower => little * by_day / if ahead { factor } else { 1.0 },
                        _ => little * by_day,
                    }
            })
            .collect()
    }
}

/// A piece of about 3 hours' burn, so often a day; most are small, some are a hundred times that.
fn burst(dice: &mut Dice, a_day: f64) -> f64 {
    if unit(dice) * STEPS_A_DAY as f64 >= a_day {
        return 0.0;
    }
    1.1 * (1.0 - unit(dice)).powf(-1.0 / 1.6).min(120.0)
}

fn empties(burn: &[f64], level: f64) -> Option<f64> {
    let mut left = level;
    for (i, b) in burn.iter().enumerate() {
        if *b >= left {
            return Some((i as f64 + left / b) / STEPS_A_DAY as f64);
        }
        left -= b;
    }
    None
}

/// What an account looks like from outside.
struct Account {
    family: Family,
    /// Burnt by the end of each step, counted from the first.
    burnt: Vec<f64>,
    level: f64,
    /// When it was topped up and by how much, latest first.
    top_ups: Vec<(i64, f64)>,
    /// When nobody read it.
    gaps: Vec<(i64, i64)>,
    rate: f64,
}

impl Account {
    fn new(family: Family, dice: &mut Dice, burn: Vec<f64>, level: f64, rate: f64, days: usize) -> Self {
        let burnt = burn.iter().scan(0.0, |sum, b| {
            *sum += b;
            Some(*sum)
        });
        let burnt = burnt.collect();
        let mut account = Self { family, burnt, level, top_ups: Vec::new(), gaps: Vec::new(), rate };
        let span = days as i64 * 24 * HOUR;
        if family.has_top_ups() {
            let count = if family == Family::Reset { 1 } else { 1 + days / 4 };
            let mut when: Vec<i64> = (0..count).map(|_| NOW.0 - (unit(dice) * span as f64) as i64).collect();
            when.sort_unstable_by(|a, b| b.cmp(a));
            for at in when {
                let amount = account.level_at(at) * between(dice, 0.3, 0.95);
                account.top_ups.push((at, amount));
            }
        }
        if family.has_gaps() {
            for _ in 0..=days / 2 {
                let from = NOW.0 - (unit(dice) * span as f64) as i64;
                account.gaps.push((from, from + (between(dice, 3.0, 24.0) * HOUR as f64) as i64));
            }
        }
        account
    }

    fn burnt_by(&self, at: i64) -> f64 {
        let step = ((at - NOW.0) as f64 / STEP as f64 + SPAN as f64).max(0.0);
        let (whole, part) = (step as usize, step.fract());
        let before = if whole == 0 { 0.0 } else { self.burnt[whole - 1] };
        before + part * (self.burnt[whole] - before)
    }

    fn level_at(&self, at: i64) -> f64 {
        let later: f64 = self.top_ups.iter().filter(|(when, _)| *when > at).map(|(_, amount)| amount).sum();
        self.level + self.burnt_by(NOW.0) - self.burnt_by(at) - later
    }

    fn shown(&self, dice: &mut Dice, at: i64) -> f64 {
        let level = self.level_at(at);
        let quantum = self.family.quantum() * self.rate;
        match self.family {
            Family::Noise => level + self.rate / 16.0 * bell(dice),
            Family::Glitches if at < NOW.0 && dice.below(50) == 0 => 0.0,
            _ if quantum > 0.0 => ((level / quantum).round() * quantum).max(quantum),
            _ => level,
        }
    }

    /// Once an hour, give or take three minutes, and at the end.
    fn reads(&self, dice: &mut Dice, days: usize) -> Vec<Point> {
        let total = (self.family == Family::Reset).then(|| {
            let reset = self.top_ups.first().map_or(NOW.0, |(at, _)| *at);
            self.level_at(reset)
        });
        let mut reads = Vec::new();
        for hour in (0..=24 * days as i64).rev() {
            let jitter = if hour == 0 { 0 } else { (between(dice, -3.0, 3.0) * MINUTE as f64) as i64 };
            let at = NOW.0 - hour * HOUR + jitter;
            let remaining = self.shown(dice, at);
            let missed = self.gaps.iter().any(|(from, to)| (*from..*to).contains(&at));
            if hour == 0 || !missed {
                reads.push(Point { at: Timestamp(at), until: Timestamp(at), remaining, total });
            }
        }
        reads
    }
}

/// Reads that follow each other with one value become one point.
fn runs(reads: &[Point]) -> Vec<Point> {
    let mut runs: Vec<Point> = Vec::new();
    for read in reads {
        match runs.last_mut() {
            Some(run) if run.remaining.to_bits() == read.remaining.to_bits() => run.until = read.at,
            _ => runs.push(*read),
        }
    }
    runs
}
