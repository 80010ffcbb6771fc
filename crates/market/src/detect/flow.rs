//! Counts by hour, and the sales behind them.

use super::row::Transition;
use crate::fetch::wire::{Row, RowKind};
use model::{Timestamp, hour_start};
use std::collections::BTreeMap;

/// What moved in an hour, as far as one crawl saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourFlow {
    /// Listings that appeared.
    pub inflow: i64,
    /// Listings that were bought.
    pub outflow: i64,
    /// Shops products that appeared.
    pub shops_inflow: i64,
    /// Shops products that sold out.
    pub shops_outflow: i64,
}

/// A sale as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sale {
    /// When it was bought.
    pub at: Timestamp,
    /// The row as seen.
    pub source_id: String,
    /// Its title.
    pub title: String,
    /// JPY; `None` when it must not enter price statistics.
    pub price: Option<i64>,
    /// A Shops product.
    pub shops: bool,
    /// Its page.
    pub item_url: String,
    /// Its picture.
    pub image_url: Option<String>,
}

/// All that moved in one crawl.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// By hour.
    pub hours: BTreeMap<Timestamp, HourFlow>,
    /// Every sale, in the order of the crawl.
    pub sales: Vec<Sale>,
    moves: Vec<(Timestamp, i64)>,
}

impl Flow {
    pub(super) fn add(&mut self, row: &Row, transition: &Transition) {
        let shops = row.kind == RowKind::Shops;
        if let Some(at) = transition.listed {
            let hour = self.hours.entry(hour_start(at)).or_default();
            if shops {
                hour.shops_inflow += 1
            } else {
                hour.inflow += 1
            }
            self.moves.push((at, 1));
        }
        if let Some(at) = transition.sold {
            let hour = self.hours.entry(hour_start(at)).or_default();
            if shops {
                hour.shops_outflow += 1
            } else {
                hour.outflow += 1
            }
            self.moves.push((at, -1));
            self.sales.push(sale(row, at));
        }
    }

    /// Listings that appeared less listings that were bought at or after `since`, Shops included.
    pub fn net_since(&self, since: Timestamp) -> i64 {
        self.moves.iter().filter(|(at, _)| *at >= since).map(|(_, n)| n).sum()
    }

    /// Listings that appeared and listings that were bought, Shops left out.
    pub fn totals(&self) -> (i64, i64) {
        self.hours.values().fold((0, 0), |(i, o), h| (i + h.inflow, o + h.outflow))
    }
}

fn sale(row: &Row, at: Timestamp) -> Sale {
    Sale {
        at,
        source_id: row.source_id.clone(),
        title: row.title.clone(),
        // An auction's price is its current bid, not what a buyer paid for a listing.
        price: row.price.filter(|_| row.kind == RowKind::Personal),
        shops: row.kind == RowKind::Shops,
        item_url: row.item_url.clone(),
        image_url: row.image_url.clone(),
    }
}
