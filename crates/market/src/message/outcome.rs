//! What a crawl saw, or why it saw nothing, in a message.

use super::small;
use super::wire::{self, CrawlResponse, Item, ItemKind, ItemStatus};
use crate::fetch::stream::{Crawl, Stream, StreamEnd};
use crate::fetch::wire::{Row, RowKind, RowStatus, SkippedRow};
use engine::{FetchError, Report};
use model::Timestamp;
use std::time::Duration;

/// Longest id of a listing that is believed.
const LONGEST_ID: usize = 64;

pub(super) fn response(report: &Report<Crawl>) -> CrawlResponse {
    let head = CrawlResponse {
        ip_id: report.ref_id,
        task_id: report.task_id.clone(),
        crawled_at: report.seen_at.secs(),
        handed_at_ms: report.handed_at.map(Timestamp::millis),
        seen_at_ms: report.seen_at.millis(),
        traceparent: report.origin.clone().unwrap_or_default(),
        ..CrawlResponse::default()
    };
    match &report.outcome {
        Ok(crawl) => CrawlResponse {
            items: crawl.on_sale.rows.iter().chain(&crawl.sold.rows).map(item).collect(),
            total_found: small(crawl.on_sale.rows.len() + crawl.sold.rows.len()),
            pages_crawled: crawl.on_sale.pages.saturating_add(crawl.sold.pages),
            on_sale: Some(stream(&crawl.on_sale)),
            sold: Some(stream(&crawl.sold)),
            ..head
        },
        Err(error) => {
            let wait = match error {
                FetchError::Limited { retry_after, .. } => *retry_after,
                FetchError::Postponed(wait) => Some(*wait),
                _ => None,
            };
            CrawlResponse {
                error_message: message(error),
                error_class: error.class().to_owned(),
                retry_after_ms: wait.map(super::millis),
                ..head
            }
        }
    }
}

/// The text inside: the class says the rest.
fn message(error: &FetchError) -> String {
    match error {
        FetchError::Transient(text)
        | FetchError::Blocked(text)
        | FetchError::Rejected(text)
        | FetchError::Malformed(text)
        | FetchError::Limited { message: text, .. } => text.clone(),
        FetchError::Postponed(_) => String::new(),
    }
}

pub(super) fn outcome(response: &CrawlResponse) -> Result<Result<Crawl, FetchError>, String> {
    if let Some(error) = error(response)? {
        return Ok(Err(error));
    }
    let rows = response.items.iter().enumerate().map(|(n, item)| row(item).map_err(|e| format!("items[{n}]: {e}")));
    let rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
    match (&response.on_sale, &response.sold) {
        (Some(on_sale), Some(sold)) => {
            let split = on_sale.rows as usize;
            if rows.len() != split.saturating_add(sold.rows as usize) {
                return Err(format!("items: {}, but onSale.rows and sold.rows say otherwise", rows.len()));
            }
            let mut rows = rows;
            let of_sold = rows.split_off(split);
            Ok(Ok(Crawl { on_sale: read(on_sale, rows)?, sold: read(sold, of_sold)? }))
        }
        (None, None) => Ok(Ok(plain(rows, response.pages_crawled))),
        _ => Err("onSale, sold: one of them is missing".into()),
    }
}

/// A crawler that says nothing of its streams: what it brought is there, and there may be more.
fn plain(rows: Vec<Row>, pages: u32) -> Crawl {
    let (on_sale, sold): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.status == RowStatus::OnSale);
    let stream = |rows, pages| Stream {
        rows,
        pages,
        end: StreamEnd::Limit,
        num_found: None,
        skipped: Vec::new(),
        duplicates: 0,
        reached: None,
        doubt: None,
    };
    Crawl { on_sale: stream(on_sale, pages.div_ceil(2)), sold: stream(sold, pages / 2) }
}

fn error(response: &CrawlResponse) -> Result<Option<FetchError>, String> {
    let text = response.error_message.clone();
    let wait = response.retry_after_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
    Ok(Some(match response.error_class.as_str() {
        "" if text.is_empty() => return Ok(None),
        "" | "transient" => FetchError::Transient(text),
        "limited" => FetchError::Limited { retry_after: wait, message: text },
        "blocked" => FetchError::Blocked(text),
        "rejected" => FetchError::Rejected(text),
        "malformed" => FetchError::Malformed(text),
        "postponed" => FetchError::Postponed(wait.unwrap_or_default()),
        other => return Err(format!("errorClass: {other:?} is none")),
    }))
}

fn item(row: &Row) -> Item {
    Item {
        source_id: row.source_id.clone(),
        title: row.title.clone(),
        price: row.price,
        image_url: row.image_url.clone().unwrap_or_default(),
        item_url: row.item_url.clone(),
        status: if row.status == RowStatus::OnSale { ItemStatus::OnSale } else { ItemStatus::Sold },
        created_ms: row.created.map(Timestamp::millis),
        updated_ms: row.updated.map(Timestamp::millis),
        kind: match row.kind {
            RowKind::Personal => ItemKind::Personal,
            RowKind::Shops => ItemKind::Shops,
            RowKind::Auction => ItemKind::Auction,
        },
        trading: row.status == RowStatus::Trading,
    }
}

fn row(item: &Item) -> Result<Row, String> {
    let id = &item.source_id;
    if id.is_empty()
        || id.len() > LONGEST_ID
        || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        return Err(format!("sourceId: {id:?} is no id of a listing"));
    }
    if item.price.is_some_and(|price| price < 0) {
        return Err("price: below zero".into());
    }
    Ok(Row {
        source_id: id.clone(),
        title: item.title.clone(),
        price: item.price,
        status: match (item.status, item.trading) {
            (ItemStatus::OnSale, _) => RowStatus::OnSale,
            (ItemStatus::Sold, true) => RowStatus::Trading,
            (ItemStatus::Sold, false) => RowStatus::SoldOut,
            (ItemStatus::Unspecified, _) => return Err("status: missing".into()),
        },
        created: item.created_ms.map(Timestamp),
        updated: item.updated_ms.map(Timestamp),
        image_url: Some(item.image_url.clone()).filter(|url| !url.is_empty()),
        item_url: item.item_url.clone(),
        kind: match item.kind {
            ItemKind::Personal => RowKind::Personal,
            ItemKind::Shops => RowKind::Shops,
            ItemKind::Auction => RowKind::Auction,
            // Ids of Shops products do not look like those of personal listings.
            ItemKind::Unspecified if is_personal(id) => RowKind::Personal,
            ItemKind::Unspecified => RowKind::Shops,
        },
    })
}

fn is_personal(id: &str) -> bool {
    id.strip_prefix('m').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn stream(stream: &Stream) -> wire::Stream {
    wire::Stream {
        pages: stream.pages,
        end: match stream.end {
            StreamEnd::Ground => wire::StreamEnd::Ground,
            StreamEnd::Exhausted => wire::StreamEnd::Exhausted,
            StreamEnd::Limit => wire::StreamEnd::Limit,
        },
        num_found: stream.num_found.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
        skipped: stream.skipped.iter().map(skipped).collect(),
        duplicates: stream.duplicates,
        reached_ms: stream.reached.map(Timestamp::millis),
        rows: small(stream.rows.len()),
        doubt_ms: stream.doubt.map(Timestamp::millis),
    }
}

fn skipped(skipped: &SkippedRow) -> wire::Skipped {
    let id = skipped.id.clone().unwrap_or_default();
    wire::Skipped { index: small(skipped.index), id, reason: skipped.reason.clone() }
}

fn read(stream: &wire::Stream, rows: Vec<Row>) -> Result<Stream, String> {
    let skipped = stream.skipped.iter().map(|s| SkippedRow {
        index: s.index as usize,
        id: Some(s.id.clone()).filter(|id| !id.is_empty()),
        reason: s.reason.clone(),
    });
    Ok(Stream {
        rows,
        pages: stream.pages,
        end: match stream.end {
            wire::StreamEnd::Ground => StreamEnd::Ground,
            wire::StreamEnd::Exhausted => StreamEnd::Exhausted,
            wire::StreamEnd::Limit => StreamEnd::Limit,
            wire::StreamEnd::Unspecified => return Err("end of a stream: missing".into()),
        },
        num_found: stream.num_found.and_then(|n| u64::try_from(n).ok()),
        skipped: skipped.collect(),
        duplicates: stream.duplicates,
        reached: stream.reached_ms.map(Timestamp),
        doubt: stream.doubt_ms.map(Timestamp),
    })
}
