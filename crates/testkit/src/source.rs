//! The simulated market without a socket: pages go through the real wire format and the real parser.

use async_trait::async_trait;
use engine::FetchError;
use market::fetch::client::Statuses;
use market::fetch::stream::SearchPages;
use market::fetch::wire::{Page, parse_page};
use model::{SharedClock, Timestamp};
use sim::{Market, SearchQuery, Shape, State};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Search pages of a simulated market at the clock's time.
pub struct SimPages {
    market: Arc<Market>,
    clock: SharedClock,
    requests: AtomicU64,
    /// Each request of a crawl answers so much later than the one before, ms.
    drift: i64,
    /// When a keyword's crawl began, and how many requests it has made.
    crawls: Mutex<HashMap<String, (Timestamp, i64)>>,
}

impl SimPages {
    /// Pages of `market` as of `clock`.
    pub fn new(market: Arc<Market>, clock: SharedClock) -> Self {
        Self { market, clock, requests: AtomicU64::new(0), drift: 0, crawls: Mutex::default() }
    }

    /// With rows that slip between the pages of one crawl as they do in reality: the market goes on by `ms` from one
    /// request of it to the next, while the clock stands still.
    #[must_use]
    pub fn drifting(self, ms: i64) -> Self {
        Self { drift: ms, ..self }
    }

    /// When the next request for a keyword is answered.
    fn answered_at(&self, keyword: &str) -> Timestamp {
        let now = self.clock.now();
        let mut crawls = self.crawls.lock().unwrap_or_else(PoisonError::into_inner);
        let crawl = crawls.entry(keyword.to_owned()).or_insert((now, 0));
        *crawl = if crawl.0 == now { (now, crawl.1 + 1) } else { (now, 1) };
        now.plus((crawl.1 - 1) * self.drift)
    }

    /// Pages asked for so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SearchPages for SimPages {
    async fn page(&self, statuses: Statuses, keyword: &str, token: Option<&str>) -> Result<Page, FetchError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let page = token.and_then(|t| t.strip_prefix("v1:")).and_then(|n| n.parse().ok()).unwrap_or(0);
        let statuses: &[State] = match statuses {
            Statuses::OnSale => &[State::OnSale],
            Statuses::Sold => &[State::Trading, State::SoldOut],
        };
        let query = SearchQuery { with_auction: true, ..SearchQuery::newest(keyword, statuses, page) };
        let answer = self.market.search(&query, self.answered_at(keyword).millis());
        parse_page(answer.to_json(Shape::Y2026).as_bytes())
    }
}
