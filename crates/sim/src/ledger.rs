//! The ledger of the truth, hour by hour. Only tests and benchmarks may read it.

use crate::book::{Book, Entry, item_id};
use crate::item::{Kind, State, What};
use crate::market::Market;
use serde::Serialize;

/// A listing deleted within this many hours of its creation without a purchase is reported as vanished.
pub const VANISH_HOURS: u32 = 48;

/// A listing that came and went unsold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vanished {
    /// The item's id.
    pub id: String,
    /// First listed, Unix seconds.
    pub created: u32,
    /// Deleted by the seller, Unix seconds.
    pub deleted: u32,
}

/// What really happened to one IP in one hour (JST hours are UTC hours).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerHour {
    /// Start of the hour, epoch ms.
    pub hour_ms: i64,
    /// Personal listings created in the hour.
    pub listed: u32,
    /// Purchases of personal listings in the hour, those called off later included.
    pub sold: u32,
    /// Shops products first listed in the hour.
    pub shops_listed: u32,
    /// Shops products bought in the hour.
    pub shops_sold: u32,
    /// Personal listings on sale at the end of the hour.
    pub on_sale: u32,
    /// Shops products on sale at the end of the hour.
    pub shops_on_sale: u32,
    /// Prices of the hour's purchases that belong in price statistics: personal, fixed and named price; ascending.
    pub sold_prices: Vec<u32>,
    /// Deals called off in the hour (TRADING → ON_SALE).
    pub cancelled: u32,
    /// Listings deleted in the hour.
    pub deleted: u32,
    /// Listings created in the hour, both kinds, that were deleted unsold within [`VANISH_HOURS`].
    pub vanished: Vec<Vanished>,
}

/// Where a purchase hides in the sold listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SoldDepth {
    /// The item's id.
    pub id: String,
    /// When it was bought, Unix seconds.
    pub bought: u32,
    /// Its sort key, Unix seconds; 0 when `row` is none.
    pub k: u32,
    /// 0-based row in the sold listing; none when search does not show it as sold (called off, or not yet indexed).
    pub row: Option<usize>,
}

impl Market {
    /// The ledger of every hour that begins in [`from_ms`, `to_ms`); empty for an unknown keyword.
    pub fn ledger(&self, keyword: &str, from_ms: i64, to_ms: i64) -> Vec<LedgerHour> {
        let Some(ip) = self.ip_of(keyword) else { return Vec::new() };
        let first = from_ms.div_euclid(3_600_000) + i64::from(from_ms.rem_euclid(3_600_000) > 0);
        let hours = first..to_ms.div_euclid(3_600_000) + i64::from(to_ms.rem_euclid(3_600_000) > 0);
        self.read(ip, hours.end * 3600 - 1, |book| {
            let known = hours.filter_map(|hour| book.hour_of(hour * 3600).filter(|h| *h < book.written()));
            known.map(|hour| ledger_hour(book, hour)).collect()
        })
    }

    /// For each purchase in (`since_ms`, `now_ms`] its row in the sold listing (TRADING and SOLD_OUT) at `now_ms`.
    pub fn sold_depth(&self, keyword: &str, now_ms: i64, since_ms: i64) -> Vec<SoldDepth> {
        let Some(ip) = self.ip_of(keyword) else { return Vec::new() };
        let purchases = self.purchases(keyword, since_ms, now_ms);
        let sold = [State::Trading, State::SoldOut];
        self.read(ip, now_ms.div_euclid(1000), |book| {
            let mut rows = std::collections::HashMap::new();
            for (row, hit) in self.listing(book, &sold, now_ms).enumerate() {
                let item = book.item(hit.item);
                rows.insert(item_id(item), (row, hit.change.k));
            }
            let depth = |p: crate::market::Purchase| {
                let (row, k) = rows.get(&p.id).map_or((None, 0), |(row, k)| (Some(*row), *k));
                SoldDepth { id: p.id, bought: p.at, k, row }
            };
            purchases.into_iter().map(depth).collect()
        })
    }
}

fn ledger_hour(book: &Book, hour: usize) -> LedgerHour {
    let stock = book.stock_after(hour);
    let mut row = LedgerHour {
        hour_ms: book.hour_start(hour) * 1000,
        listed: 0,
        sold: 0,
        shops_listed: 0,
        shops_sold: 0,
        on_sale: stock.on_sale.max(0) as u32,
        shops_on_sale: stock.shops_on_sale.max(0) as u32,
        sold_prices: Vec::new(),
        cancelled: 0,
        deleted: 0,
        vanished: Vec::new(),
    };
    for entry in book.entries(hour) {
        enter(&mut row, book, *entry);
    }
    row.sold_prices.sort_unstable();
    row
}

fn enter(row: &mut LedgerHour, book: &Book, entry: Entry) {
    let (item, change) = (book.item(entry.item), book.change(entry.change));
    let shops = item.kind == Kind::Shops;
    match change.what {
        What::Listed => {
            *(if shops { &mut row.shops_listed } else { &mut row.listed }) += 1;
            let life = book.changes(item);
            let unsold = life.iter().all(|c| c.what != What::Purchased);
            let gone = life.iter().find(|c| c.state == State::Gone && c.at - item.created <= VANISH_HOURS * 3600);
            if let Some(end) = gone.filter(|_| unsold) {
                row.vanished.push(Vanished { id: item_id(item), created: item.created, deleted: end.at });
            }
        }
        What::Purchased => {
            *(if shops { &mut row.shops_sold } else { &mut row.sold }) += 1;
            if change.counts_in_prices(item.kind) {
                row.sold_prices.push(change.price);
            }
        }
        What::Cancelled => row.cancelled += 1,
        What::Deleted => row.deleted += 1,
        _ => {}
    }
}
