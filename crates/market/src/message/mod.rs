//! A crawl for somebody else: errands and reports as the messages of `proto/crawler.proto`, in protojson.

mod json;
mod outcome;
mod wire;

use crate::MarketWatch;
use crate::fetch::stream::{Brief, Crawl, Known};
use engine::{Errand, Report, Travels};
use model::Timestamp;
use std::collections::HashMap;
use std::time::Duration;
use wire::{CrawlRequest, CrawlResponse};

/// Pages of a search that a message without a number asks for.
const MOST_PAGES: u32 = 1_000;

impl Travels for MarketWatch {
    fn write_errand(&self, errand: &Errand<Brief>) -> String {
        text(&request(errand))
    }

    fn read_errand(&self, text: &str) -> Result<Errand<Brief>, String> {
        let request: CrawlRequest = json::read(text)?;
        if request.keyword.trim().is_empty() {
            return Err("keyword: missing; that would search all of Mercari".into());
        }
        if request.pages_on_sale.max(request.pages_sold) > MOST_PAGES {
            return Err(format!("pagesOnSale, pagesSold: more than {MOST_PAGES}"));
        }
        Ok(errand(request))
    }

    fn write_report(&self, report: &Report<Crawl>) -> String {
        text(&outcome::response(report))
    }

    fn read_report(&self, text: &str) -> Result<Report<Crawl>, String> {
        let response: CrawlResponse = json::read(text)?;
        if response.task_id.is_empty() {
            return Err("taskId: missing".into());
        }
        let seen_at = match (response.seen_at_ms, response.crawled_at) {
            (0, 0) => return Err("seenAtMs, crawledAt: both missing".into()),
            (0, seconds) => Timestamp::from_secs(seconds),
            (millis, _) => Timestamp(millis),
        };
        Ok(Report {
            outcome: outcome::outcome(&response)?,
            ref_id: response.ip_id,
            handed_at: response.handed_at_ms.map(Timestamp),
            seen_at,
            origin: Some(response.traceparent).filter(|origin| !origin.is_empty()),
            task_id: response.task_id,
        })
    }
}

#[expect(clippy::expect_used, reason = "texts and numbers under fixed names are always JSON")]
fn text(message: &impl serde::Serialize) -> String {
    serde_json::to_string(message).expect("a message")
}

fn request(errand: &Errand<Brief>) -> CrawlRequest {
    let brief = &errand.brief;
    let ids = |which| {
        let mut ids: Vec<String> =
            brief.known.iter().filter(|(_, known)| **known == which).map(|(id, _)| id.clone()).collect();
        // The same errand is the same text.
        ids.sort_unstable();
        ids
    };
    CrawlRequest {
        ip_id: errand.ref_id,
        keyword: brief.keyword.clone(),
        task_id: errand.task_id.clone(),
        created_at: errand.handed_at.secs(),
        retry_count: errand.failures,
        pages_on_sale: brief.pages_on_sale,
        pages_sold: brief.pages_sold,
        handed_at_ms: errand.handed_at.millis(),
        lease_until_ms: errand.lease_until.map(Timestamp::millis),
        since_ms: brief.since.map(Timestamp::millis),
        index_lag_ms: millis(brief.lag),
        known_on_sale: ids(Known::OnSale),
        known_sold: ids(Known::Sold),
        ground_run_on_sale: small(brief.ground_run_on_sale),
        ground_run_sold: small(brief.ground_run_sold),
        traceparent: errand.origin.clone().unwrap_or_default(),
    }
}

fn errand(request: CrawlRequest) -> Errand<Brief> {
    let first = Brief::first("");
    let given = |n: u32, default: u32| if n == 0 { default } else { n };
    let run = |n: u32, default: usize| if n == 0 { default } else { n as usize };
    let mut known: HashMap<String, Known> = request.known_on_sale.into_iter().map(|id| (id, Known::OnSale)).collect();
    known.extend(request.known_sold.into_iter().map(|id| (id, Known::Sold)));
    let handed_at = match request.handed_at_ms {
        0 => Timestamp::from_secs(request.created_at),
        millis => Timestamp(millis),
    };
    let lag = Duration::from_millis(u64::try_from(request.index_lag_ms).unwrap_or(0));
    Errand {
        task_id: request.task_id,
        ref_id: request.ip_id,
        brief: Brief {
            keyword: request.keyword,
            pages_on_sale: given(request.pages_on_sale, first.pages_on_sale),
            pages_sold: given(request.pages_sold, first.pages_sold),
            since: request.since_ms.map(Timestamp),
            lag: if lag.is_zero() { first.lag } else { lag },
            known,
            ground_run_on_sale: run(request.ground_run_on_sale, first.ground_run_on_sale),
            ground_run_sold: run(request.ground_run_sold, first.ground_run_sold),
        },
        handed_at,
        lease_until: request.lease_until_ms.map(Timestamp),
        failures: request.retry_count,
        origin: Some(request.traceparent).filter(|origin| !origin.is_empty()),
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
