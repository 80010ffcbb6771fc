//! The simulated market without a socket, for history that is made in seconds: pages still go through the wire format
//! and the parser.

use async_trait::async_trait;
use engine::FetchError;
use market::fetch::{Page, SearchPages, Statuses, parse_page};
use model::SharedClock;
use sim::{Market, SearchQuery, Shape, State};
use std::sync::Arc;

/// Search pages of a simulated market at the clock's time.
pub struct MarketPages {
    market: Arc<Market>,
    clock: SharedClock,
}

impl MarketPages {
    /// Pages of `market` as of `clock`.
    pub const fn new(market: Arc<Market>, clock: SharedClock) -> Self {
        Self { market, clock }
    }
}

#[async_trait]
impl SearchPages for MarketPages {
    async fn page(&self, statuses: Statuses, keyword: &str, token: Option<&str>) -> Result<Page, FetchError> {
        let (market, now, keyword) = (Arc::clone(&self.market), self.clock.now(), keyword.to_owned());
        let number = token.and_then(|token| token.strip_prefix("v1:")?.parse().ok()).unwrap_or(0);
        let written = move || {
            let states: &[State] = match statuses {
                Statuses::OnSale => &[State::OnSale],
                Statuses::Sold => &[State::Trading, State::SoldOut],
            };
            let query = SearchQuery { with_auction: true, ..SearchQuery::newest(&keyword, states, number) };
            parse_page(market.search(&query, now.millis()).to_json(Shape::default()).as_bytes())
        };
        // Pages are work, not waiting: on threads of their own, all cores take part.
        let page = tokio::task::spawn_blocking(written).await;
        page.map_err(|_| FetchError::Transient("the simulated market broke down".into()))?
    }
}
