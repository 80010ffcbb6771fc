//! The product's numbers against the ledger of the simulated market, beside those of the old method on the same market
//! at the same instants.

use crate::naive::Naive;
use crate::source::SimPages;
use crate::world::World;
use market::store::{HourRow, Hours, get_ip, hours_of};
use model::{HOUR, SharedClock, SteppedClock, Timestamp, hour_start};
use sim::{LedgerHour, Vanished};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use store::StoreError;

/// How one IP fared.
#[derive(Clone, Debug, Default)]
pub struct IpTruth {
    /// Its keyword.
    pub name: String,
    /// Listings per hour of its profile.
    pub temperature: f64,
    /// Complete hours compared.
    pub hours: u64,
    /// Of these, hours whose inflow is not marked as a lower bound.
    pub whole_hours: u64,
    /// Sum of |ours − truth| of the inflow over the whole hours.
    pub inflow_error: i64,
    /// Listings of the whole hours, by the ledger.
    pub inflow_truth: i64,
    /// Whole hours in which listings came and went between two crawls, and how many: nobody could have seen them.
    pub unobservable: i64,
    /// Hours marked as a lower bound whose inflow is exact after all.
    pub marked_but_exact: u64,
    /// Hours not marked whose inflow is wrong.
    pub wrong_unmarked: u64,
    /// Hours whose inflow is above the truth (a lower bound must never be).
    pub above_truth: u64,
    /// Sales found, by us, over all hours.
    pub outflow_found: i64,
    /// Sales by the ledger, over all hours.
    pub outflow_truth: i64,
    /// Sum of |ours − truth| of the outflow over all hours.
    pub outflow_error: i64,
    /// Sales by the ledger over the hours whose outflow is not marked.
    pub outflow_truth_whole: i64,
    /// Sales found over the hours whose outflow is not marked.
    pub outflow_found_whole: i64,
    /// Sum of |naive − truth| of the inflow over all hours.
    pub naive_inflow_error: i64,
    /// Inflow by the naive method, over all hours.
    pub naive_inflow: i64,
    /// Sum of |naive − truth| of the outflow over all hours.
    pub naive_outflow_error: i64,
    /// Outflow by the naive method, over all hours.
    pub naive_outflow: i64,
    /// Inflow by the ledger, over all hours.
    pub inflow_truth_all: i64,
    /// Sum of |ours − truth| of the inflow over all hours.
    pub inflow_error_all: i64,
    /// Crawls of ours.
    pub crawls: u64,
    /// Requests of ours.
    pub requests: u64,
    /// Requests of ours but for the first crawl, which always goes to the page limit.
    pub requests_after_first: u64,
    /// Requests of the naive method.
    pub naive_requests: u64,
}

/// When each IP was crawled and how many pages it took.
pub type CrawlLog = HashMap<i64, Vec<(Timestamp, u64)>>;

/// Compares every complete hour of every IP.
pub async fn compare(world: &World, log: &CrawlLog) -> Result<Vec<IpTruth>, StoreError> {
    let mut all = Vec::new();
    let profiles = &world.market.config().profiles;
    for ((ip_id, name), profile) in world.ips.iter().zip(profiles) {
        let crawls = log.get(ip_id).cloned().unwrap_or_default();
        let mut truth = IpTruth {
            name: name.clone(),
            temperature: profile.listings_per_hour,
            crawls: crawls.len() as u64,
            requests: crawls.iter().map(|(_, pages)| pages).sum(),
            requests_after_first: crawls.iter().skip(1).map(|(_, pages)| pages).sum(),
            ..IpTruth::default()
        };
        let naive = naive_of(world, name, &crawls).await;
        truth.naive_requests = naive.requests;
        hours(world, *ip_id, name, &naive, &crawls, &mut truth).await?;
        all.push(truth);
    }
    Ok(all)
}

async fn naive_of(world: &World, name: &str, crawls: &[(Timestamp, u64)]) -> Naive {
    let clock = SteppedClock::new(Timestamp(0));
    let shared: SharedClock = Arc::new(clock.clone());
    let pages = SimPages::new(Arc::clone(&world.market), shared).drifting(world.drift);
    let mut naive = Naive::default();
    for (at, _) in crawls {
        clock.set(*at);
        let crawled = naive.crawl(&pages, name, *at).await;
        assert!(crawled.is_ok(), "the simulated market answers: {crawled:?}");
    }
    naive
}

async fn hours(
    world: &World,
    ip_id: i64,
    name: &str,
    naive: &Naive,
    crawls: &[(Timestamp, u64)],
    truth: &mut IpTruth,
) -> Result<(), StoreError> {
    let Some(ip) = get_ip(world.store(), ip_id).await? else { return Ok(()) };
    let Some((since, until)) = ip.tracking_since.zip(ip.covered_until) else { return Ok(()) };
    let (from, to) = (hour_start(since).plus(HOUR), hour_start(until));
    let rows = hours_of(world.store(), ip_id, Hours { from, to, limit: 100_000 }).await?;
    let ours: BTreeMap<Timestamp, HourRow> = rows.into_iter().map(|h| (h.hour, h)).collect();
    for ledger in world.market.ledger(name, from.millis(), to.millis()) {
        let hour = Timestamp(ledger.hour_ms);
        let row = ours.get(&hour);
        assert!(row.is_some(), "{name}: complete hour {hour} has no row");
        let Some(row) = row else { continue };
        let (naive_in, naive_out) = naive.hours.get(&hour).copied().unwrap_or((0, 0));
        tally(row, &ledger, unseen(&ledger, crawls, world.drift), truth);
        let (listed, sold) = (i64::from(ledger.listed), i64::from(ledger.sold));
        truth.naive_inflow_error += (naive_in - listed).abs();
        truth.naive_outflow_error += (naive_out - sold).abs();
        truth.naive_inflow += naive_in;
        truth.naive_outflow += naive_out;
    }
    Ok(())
}

/// Listings of the hour that were deleted before any crawl could see them, after the index showed them (a minute): how
/// many at least and at most. They differ by those that came or went while a crawl, with `drift` ms from one request to
/// the next, was under way; and by all when nobody wrote down when crawls were.
fn unseen(ledger: &LedgerHour, crawls: &[(Timestamp, u64)], drift: i64) -> (i64, i64) {
    // Shops products count apart, and their ids are the ones that do not begin with `m` and a digit.
    let personal = || ledger.vanished.iter().filter(|v| v.id.starts_with('m') && v.id.len() <= 12);
    let unseen = |seen: &dyn Fn(Timestamp, Timestamp, Timestamp, Timestamp) -> bool| {
        let seen = |vanished: &&Vanished| {
            let from = Timestamp::from_secs(i64::from(vanished.created)).plus(60_000);
            let to = Timestamp::from_secs(i64::from(vanished.deleted));
            crawls.iter().any(|(at, pages)| seen(from, to, *at, at.plus(i64::try_from(*pages).unwrap_or(0) * drift)))
        };
        i64::try_from(personal().filter(|vanished| !seen(vanished)).count()).unwrap_or(0)
    };
    let least = unseen(&|from, to, begun, ended| ended >= from && begun < to);
    let most = unseen(&|from, to, begun, ended| begun >= from && ended < to);
    (if crawls.is_empty() { 0 } else { least }, most)
}

fn tally(row: &HourRow, ledger: &LedgerHour, (least, most): (i64, i64), truth: &mut IpTruth) {
    let (listed, sold) = (i64::from(ledger.listed), i64::from(ledger.sold));
    let error = (row.flow.inflow - row.flow.inflow.clamp(listed - most, listed - least)).abs();
    truth.hours += 1;
    truth.inflow_truth_all += listed;
    truth.inflow_error_all += error;
    if row.inflow_saturated {
        truth.marked_but_exact += u64::from(error == 0);
    } else {
        truth.whole_hours += 1;
        truth.inflow_error += error;
        truth.inflow_truth += listed;
        truth.unobservable += least;
        truth.wrong_unmarked += u64::from(error != 0);
    }
    truth.above_truth += u64::from(row.flow.inflow > listed);
    truth.outflow_found += row.flow.outflow;
    truth.outflow_truth += sold;
    truth.outflow_error += (row.flow.outflow - sold).abs();
    if !row.outflow_saturated {
        truth.outflow_truth_whole += sold;
        truth.outflow_found_whole += row.flow.outflow;
    }
}

/// Where the sales of the sampled crawls lay in the sold listing when the crawl looked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Depth {
    /// Sales since the crawl before.
    pub sales: u64,
    /// On the first page.
    pub first_page: u64,
    /// Within the first five pages.
    pub five_pages: u64,
    /// Within the first fifty pages.
    pub fifty_pages: u64,
    /// Not shown as sold any more (called off) or not shown yet.
    pub hidden: u64,
}

/// How deep sales hide: every `nth` crawl of every IP.
pub fn depth(world: &World, log: &CrawlLog, nth: usize) -> Depth {
    let mut depth = Depth::default();
    for (ip_id, name) in &world.ips {
        let crawls = log.get(ip_id).map_or(&[][..], Vec::as_slice);
        for pair in crawls.windows(2).step_by(nth.max(1)) {
            for sale in world.market.sold_depth(name, pair[1].0.millis(), pair[0].0.millis()) {
                depth.sales += 1;
                match sale.row {
                    Some(row) => {
                        depth.first_page += u64::from(row < 118);
                        depth.five_pages += u64::from(row < 595);
                        depth.fifty_pages += u64::from(row < 5_950);
                    }
                    None => depth.hidden += 1,
                }
            }
        }
    }
    depth
}
