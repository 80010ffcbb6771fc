//! The method of the systems replaced, to be measured against: five pages of each stream every time, events counted
//! into the hour of the crawl, the hour's row overwritten by each crawl, items forgotten after a day or two.

use engine::FetchError;
use market::fetch::client::Statuses;
use market::fetch::stream::SearchPages;
use market::fetch::wire::{RowKind, RowStatus};
use model::{Timestamp, hour_start};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

const PAGES: u32 = 5;
const FORGET_ON_SALE: Duration = Duration::from_secs(24 * 3600);
const FORGET_SOLD: Duration = Duration::from_secs(48 * 3600);

/// One IP as the old method sees it.
#[derive(Debug, Default)]
pub struct Naive {
    items: HashMap<String, (bool, Timestamp)>,
    /// Inflow and outflow by hour.
    pub hours: BTreeMap<Timestamp, (i64, i64)>,
    /// Pages asked for.
    pub requests: u64,
    warm: bool,
}

impl Naive {
    /// Crawls at `now` and overwrites the hour.
    pub async fn crawl(&mut self, source: &impl SearchPages, name: &str, now: Timestamp) -> Result<(), FetchError> {
        self.items.retain(|_, (sold, seen)| now.since(*seen) < if *sold { FORGET_SOLD } else { FORGET_ON_SALE });
        let (mut inflow, mut outflow) = (0, 0);
        for statuses in [Statuses::OnSale, Statuses::Sold] {
            let mut token: Option<String> = None;
            for _ in 0..PAGES {
                let page = source.page(statuses, name, token.as_deref()).await?;
                self.requests += 1;
                for row in page.rows.iter().filter(|r| r.kind != RowKind::Shops) {
                    let sold = row.status != RowStatus::OnSale;
                    let before = self.items.insert(row.source_id.clone(), (sold, now));
                    match before {
                        None if sold => outflow += 1,
                        None => inflow += 1,
                        Some((false, _)) if sold => outflow += 1,
                        _ => {}
                    }
                }
                token = page.next_token;
                if token.is_none() {
                    break;
                }
            }
        }
        if self.warm {
            self.hours.insert(hour_start(now), (inflow, outflow));
        }
        self.warm = true;
        Ok(())
    }
}
