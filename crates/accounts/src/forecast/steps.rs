//! What happened between the reads: burn, or something else.

use super::{DAY, Point};
use model::{HOUR, Timestamp};

/// The window of the burn rate.
pub(super) const WINDOW: i64 = 7 * DAY;

/// An amount of which not even the square can be reckoned with is no amount.
const ABSURD: f64 = 1e100;

/// Burn over a known stretch of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// May be below zero: noise and small refunds cancel out in the sum.
    pub(super) burn: f64,
}

/// A history read as burn.
#[derive(Debug)]
pub(super) struct Steps {
    /// Oldest first, of the window and the one before it, to compare with; the first may reach into it.
    pub(super) stretches: Vec<Stretch>,
    /// The level last seen, when it was first and when it was last seen.
    pub(super) level: f64,
    pub(super) level_since: Timestamp,
    pub(super) end: Timestamp,
    /// Where the history begins.
    pub(super) reaches_from: Timestamp,
    /// Changes of the level in these.
    pub(super) changes: usize,
    /// The last reset and the time from one to the next, in milliseconds, when they keep time.
    pub(super) period: Option<(Timestamp, i64)>,
}

impl Steps {
    /// `None` when there is no history.
    pub(super) fn of(history: &[Point], now: Timestamp) -> Option<Self> {
        let points = in_order(history, now);
        let last = *points.last()?;
        let since = last.until.plus(-2 * WINDOW);
        let first = points.partition_point(|p| p.until < since).saturating_sub(1);
        let window = &points[first..];
        let limit = rise_limit(window);
        let mut stretches = Vec::with_capacity(2 * window.len());
        let mut i = 0;
        while i < window.len() {
            let here = window[i];
            // At zero nothing can be used: that is no evidence of no demand.
            if here.remaining > 0.0 && here.until > here.at {
                stretches.push(Stretch { from: here.at, to: here.until, burn: 0.0 });
            }
            let Some(&next) = window.get(i + 1) else { break };
            if let Some(&after) = window.get(i + 2).filter(|after| is_glitch(here, next, **after, limit)) {
                let burn = here.remaining - after.remaining;
                stretches.push(Stretch { from: here.until, to: after.at, burn });
                i += 2;
                continue;
            }
            if let Some(burn) = burnt(here, next, limit) {
                stretches.push(Stretch { from: here.until, to: next.at, burn });
            }
            i += 1;
        }
        Some(Self {
            stretches,
            level: last.remaining,
            level_since: last.at,
            end: last.until,
            reaches_from: points[0].at,
            changes: window.len() - 1,
            period: period(&points, limit),
        })
    }
}

/// Points that can be used, in the order of time.
fn in_order(history: &[Point], now: Timestamp) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::with_capacity(history.len());
    for p in history.iter().filter(|p| p.remaining.abs() < ABSURD && p.at <= now) {
        let at = points.last().map_or(p.at, |before| p.at.max(before.until));
        let total = p.total.filter(|total| total.abs() < ABSURD);
        points.push(Point { at, until: p.until.max(at).min(now), total, ..*p });
    }
    points
}

/// The rise above which it is a top-up or a reset. Rises that come as often as noise does, are small beside the level
/// and no larger than the falls are noise; else what is no larger than a usual fall is a refund.
fn rise_limit(window: &[Point]) -> f64 {
    let mut falls = Vec::with_capacity(window.len());
    let mut rises = Vec::new();
    let mut most = 0.0_f64;
    for pair in window.windows(2) {
        most = most.max(pair[0].remaining);
        match pair[0].remaining - pair[1].remaining {
            d if d > 0.0 => falls.push(d),
            d if d < 0.0 && !is_full(&pair[1]) => rises.push(-d),
            _ => {}
        }
    }
    let often = rises.len() >= 3 && rises.len() * 6 >= rises.len() + falls.len();
    let (fall, rise) = (median(&mut falls), median(&mut rises));
    if often && rise <= 2.0 * fall && rise <= 0.1 * most { 6.0 * rise } else { fall }
}

/// As much as there can be: what rises to this is a reset and no noise.
fn is_full(point: &Point) -> bool {
    point.total.is_some_and(|total| point.remaining >= total)
}

/// The middle value, the upper one of two; zero of none.
fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// One odd read, as of an answer out of an old cache or a zero: the level is back right after it.
fn is_glitch(before: Point, odd: Point, after: Point, limit: f64) -> bool {
    let fall = before.remaining - odd.remaining;
    let short = after.at.0.saturating_sub(before.until.0) <= 4 * HOUR;
    let back = (after.remaining - before.remaining).abs() <= 0.1 * fall.abs();
    short && back && !is_full(&after) && fall.abs() > 4.0 * limit && after.remaining <= before.remaining + limit
}

/// The burn from one level to the next; `None` when a top-up hides it or there was nothing to burn.
fn burnt(before: Point, after: Point, limit: f64) -> Option<f64> {
    let fall = before.remaining - after.remaining;
    if before.remaining <= 0.0 && fall <= 0.0 {
        return None;
    }
    let granted = after.total.zip(before.total).map_or(0.0, |(after, before)| after - before);
    // Where the total moved with the level, the rest is burn: a top-up (up) or credit that expired (down).
    let rest = fall + granted;
    let explained = if granted > 0.0 {
        fall < -limit && rest <= 0.5 * granted
    } else {
        granted < 0.0 && fall > 0.0 && rest <= fall
    };
    if explained && rest >= -limit {
        return Some(rest);
    }
    let refund = fall >= -limit && !(fall < 0.0 && is_full(&after));
    refund.then_some(fall)
}

/// Resets that keep time: three or more rises (two, when the total is stated) up to the same level, evenly apart.
fn period(points: &[Point], limit: f64) -> Option<(Timestamp, i64)> {
    let mut rises = points.windows(2).filter(|w| w[1].remaining - w[0].remaining > limit).collect::<Vec<_>>();
    let (last, before) = (*rises.last()?, *rises.iter().rev().nth(1)?);
    let top = last[1].remaining;
    if !(is_full(&last[1]) && is_full(&before[1])) {
        // What a top-up brings is seldom the same level twice; what a reset brings always is.
        rises.retain(|w| (w[1].remaining - top).abs() <= 0.03 * top.abs());
        if rises.len() < 3 {
            return None;
        }
    }
    let apart = |early: &[Point], late: &[Point]| late[1].at.0.saturating_sub(early[1].at.0);
    let count = i64::try_from(rises.len()).ok()? - 1;
    let period = apart(rises[0], last) / count.max(1);
    let unseen = |w: &[Point]| w[1].at.0.saturating_sub(w[0].until.0);
    let slack = |p: &[&[Point]]| unseen(p[0]).max(unseen(p[1])).saturating_mul(2).saturating_add(period / 20);
    let even = rises.windows(2).all(|p| apart(p[0], p[1]).abs_diff(period) <= slack(p).unsigned_abs());
    (period >= HOUR && even).then_some((last[1].at, period))
}
