//! Which stretch of time a crawl speaks for, and which part of it it could not see.
//!
//! Pages are ordered by a hidden key k = last listing or edit, created ≤ k ≤ updated, and purchases do not move k
//! (facts/mercari.md §8). So once a stream has served rows down to some k, everything listed after that k has been
//! served; and since k ≤ updated for every row, the smallest `updated` seen is a safe bound for it.

use super::Tracking;
use crate::fetch::stream::{Crawl, Stream, StreamEnd};
use crate::options::MarketOptions;
use model::{HOUR, Timestamp, hour_start};

/// What a crawl could not see. `None`: it saw all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Listings that appeared in this stretch may be missing.
    pub inflow: Option<(Timestamp, Timestamp)>,
    /// Sales of this stretch may be missing.
    pub outflow: Option<(Timestamp, Timestamp)>,
}

impl Gap {
    /// True when a number of this crawl is only a lower bound.
    pub const fn is_saturated(&self) -> bool {
        self.inflow.is_some() || self.outflow.is_some()
    }

    /// The hours that a stretch touches.
    pub fn hours(stretch: Option<(Timestamp, Timestamp)>) -> Vec<Timestamp> {
        let Some((from, to)) = stretch.filter(|(from, to)| from < to) else { return Vec::new() };
        let mut hours = vec![hour_start(from)];
        while let Some(next) = hours.last().map(|h| h.plus(HOUR)).filter(|h| *h < to) {
            hours.push(next);
        }
        hours
    }
}

/// The stretch of time a crawl speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Events from here on are new to us.
    pub since: Timestamp,
    /// Listings from here on count when they were never seen, because a crawl of ours should have seen them.
    pub counted_from: Timestamp,
    /// Everything before this has been visible to this crawl.
    pub covered_until: Timestamp,
    /// The IP's first complete crawl.
    pub first: bool,
    /// Listings after this were served by the on-sale stream, if still on sale.
    on_sale_reached: Timestamp,
    /// Listings after this were served by the sold stream, if sold.
    sold_reached: Timestamp,
    /// The sold stream ended at its page limit.
    sold_limited: bool,
    /// The on-sale stream ended at its page limit.
    on_sale_limited: bool,
    /// Listings up to this may have slipped by between two pages of either stream.
    doubt: Option<Timestamp>,
}

impl Window {
    /// The window of a crawl that began at `seen_at`.
    pub fn of(tracking: &Tracking, crawl: &Crawl, seen_at: Timestamp, options: &MarketOptions) -> Self {
        let (on_sale_reached, sold_reached) = (reached(&crawl.on_sale), reached(&crawl.sold));
        let mut window = Self {
            since: seen_at,
            counted_from: seen_at,
            covered_until: seen_at - options.index_lag,
            first: tracking.previous.is_none(),
            on_sale_reached,
            sold_reached,
            sold_limited: crawl.sold.end == StreamEnd::Limit,
            on_sale_limited: crawl.on_sale.end == StreamEnd::Limit,
            doubt: crawl.on_sale.doubt.max(crawl.sold.doubt),
        };
        if let Some(previous) = tracking.previous {
            // A listing may have been there before the previous crawl and not been in the index yet.
            window.since = previous - options.index_lag;
            let tracked = tracking.since.unwrap_or(previous) - options.index_lag;
            window.counted_from = tracked.max(seen_at - options.late_window).min(window.since);
        } else {
            // Only hours that both streams cover from their first minute on.
            let reached = on_sale_reached.max(sold_reached).max(window.doubt.unwrap_or(on_sale_reached));
            let covered = reached.max(seen_at - options.backfill);
            window.counted_from = hour_start(covered.plus(HOUR - 1)).min(window.covered_until);
            window.since = window.counted_from;
        }
        window
    }

    /// What this crawl could not see of its stretch.
    pub fn gap(&self, seen_at: Timestamp) -> Gap {
        if self.first {
            // Old listings that sold in the back-filled hours lie deeper than any page limit.
            let outflow = (self.counted_from < seen_at).then_some((self.counted_from, seen_at));
            return Gap { inflow: None, outflow };
        }
        let on_sale = if self.on_sale_limited { self.on_sale_reached } else { self.since };
        let sold = if self.sold_limited { self.sold_reached } else { self.since };
        // A limited stream whose rows say no time may have reached nothing at all, but nothing lies after this crawl.
        let reached = on_sale.max(sold).max(self.doubt.unwrap_or(self.since)).min(seen_at);
        Gap {
            inflow: (reached > self.since).then_some((self.since, reached)),
            outflow: self.sold_limited.then_some((self.since, seen_at)),
        }
    }

    /// The hours that end after `from` and not after `to`, oldest first.
    pub fn hours_between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> + use<> {
        let mut hour = hour_start(from);
        std::iter::from_fn(move || {
            (hour.plus(HOUR) <= to).then(|| {
                let this = hour;
                hour = hour.plus(HOUR);
                this
            })
        })
    }
}

fn reached(stream: &Stream) -> Timestamp {
    match (stream.end, stream.reached) {
        (StreamEnd::Exhausted, _) => Timestamp(i64::MIN / 2),
        (_, Some(reached)) => reached,
        (_, None) => Timestamp(i64::MAX / 2),
    }
}
