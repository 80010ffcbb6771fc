//! The market: a pure function of (seed, profiles, time). Books of single IPs are written lazily and never change once
//! written, so every question at any instant has one answer, whatever was asked before.

use crate::book::{Book, item_id};
use crate::ids;
use crate::item::{ItemTruth, State, What};
use crate::profiles::Profile;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// How listings behave; shares are 0–1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Behaviour {
    /// Share of Shops products (479 of 18,819 recorded rows).
    pub shops_share: f64,
    /// Share of auctions.
    pub auction_share: f64,
    /// Share of listings without a price.
    pub no_price_share: f64,
    /// Share of listings priced 9999999 whose `isNoPrice` is false.
    pub odd_price_share: f64,
    /// Share of the unsold that the seller deletes.
    pub delete_share: f64,
    /// Chance of one more edit, again after each edit.
    pub edit_chance: f64,
    /// Share of purchases that are called off (TRADING → ON_SALE).
    pub cancel_share: f64,
}

impl Default for Behaviour {
    fn default() -> Behaviour {
        Behaviour {
            shops_share: 0.025,
            auction_share: 0.03,
            no_price_share: 0.005,
            odd_price_share: 0.0005,
            delete_share: 0.2,
            edit_chance: 0.35,
            cancel_share: 0.005,
        }
    }
}

/// What is odd about the search answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quirks {
    /// Least and greatest delay in ms until search shows a new listing.
    pub index_lag_ms: (i64, i64),
    /// Page n answers as of now + n × this many ms.
    pub page_drift_ms: i64,
    /// Pages hold a few rows less than asked for.
    pub short_pages: bool,
    /// Pages from the third on repeat rows of the page before, in addition to their own.
    pub duplicates: bool,
    /// `nextPageToken` is `v1:1` even when everything fitted on the first page.
    pub phantom_next: bool,
    /// A search that finds nothing answers numFound 0 and 48 rows of other IPs.
    pub substitutes: bool,
    /// numFound is some per cent off from 30 rows on.
    pub num_found_error: bool,
    /// From this page on one page in four is empty and ends the listing.
    pub deep_empty_from: Option<u32>,
}

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks {
            index_lag_ms: (50_000, 60_000),
            page_drift_ms: 0,
            short_pages: true,
            duplicates: true,
            phantom_next: false,
            substitutes: true,
            num_found_error: true,
            deep_empty_from: Some(50),
        }
    }
}

/// Everything a market is a function of, but for the time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketConfig {
    /// The seed of all chance.
    pub seed: u64,
    /// The IPs; their order matters to the seed.
    pub profiles: Vec<Profile>,
    /// The instant (epoch ms) at which the market already has a natural stock.
    pub start_ms: i64,
    /// Days of history before `start_ms`; quiet IPs get up to 100 days so as to have a stock too.
    pub history_days: u32,
    /// How listings behave.
    pub behaviour: Behaviour,
    /// What is odd about the answers.
    pub quirks: Quirks,
}

impl MarketConfig {
    /// A market with the documented behaviour and quirks and 21 days of history.
    pub fn new(seed: u64, profiles: Vec<Profile>, start_ms: i64) -> MarketConfig {
        MarketConfig {
            seed,
            profiles,
            start_ms,
            history_days: 21,
            behaviour: Behaviour::default(),
            quirks: Quirks::default(),
        }
    }
}

/// A purchase, as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Purchase {
    /// The item's id.
    pub id: String,
    /// When it was bought, Unix seconds.
    pub at: u32,
    /// What was paid, in yen.
    pub price: u32,
    /// True when the price belongs in price statistics.
    pub in_prices: bool,
    /// True for a Shops product.
    pub shops: bool,
}

/// A simulated Mercari; cheap to ask, safe to share between threads.
#[derive(Debug)]
pub struct Market {
    config: MarketConfig,
    by_keyword: HashMap<String, usize>,
    books: Vec<RwLock<Book>>,
}

impl Market {
    /// A market; only the first 1,024 profiles are used, and of equal names the first.
    pub fn new(mut config: MarketConfig) -> Market {
        config.profiles.truncate(ids::MAX_IPS);
        let mut by_keyword = HashMap::new();
        let mut books = Vec::new();
        for (ip, profile) in config.profiles.iter().enumerate() {
            by_keyword.entry(profile.name.clone()).or_insert(ip);
            let start =
                config.start_ms.div_euclid(3_600_000) * 3600 - history_hours(profile, config.history_days) * 3600;
            books.push(RwLock::new(Book::new(ip as u32, config.seed, start)));
        }
        Market { config, by_keyword, books }
    }

    /// What this market is a function of.
    pub fn config(&self) -> &MarketConfig {
        &self.config
    }

    pub(crate) fn ip_of(&self, keyword: &str) -> Option<usize> {
        self.by_keyword.get(keyword.trim()).copied()
    }

    /// Reads the book of an IP, written at least through the hour of `second`.
    pub(crate) fn read<R>(&self, ip: usize, second: i64, ask: impl FnOnce(&Book) -> R) -> R {
        let lock = &self.books[ip];
        {
            let book = lock.read().unwrap_or_else(PoisonError::into_inner);
            let wanted = book.hour_of(second).map_or(0, |hour| (hour + 1).min(ids::MAX_HOURS as usize));
            if book.written() >= wanted {
                return ask(&book);
            }
        }
        let mut book = lock.write().unwrap_or_else(PoisonError::into_inner);
        let wanted = book.hour_of(second).map_or(0, |hour| hour + 1);
        book.write_until(wanted, &self.config.profiles[ip], &self.config.behaviour);
        drop(book);
        ask(&lock.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes all books through `now_ms`, so that later questions are fast.
    pub fn prepare(&self, now_ms: i64) {
        for ip in 0..self.books.len() {
            self.read(ip, now_ms.div_euclid(1000), |_| ());
        }
    }

    /// The whole life of an item, future included; none for an id that no listing created by `now_ms` has.
    pub fn item(&self, id: &str, now_ms: i64) -> Option<ItemTruth> {
        let number = ids::parse(id)?;
        let origin = ids::origin(number, self.config.seed);
        let ip = origin.ip as usize;
        let profile = self.config.profiles.get(ip)?;
        let now = now_ms.div_euclid(1000);
        self.read(ip, now, |book| {
            let item = *book.item(book.find(origin.hour as usize, origin.serial as usize)?);
            if i64::from(item.created) > now || item_id(&item) != id {
                return None;
            }
            let changes = book.changes(&item).to_vec();
            let purchases = changes.iter().filter(|c| c.what == What::Purchased).map(|c| c.at).collect();
            let deleted = changes.iter().find(|c| c.state == State::Gone).map(|c| c.at);
            let keyword = profile.name.clone();
            Some(ItemTruth {
                id: id.to_owned(),
                keyword,
                kind: item.kind,
                created: item.created,
                purchases,
                deleted,
                changes,
            })
        })
    }

    /// Every purchase of an IP in (`from_ms`, `to_ms`], oldest first; empty for an unknown keyword.
    pub fn purchases(&self, keyword: &str, from_ms: i64, to_ms: i64) -> Vec<Purchase> {
        let Some(ip) = self.ip_of(keyword) else { return Vec::new() };
        let (from, to) = (from_ms.div_euclid(1000), to_ms.div_euclid(1000));
        self.read(ip, to, |book| {
            let first = book.hour_of(from).unwrap_or(0);
            let hours = first..book.hour_of(to).map_or(0, |hour| hour + 1);
            let entries = hours.flat_map(|hour| book.entries(hour));
            let bought = entries.filter_map(|entry| {
                let (change, item) = (book.change(entry.change), book.item(entry.item));
                let within = i64::from(change.at) > from && i64::from(change.at) <= to;
                (change.what == What::Purchased && within).then(|| Purchase {
                    id: item_id(item),
                    at: change.at,
                    price: change.price,
                    in_prices: change.counts_in_prices(item.kind),
                    shops: item.kind == crate::item::Kind::Shops,
                })
            });
            bought.collect()
        })
    }
}

/// Hours of history: the configured days, longer for a quiet IP until about 60 listings fit (at most 100 days).
fn history_hours(profile: &Profile, days: u32) -> i64 {
    let natural = (60.0 / profile.listings_per_hour.max(0.001)).min(2400.0) as i64;
    natural.max(i64::from(days.min(300)) * 24)
}
