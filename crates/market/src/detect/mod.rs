//! What a crawl means, given what was known. Pure: no I/O, no clock, no randomness.
//!
//! Every row is put against what the store knows of it ([`row`]), every event into the hour it happened in ([`flow`]),
//! and the part of the market that the crawl could not see is named ([`window`]), so that a number is either true or
//! marked as a lower bound.

mod flow;
mod row;
mod window;

pub use flow::{Flow, HourFlow};
pub use row::{Known, KnownStatus, Transition, TransitionKind};
pub use window::{Gap, Window};

use crate::fetch::stream::{Crawl, Stream};
use crate::options::MarketOptions;
use model::Timestamp;
use std::collections::HashMap;

/// What was known of an IP before the crawl.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// When the first complete crawl began; `None` before it.
    pub since: Option<Timestamp>,
    /// When the previous complete crawl began.
    pub previous: Option<Timestamp>,
    /// Everything that happened before this instant has been seen or is in a gap.
    pub covered_until: Option<Timestamp>,
    /// Listings known to be on sale (seen within their time to live).
    pub known_on_sale: i64,
}

/// All that one crawl changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// One entry for each row that is new or changed, in the order of the crawl.
    pub transitions: Vec<Transition>,
    /// Rows that are as they were: only their last sight moves.
    pub unchanged: Vec<String>,
    /// Counts by hour, and the sales behind them.
    pub flow: Flow,
    /// What could not be seen, if anything.
    pub gap: Gap,
    /// The hours this crawl completes, oldest first, and what was on sale at the end of each.
    pub completed: Vec<(Timestamp, Option<i64>)>,
    /// Everything before this instant is now seen or in a gap.
    pub covered_until: Timestamp,
    /// Listings on sale as of the crawl.
    pub on_sale_total: Option<i64>,
    /// Sold listings that Mercari says it knows.
    pub sold_total: Option<i64>,
    /// It was the IP's first complete crawl.
    pub first: bool,
}

/// Detects what changed. `known` holds what the store knows of the ids in the crawl; `seen_at` is when it began,
/// `now` when it is recorded: nothing of it can have happened later.
pub fn detect(
    known: &HashMap<String, Known>,
    tracking: &Tracking,
    crawl: &Crawl,
    seen_at: Timestamp,
    now: Timestamp,
    options: &MarketOptions,
) -> Changes {
    let window = Window::of(tracking, crawl, seen_at, options);
    let mut changes = Changes {
        covered_until: window.covered_until.max(tracking.covered_until.unwrap_or(Timestamp(i64::MIN))),
        first: tracking.previous.is_none(),
        gap: window.gap(seen_at),
        sold_total: total(&crawl.sold),
        ..Changes::default()
    };
    for row in crawl.merge() {
        let transition = row::judge(row, known.get(&row.source_id), &window, seen_at, now, options);
        let Some(transition) = transition else {
            changes.unchanged.push(row.source_id.clone());
            continue;
        };
        changes.flow.add(row, &transition);
        changes.transitions.push(transition);
    }
    changes.on_sale_total = on_sale_total(tracking, crawl, &changes);
    changes.completed = completed(tracking, &window, &changes);
    changes
}

/// `numFound` is capped at 15,000 (facts/mercari.md §5); at the cap the true number is not known.
const NUM_FOUND_CAP: u64 = 15_000;

fn total(stream: &Stream) -> Option<i64> {
    stream.num_found.filter(|n| *n < NUM_FOUND_CAP).and_then(|n| i64::try_from(n).ok())
}

/// Both what we know to be on sale and what Mercari reports are lower bounds (numFound is often below what is served),
/// so the larger is taken.
fn on_sale_total(tracking: &Tracking, crawl: &Crawl, changes: &Changes) -> Option<i64> {
    let appeared = changes.transitions.iter().filter(|t| t.puts_on_sale()).count();
    let left = changes.transitions.iter().filter(|t| t.takes_off_sale()).count();
    let appeared = i64::try_from(appeared).unwrap_or(0);
    let known = (tracking.known_on_sale + appeared - i64::try_from(left).unwrap_or(0)).max(0);
    let served = i64::try_from(crawl.on_sale.rows.len()).unwrap_or(0);
    Some(known.max(served).max(total(&crawl.on_sale).unwrap_or(0)))
}

/// Hours that ended between the old cover and the new one. The level at their end follows from the level now and what
/// moved since.
fn completed(tracking: &Tracking, window: &Window, changes: &Changes) -> Vec<(Timestamp, Option<i64>)> {
    let from = tracking.covered_until.unwrap_or(window.counted_from);
    window
        .hours_between(from, changes.covered_until)
        .map(|hour| {
            let end = hour.plus(model::HOUR);
            let level = changes.on_sale_total.map(|now| (now - changes.flow.net_since(end)).max(0));
            (hour, level)
        })
        .collect()
}
