//! Crawls of 1,200 rows as a lively IP gives them: 60 % as they were, 20 % new, 15 % bought since, 5 % at another
//! price.

use market::fetch::stream::{Crawl, Stream, StreamEnd};
use market::fetch::wire::{Row, RowKind, RowStatus};
use model::{HOUR, Timestamp};
use testkit::Dice;

/// Rows of one crawl.
pub const ROWS: u64 = 1_200;
const FIRST: usize = 600;
const NEW: usize = 240;
const SOLD: usize = 180;
const REPRICED: usize = 60;
const STILL_ON_SALE: usize = 300;
const STILL_SOLD: usize = 420;
/// Listings further down than this are not looked at any more.
const DEPTH: usize = 900;

#[derive(Clone, Copy)]
struct Listing {
    number: u64,
    price: i64,
    created: Timestamp,
    updated: Timestamp,
}

/// The market of one IP.
pub struct Stock {
    ip: u64,
    made: u64,
    on_sale: Vec<Listing>,
    sold: Vec<Listing>,
    seen: Option<Timestamp>,
    dice: Dice,
}

impl Stock {
    /// An IP nobody has crawled.
    pub const fn new(ip: u64) -> Self {
        Self { ip, made: 0, on_sale: Vec::new(), sold: Vec::new(), seen: None, dice: Dice::new(ip) }
    }

    /// Listings shown in crawls so far.
    pub const fn shown(&self) -> u64 {
        self.made
    }

    /// What a crawl at `now` sees.
    pub fn crawl(&mut self, now: Timestamp) -> Crawl {
        let Some(seen) = self.seen.replace(now) else {
            let on_sale = self.list(FIRST, now.plus(-24 * HOUR), now);
            let sold = self.list(FIRST, now.plus(-24 * HOUR), now);
            let rows = (self.rows(&on_sale, RowStatus::OnSale), self.rows(&sold, RowStatus::Trading));
            (self.on_sale, self.sold) = (on_sale, sold);
            return crawl(rows, now.plus(-24 * HOUR));
        };
        let top = self.on_sale.len().saturating_sub(DEPTH);
        let moved = |i: usize, of: usize| seen.plus((now.0 - seen.0) * (i as i64 + 1) / (of as i64 + 1));
        let mut bought = Vec::with_capacity(SOLD);
        for i in 0..SOLD {
            let among = (self.on_sale.len() - top) as u64;
            let mut listing = self.on_sale.remove(top + self.dice.below(among) as usize);
            listing.updated = moved(i, SOLD);
            bought.push(listing);
        }
        let end = self.on_sale.len();
        for (i, listing) in self.on_sale[end - REPRICED..].iter_mut().enumerate() {
            listing.price += 10;
            listing.updated = moved(i, REPRICED);
        }
        let mut shown = self.list(NEW, seen, now);
        let known = &self.on_sale[end - REPRICED - STILL_ON_SALE..];
        let on_sale = [self.rows(&shown, RowStatus::OnSale), self.rows(known, RowStatus::OnSale)].concat();
        let still = &self.sold[self.sold.len().saturating_sub(STILL_SOLD)..];
        let sold = [self.rows(&bought, RowStatus::Trading), self.rows(still, RowStatus::SoldOut)].concat();
        self.on_sale.append(&mut shown);
        self.sold.append(&mut bought);
        crawl((on_sale, sold), seen.plus(-HOUR))
    }

    fn list(&mut self, n: usize, from: Timestamp, to: Timestamp) -> Vec<Listing> {
        let step = (to.0 - from.0) / (n as i64 + 1);
        (1..=n as i64)
            .map(|i| {
                self.made += 1;
                let price = 300 + (self.dice.below(400) * 50) as i64;
                let created = from.plus(i * step);
                Listing { number: self.made, price, created, updated: created }
            })
            .collect()
    }

    fn rows(&self, listings: &[Listing], status: RowStatus) -> Vec<Row> {
        let row = |l: &Listing| {
            let id = format!("m{:011}", 40_000_000_000 + l.number * 1_000 + self.ip);
            Row {
                title: format!(
                    "【新品未使用】作品{:03} アクリルスタンド 限定 特典付き まとめ売り {}",
                    self.ip, l.number
                ),
                price: Some(l.price),
                status,
                created: Some(l.created),
                updated: Some(l.updated),
                image_url: Some(format!("https://static.mercdn.net/thumb/item/webp/{id}_1.jpg?{}", l.created.secs())),
                item_url: format!("https://jp.mercari.com/item/{id}"),
                kind: RowKind::Personal,
                source_id: id,
            }
        };
        listings.iter().map(row).collect()
    }
}

fn crawl((on_sale, sold): (Vec<Row>, Vec<Row>), reached: Timestamp) -> Crawl {
    let stream = |rows| Stream {
        rows,
        pages: 5,
        end: StreamEnd::Ground,
        num_found: Some(9_000),
        skipped: Vec::new(),
        duplicates: 0,
        reached: Some(reached),
        doubt: None,
    };
    Crawl { on_sale: stream(on_sale), sold: stream(sold) }
}
