//! One crawl: the newest pages of what is on sale and of what was sold, side by side, until each meets the ground
//! that earlier crawls have covered.
//!
//! Both streams are ordered by the last listing or edit (`k`, never shown), newest first; purchases do not move it,
//! and `created ≤ k ≤ updated`. So a stretch of rows that were all known or are all older than the previous crawl
//! means that nothing below was listed or edited since.

use super::client::Statuses;
use super::slip::Slips;
use super::wire::{Page, Row, RowKind, SkippedRow};
use async_trait::async_trait;
use engine::FetchError;
use model::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// What earlier crawls saw of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// Last seen on sale.
    OnSale,
    /// Last seen sold.
    Sold,
}

/// What a crawl is to look for and when it may stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// What to search for.
    pub keyword: String,
    /// Most pages of what is on sale.
    pub pages_on_sale: u32,
    /// Most pages of what was sold.
    pub pages_sold: u32,
    /// When the previous complete crawl started; `None` on the first, which meets no ground.
    pub since: Option<Timestamp>,
    /// How late the index may show a change.
    pub lag: Duration,
    /// The listings earlier crawls saw, by id.
    pub known: HashMap<String, Known>,
    /// Ground rows in a row that end the on-sale stream.
    pub ground_run_on_sale: usize,
    /// Ground rows in a row that end the sold stream; more, because fresh sales lie scattered in it.
    pub ground_run_sold: usize,
}

impl Brief {
    /// The first crawl of `keyword`: five pages each way, nothing known.
    pub fn first(keyword: impl Into<String>) -> Self {
        Self {
            keyword: keyword.into(),
            pages_on_sale: 5,
            pages_sold: 5,
            since: None,
            lag: Duration::from_secs(120),
            known: HashMap::new(),
            ground_run_on_sale: 20,
            ground_run_sold: 40,
        }
    }
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamEnd {
    /// It met what earlier crawls have covered.
    Ground,
    /// There was no further page.
    Exhausted,
    /// Its page limit was reached with more to come: what it says is a lower bound.
    Limit,
}

/// What one stream brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The listings in order, each id once.
    pub rows: Vec<Row>,
    /// Pages fetched.
    pub pages: u32,
    /// Why it ended.
    pub end: StreamEnd,
    /// How many Mercari says there are, by the first page.
    pub num_found: Option<u64>,
    /// Rows that were not understood, of all pages; `index` is the place on its page.
    pub skipped: Vec<SkippedRow>,
    /// Rows left out because their id came before.
    pub duplicates: u32,
    /// Every listing made or edited after this was seen: the least `updated` of the personal rows, which no unseen
    /// row's `k` exceeds. `None` without such rows; of no matter when the stream is exhausted.
    pub reached: Option<Timestamp>,
    /// Listings made or edited up to this may have slipped by between two pages while those were fetched; `None`: none.
    pub doubt: Option<Timestamp>,
}

/// Both streams of one crawl.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crawl {
    /// What is on sale.
    pub on_sale: Stream,
    /// What was sold: TRADING and SOLD_OUT.
    pub sold: Stream,
}

impl Crawl {
    /// The rows of both streams, each id once. A listing bought while the crawl ran may be in both: then the sold
    /// row counts, because the later state is the true one.
    pub fn merge(&self) -> Vec<&Row> {
        let sold: HashSet<&str> = self.sold.rows.iter().map(|r| r.source_id.as_str()).collect();
        let still = self.on_sale.rows.iter().filter(|r| !sold.contains(r.source_id.as_str()));
        still.chain(&self.sold.rows).collect()
    }
}

/// Where search pages come from: Mercari, a browser, or a simulated market.
#[async_trait]
pub trait SearchPages: Send + Sync {
    /// Fetches one page, newest first; `token` is the previous page's, `None` for the first.
    async fn page(&self, statuses: Statuses, keyword: &str, token: Option<&str>) -> Result<Page, FetchError>;
}

/// Crawls both streams, what is on sale first: a listing that is bought meanwhile is then in the second, if it was not in
/// the first. One page that fails fails the crawl: nothing partial is believed.
pub async fn crawl(source: &(impl SearchPages + ?Sized), brief: &Brief) -> Result<Crawl, FetchError> {
    let on_sale = walk(source, brief, Statuses::OnSale).await?;
    let sold = walk(source, brief, Statuses::Sold).await?;
    Ok(Crawl { on_sale, sold })
}

async fn walk(source: &(impl SearchPages + ?Sized), brief: &Brief, statuses: Statuses) -> Result<Stream, FetchError> {
    let limit = match statuses {
        Statuses::OnSale => brief.pages_on_sale,
        Statuses::Sold => brief.pages_sold,
    };
    let (mut walk, mut slips) = (Walk::new(brief, statuses), Slips::default());
    let mut token: Option<String> = None;
    while walk.stream.pages < limit {
        let page = source.page(statuses, &brief.keyword, token.as_deref()).await?;
        slips.served(token.as_deref(), &page);
        let step = walk.take(page);
        slips.reached(walk.stream.reached);
        match step {
            Step::Next(next) => token = Some(next),
            Step::End(end) => {
                walk.stream.end = end;
                break;
            }
        }
    }
    walk.stream.doubt = slips.close(source, &mut walk).await;
    Ok(walk.stream)
}

enum Step {
    Next(String),
    End(StreamEnd),
}

/// A stream under way.
pub(super) struct Walk<'a> {
    pub(super) brief: &'a Brief,
    pub(super) statuses: Statuses,
    ids: HashSet<String>,
    tokens: HashSet<String>,
    /// Ground rows since the last row that was not.
    run: usize,
    pub(super) stream: Stream,
}

impl<'a> Walk<'a> {
    fn new(brief: &'a Brief, statuses: Statuses) -> Self {
        let stream = Stream {
            rows: Vec::new(),
            pages: 0,
            end: StreamEnd::Limit,
            num_found: None,
            skipped: Vec::new(),
            duplicates: 0,
            reached: None,
            doubt: None,
        };
        // The first page has two names; a page that points back to it would loop.
        let tokens = HashSet::from(["v1:0".to_owned()]);
        Self { brief, statuses, ids: HashSet::new(), tokens, run: 0, stream }
    }

    fn take(&mut self, mut page: Page) -> Step {
        let before = self.stream.rows.len();
        self.stream.num_found = self.stream.num_found.or(page.num_found);
        self.stream.skipped.append(&mut page.skipped);
        self.add_all(page.rows);
        let nothing_new = self.stream.rows.len() == before;
        match page.next_token.filter(|t| !t.is_empty()) {
            Some(next) if !nothing_new && !self.tokens.contains(&next) => {
                let needed = match self.statuses {
                    Statuses::OnSale => self.brief.ground_run_on_sale,
                    Statuses::Sold => self.brief.ground_run_sold,
                };
                if self.run >= needed.max(1) {
                    return Step::End(StreamEnd::Ground);
                }
                self.tokens.insert(next.clone());
                Step::Next(next)
            }
            _ => Step::End(StreamEnd::Exhausted),
        }
    }

    /// The rows of one page more.
    pub(super) fn add_all(&mut self, rows: Vec<Row>) {
        self.stream.pages += 1;
        rows.into_iter().for_each(|row| self.add(row));
    }

    fn add(&mut self, row: Row) {
        if !self.ids.insert(row.source_id.clone()) {
            self.stream.duplicates += 1;
            return;
        }
        // Shops products resurface and auctions move with bids: neither says where in time the stream is.
        if row.kind == RowKind::Personal {
            self.run = if self.is_ground(&row) { self.run + 1 } else { 0 };
            self.stream.reached = match (self.stream.reached, row.updated) {
                (Some(reached), Some(updated)) => Some(reached.min(updated)),
                (reached, updated) => reached.or(updated),
            };
        }
        self.stream.rows.push(row);
    }

    fn is_ground(&self, row: &Row) -> bool {
        let Some(since) = self.brief.since else { return false };
        if row.updated.is_some_and(|updated| updated <= since - self.brief.lag) {
            return true;
        }
        match (self.statuses, self.brief.known.get(&row.source_id)) {
            // A known listing edited since lies above new ones: a seller who marks down thirty of them at once
            // would otherwise look like ground, and hide everything listed since below.
            (Statuses::OnSale, Some(Known::OnSale)) => row.updated.is_none_or(|updated| updated <= since),
            (Statuses::Sold, Some(Known::Sold)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
pub(super) mod tests;
