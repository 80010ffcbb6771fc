//! The simulated market without a socket: pages go through the real wire format and the real parser.

use async_trait::async_trait;
use engine::FetchError;
use market::fetch::client::Statuses;
use market::fetch::stream::SearchPages;
use market::fetch::wire::{Page, parse_page};
use model::SharedClock;
use sim::{Market, SearchQuery, Shape, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Search pages of a simulated market at the clock's time.
pub struct SimPages {
    market: Arc<Market>,
    clock: SharedClock,
    requests: AtomicU64,
}

impl SimPages {
    /// Pages of `market` as of `clock`.
    pub fn new(market: Arc<Market>, clock: SharedClock) -> Self {
        Self { market, clock, requests: AtomicU64::new(0) }
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
        let answer = self.market.search(&query, self.clock.now().millis());
        parse_page(answer.to_json(Shape::Y2026).as_bytes())
    }
}
