//! `tidewatch crawl KEYWORD`: one look, printed, nothing stored.

use crate::app;
use crate::app::browsing::Browsing;
use crate::cli::{Common, Outcome};
use crate::terminal::{Align, Progress, Table, fit, grouped};
use anyhow::{Context, anyhow};
use async_trait::async_trait;
use clap::Args;
use engine::FetchError;
use market::fetch::{Brief, NoObserver, Page, Row, RowKind, RowStatus, SearchPages, Statuses, Stream};
use market::fetch::{StreamEnd, crawl};
use model::{Clock, SystemClock, Timestamp};
use serde::Serialize;
use serde_json::json;
use settings::Flag;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What `crawl` takes.
#[derive(Args, Debug)]
pub struct Crawl {
    #[command(flatten)]
    common: Common,
    /// What to search for, such as 初音ミク.
    keyword: String,
    /// Most pages of what is on sale, and of what was sold; without it those of the configuration.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pages: Option<u32>,
    /// Listings printed of each; 0 prints all.
    #[arg(long, value_name = "N", default_value_t = 15)]
    limit: usize,
    /// By the headless browser instead of plain requests.
    #[arg(long)]
    browser: bool,
    /// As JSON, all of them.
    #[arg(long)]
    json: bool,
    #[arg(long, hide = true)]
    base_url: Option<String>,
    #[arg(long, hide = true)]
    web_url: Option<String>,
}

impl Crawl {
    fn flags(&self) -> Vec<Flag> {
        let flag = |name, key, value: &Option<String>| value.clone().map(|value| Flag { name, key, value });
        let base = flag("--base-url", "market.base_url", &self.base_url);
        base.into_iter().chain(flag("--web-url", "market.web_url", &self.web_url)).collect()
    }

    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load_with(self.flags())?.settings;
        let market = &settings.market;
        let brief = Brief {
            pages_on_sale: self.pages.unwrap_or(market.pages_on_sale),
            pages_sold: self.pages.unwrap_or(market.pages_sold),
            lag: market.index_lag.into(),
            ..Brief::first(self.keyword.trim())
        };
        let ways = app::mercari(market, Arc::new(SystemClock), Arc::new(NoObserver), None)?;
        let source: Arc<dyn SearchPages> = match (&ways.browsing, self.browser) {
            (_, false) => ways.client,
            (Browsing::Ready(browser), true) => Arc::clone(browser) as Arc<dyn SearchPages>,
            (Browsing::Off(why), true) => return Err(anyhow!("--browser: {why}")),
        };
        let pages = Counted::new(source, u64::from(brief.pages_on_sale + brief.pages_sold));
        let seen = crawl(&pages, &brief).await;
        if let Browsing::Ready(browser) = &ways.browsing {
            browser.rest().await;
        }
        let requests = pages.end();
        let seen = seen.with_context(|| format!("{} was not crawled", brief.keyword))?;
        let totals = Totals::of(&seen, requests);
        if self.json {
            let all = json!({ "keyword": brief.keyword, "totals": totals, "on_sale": seen.on_sale, "sold": seen.sold });
            writeln!(out, "{all:#}")?;
            return Ok(Outcome::Good);
        }
        let now = SystemClock.now();
        print_stream(out, "on sale", &seen.on_sale, self.limit, now)?;
        print_stream(out, "sold", &seen.sold, self.limit, now)?;
        totals.print(out, &seen)?;
        Ok(Outcome::Good)
    }
}

/// Counts the pages of a source and shows how far it is.
struct Counted {
    client: Arc<dyn SearchPages>,
    state: Mutex<(u64, Option<Progress>)>,
}

impl Counted {
    fn new(client: Arc<dyn SearchPages>, most: u64) -> Self {
        Self { client, state: Mutex::new((0, Some(Progress::quiet("crawling", most)))) }
    }

    fn end(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = state.1.take() {
            progress.done();
        }
        state.0
    }
}

#[async_trait]
impl SearchPages for Counted {
    async fn page(&self, statuses: Statuses, keyword: &str, token: Option<&str>) -> Result<Page, FetchError> {
        let page = self.client.page(statuses, keyword, token).await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        let done = state.0;
        if let Some(progress) = &mut state.1 {
            progress.at(done, || format!("{done} pages"));
        }
        page
    }
}

/// What a crawl comes to.
#[derive(Debug, Serialize)]
struct Totals {
    on_sale: usize,
    sold: usize,
    /// Pages asked for.
    requests: u64,
    /// JPY, over the personal sales that have a price.
    median_sold_price: Option<f64>,
    /// Rows that were not understood, by reason.
    skipped: BTreeMap<String, usize>,
    /// A stream ended at its page limit: there is more.
    saturated: bool,
}

impl Totals {
    fn of(seen: &market::fetch::Crawl, requests: u64) -> Self {
        let merged = seen.merge();
        let sold: Vec<&&Row> = merged.iter().filter(|row| row.status != RowStatus::OnSale).collect();
        let mut prices: Vec<i64> =
            sold.iter().filter(|row| row.kind == RowKind::Personal).filter_map(|row| row.price).collect();
        prices.sort_unstable();
        let mut skipped = BTreeMap::new();
        for row in seen.on_sale.skipped.iter().chain(&seen.sold.skipped) {
            *skipped.entry(row.reason.clone()).or_default() += 1;
        }
        Self {
            on_sale: merged.len() - sold.len(),
            sold: sold.len(),
            requests,
            median_sold_price: median(&prices),
            skipped,
            saturated: [&seen.on_sale, &seen.sold].iter().any(|stream| stream.end == StreamEnd::Limit),
        }
    }

    fn print(&self, out: &mut dyn Write, seen: &market::fetch::Crawl) -> io::Result<()> {
        let found = |stream: &Stream| stream.num_found.map_or_else(|| "?".to_owned(), |n| format!("about {n}"));
        let (on_sale, sold) = (self.on_sale, self.sold);
        writeln!(out, "on sale   {on_sale} (of {})", found(&seen.on_sale))?;
        writeln!(out, "sold      {sold} (of {})", found(&seen.sold))?;
        let median = self.median_sold_price.map_or_else(|| "-".to_owned(), |price| yen(price.round() as i64));
        writeln!(out, "median    {median} of the sold")?;
        writeln!(out, "requests  {}", self.requests)?;
        for (reason, n) in &self.skipped {
            writeln!(out, "skipped   {n}: {reason}")?;
        }
        if self.saturated {
            writeln!(out, "There is more: a stream ended at its page limit (--pages).")?;
        }
        Ok(())
    }
}

fn median(sorted: &[i64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper as f64);
    }
    Some((sorted[middle - 1] + upper) as f64 / 2.0)
}

fn print_stream(out: &mut dyn Write, name: &str, stream: &Stream, limit: usize, now: Timestamp) -> io::Result<()> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let mut table = Table::new([
        ("", Align::Left),
        ("price", Align::Right),
        ("listed", Align::Right),
        ("changed", Align::Right),
        ("id", Align::Left),
        ("title", Align::Left),
    ]);
    for row in stream.rows.iter().take(limit) {
        table.row([
            sort(row).to_owned(),
            row.price.map_or_else(|| "-".to_owned(), yen),
            ago(row.created, now),
            ago(row.updated, now),
            row.source_id.clone(),
            fit(&row.title, 60),
        ]);
    }
    writeln!(out, "{name}: {} in {} pages", stream.rows.len(), stream.pages)?;
    if !stream.rows.is_empty() {
        write!(out, "{table}")?;
    }
    let more = stream.rows.len().saturating_sub(limit);
    if more > 0 {
        writeln!(out, "… and {more} more (--limit 0 prints all)")?;
    }
    writeln!(out)
}

const fn sort(row: &Row) -> &'static str {
    match (row.kind, row.status) {
        (RowKind::Shops, RowStatus::OnSale) => "shops",
        (RowKind::Auction, RowStatus::OnSale) => "auction",
        (_, RowStatus::OnSale) => "on sale",
        (_, RowStatus::Trading) => "trading",
        (_, RowStatus::SoldOut) => "sold",
    }
}

fn yen(price: i64) -> String {
    format!("¥{}", grouped(price))
}

/// How long ago, in its largest unit.
fn ago(t: Option<Timestamp>, now: Timestamp) -> String {
    let Some(t) = t else { return "-".to_owned() };
    let seconds = now.since(t).as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1, "s"));
    format!("{} {name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_between_the_two() {
        assert_eq!([median(&[]), median(&[3]), median(&[1, 2])], [None, Some(3.0), Some(1.5)]);
    }

    #[test]
    fn an_age_is_in_its_largest_unit() {
        let now = Timestamp::from_secs(200_000);
        let of = |seconds: i64| ago(Some(now.plus(-seconds * 1000)), now);
        assert_eq!([of(5), of(119), of(7_200), of(172_800)], ["5 s", "1 min", "2 h", "2 d"]);
        assert_eq!((ago(None, now), of(-60)), ("-".to_owned(), "0 s".to_owned()));
    }
}
