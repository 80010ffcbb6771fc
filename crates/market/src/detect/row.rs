//! The state machine of one item: what was known against what is seen.

use super::window::Window;
use crate::fetch::wire::{Row, RowKind, RowStatus};
use crate::options::{Attribution, MarketOptions};
use model::Timestamp;

/// What the store knows of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// As last seen.
    pub status: KnownStatus,
    /// JPY as last seen; `None` without a price.
    pub price: Option<i64>,
    /// When a crawl last saw it.
    pub last_seen: Timestamp,
}

/// On sale or not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownStatus {
    /// ON_SALE.
    OnSale,
    /// TRADING or SOLD_OUT: one sale, counted once.
    Sold,
}

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionKind {
    /// Never seen, now on sale, and it appeared since we look.
    NewListing,
    /// Never seen, now sold, and the sale is new.
    NewSold,
    /// Known on sale, now sold.
    Sold,
    /// Known on sale, still is, at another price.
    PriceChange,
    /// Known sold, on sale again.
    Relisted,
    /// Never seen and older than our watch: learnt, counts as nothing.
    Learnt,
}

/// A row that is new or changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// What happened.
    pub kind: TransitionKind,
    /// The row as seen.
    pub row: Row,
    /// When the listing appeared, if it counts as inflow.
    pub listed: Option<Timestamp>,
    /// When it was bought, if it counts as outflow.
    pub sold: Option<Timestamp>,
}

impl Transition {
    /// One more listing on sale.
    pub fn puts_on_sale(&self) -> bool {
        let on_sale = self.row.status == RowStatus::OnSale;
        on_sale && matches!(self.kind, TransitionKind::NewListing | TransitionKind::Learnt | TransitionKind::Relisted)
    }

    /// One listing less on sale.
    pub fn takes_off_sale(&self) -> bool {
        self.kind == TransitionKind::Sold
    }
}

/// Puts a row against what is known of it; `None` when nothing changed.
pub fn judge(
    row: &Row,
    known: Option<&Known>,
    window: &Window,
    seen_at: Timestamp,
    now: Timestamp,
    options: &MarketOptions,
) -> Option<Transition> {
    let judged = Judge { row, window, seen_at, now, options };
    let on_sale = row.status == RowStatus::OnSale;
    match known {
        None if on_sale => Some(judged.new_on_sale()),
        None => Some(judged.new_sold()),
        Some(k) if k.status == KnownStatus::OnSale && on_sale => {
            (k.price != row.price).then(|| judged.transition(TransitionKind::PriceChange, None, None))
        }
        Some(k) if k.status == KnownStatus::OnSale => Some(judged.sold(k)),
        Some(_) if on_sale => Some(judged.transition(TransitionKind::Relisted, None, None)),
        // TRADING → SOLD_OUT is the same sale, however long it was not seen.
        Some(_) => None,
    }
}

struct Judge<'a> {
    row: &'a Row,
    window: &'a Window,
    seen_at: Timestamp,
    now: Timestamp,
    options: &'a MarketOptions,
}

impl Judge<'_> {
    fn transition(&self, kind: TransitionKind, listed: Option<Timestamp>, sold: Option<Timestamp>) -> Transition {
        let on_the_hour = |at: Timestamp| match self.options.attribution {
            Attribution::Event => at.min(self.now),
            Attribution::Crawl => self.seen_at,
        };
        Transition { kind, row: self.row.clone(), listed: listed.map(on_the_hour), sold: sold.map(on_the_hour) }
    }

    /// When the listing appeared, if it is one that counts.
    fn appeared(&self) -> Option<Timestamp> {
        match self.row.created {
            // `created` of a Shops product moves like an update stamp (facts/mercari.md §5): only a fresh one is news.
            Some(created) if self.row.kind == RowKind::Shops => (created >= self.window.since).then_some(created),
            Some(created) => (created >= self.window.counted_from).then_some(created),
            // A row of the browser's tiles has no times: it is new when the crawl is not the first.
            None => (!self.window.first).then_some(self.seen_at),
        }
    }

    fn new_on_sale(&self) -> Transition {
        match self.appeared() {
            Some(at) => self.transition(TransitionKind::NewListing, Some(at), None),
            None => self.transition(TransitionKind::Learnt, None, None),
        }
    }

    fn new_sold(&self) -> Transition {
        // Listed and bought between two crawls: it appeared, and it was bought.
        let listed = self.appeared();
        let bought = match self.row.updated {
            // On a first crawl only TRADING dates the purchase; SOLD_OUT dates the end of the deal, days later.
            Some(_) if self.window.first && self.row.status == RowStatus::SoldOut => None,
            // Listed since we look and never seen sold: a sale that was missed, whenever it was.
            Some(updated) => (updated >= self.window.since || listed.is_some()).then_some(updated),
            None => (!self.window.first).then_some(self.seen_at),
        };
        let kind = if bought.is_some() { TransitionKind::NewSold } else { TransitionKind::Learnt };
        self.transition(kind, listed, bought)
    }

    /// Known on sale, now sold: certainly a sale since its last sight; `updated` dates it when it lies after that.
    fn sold(&self, known: &Known) -> Transition {
        let bought = self.row.updated.filter(|updated| *updated >= known.last_seen - self.options.index_lag);
        self.transition(TransitionKind::Sold, None, Some(bought.unwrap_or(self.seen_at)))
    }
}
