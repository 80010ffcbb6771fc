//! Numbers by the hour, and the sales they are made of.

use crate::detect::{Changes, Flow, Gap, HourFlow};
use crate::statistics::{PriceStatistics, price_statistics};
use model::{HOUR, Timestamp, hour_start};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use store::{OnConflict, Row, Set, Store, StoreError, Tx, Value, args};

/// The cheapest or dearest item of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SaleItem {
    /// Mercari's id.
    pub source_id: String,
    /// Its title.
    pub title: String,
    /// JPY.
    pub price: i64,
    /// Its page.
    pub item_url: String,
    /// Its picture.
    pub image_url: Option<String>,
}

/// One hour of one IP.
#[derive(Clone, Debug, PartialEq)]
pub struct HourRow {
    /// Its start.
    pub hour: Timestamp,
    /// What moved.
    pub flow: HourFlow,
    /// Listings may be missing.
    pub inflow_saturated: bool,
    /// Sales may be missing.
    pub outflow_saturated: bool,
    /// On sale at its end; `None` when that is not known.
    pub active_count: Option<i64>,
    /// Of the sold prices.
    pub prices: PriceStatistics,
    /// The cheapest sale.
    pub min_item: Option<SaleItem>,
    /// The dearest sale.
    pub max_item: Option<SaleItem>,
}

/// A stretch of hours to read.
#[derive(Clone, Copy, Debug)]
pub struct Hours {
    /// From this hour on.
    pub from: Timestamp,
    /// Up to but not including this hour.
    pub to: Timestamp,
    /// At most so many, the newest.
    pub limit: u32,
}

const COLUMNS: &str = "hour, inflow, outflow, shops_inflow, shops_outflow, inflow_gaps, outflow_gaps, active_count, \
     samples, mean_price, median_price, min_price, max_price, price_stddev, min_item, max_item";

pub(super) fn sale_item(text: Option<String>) -> Option<SaleItem> {
    text.and_then(|t| serde_json::from_str(&t).ok())
}

pub(super) fn prices(r: &Row, from: usize) -> Result<PriceStatistics, StoreError> {
    Ok(PriceStatistics {
        samples: usize::try_from(r.int(from)?).unwrap_or(0),
        mean: r.opt_real(from + 1)?,
        median: r.opt_real(from + 2)?,
        min: r.opt_int(from + 3)?,
        max: r.opt_int(from + 4)?,
        stddev: r.opt_real(from + 5)?,
    })
}

fn hour_row(r: &Row) -> Result<HourRow, StoreError> {
    Ok(HourRow {
        hour: r.time(0)?,
        flow: HourFlow { inflow: r.int(1)?, outflow: r.int(2)?, shops_inflow: r.int(3)?, shops_outflow: r.int(4)? },
        inflow_saturated: r.int(5)? > 0,
        outflow_saturated: r.int(6)? > 0,
        active_count: r.opt_int(7)?,
        prices: prices(r, 8)?,
        min_item: sale_item(r.opt_text(14)?),
        max_item: sale_item(r.opt_text(15)?),
    })
}

/// Hours of an IP, newest first.
pub async fn hours_of(store: &Store, ip_id: i64, hours: Hours) -> Result<Vec<HourRow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM hours WHERE ip_id = ? AND hour >= ? AND hour < ? ORDER BY hour DESC LIMIT ?");
    store.query(&sql, args![ip_id, hours.from, hours.to, hours.limit]).await?.iter().map(hour_row).collect()
}

/// The last hour of an IP that ends at or before `until`.
pub async fn latest_hour(store: &Store, ip_id: i64, until: Timestamp) -> Result<Option<HourRow>, StoreError> {
    let hours = Hours { from: Timestamp(0), to: hour_start(until), limit: 1 };
    Ok(hours_of(store, ip_id, hours).await?.into_iter().next())
}

/// Adds what a crawl saw to the hours it touches; answers the completed hours as they now stand, oldest first.
pub async fn write_hours(tx: &mut Tx, ip_id: i64, changes: &Changes) -> Result<Vec<HourRow>, StoreError> {
    write_sales(tx, ip_id, &changes.flow).await?;
    add_flow(tx, ip_id, changes).await?;
    let sold: BTreeSet<Timestamp> = changes.flow.sales.iter().map(|s| hour_start(s.at)).collect();
    for hour in sold {
        write_prices(tx, ip_id, hour).await?;
    }
    let levels: Vec<Vec<Value>> = changes
        .completed
        .iter()
        .map(|(hour, level)| args![ip_id, *hour, 0_i64, 0_i64, 0_i64, 0_i64, 0_i64, 0_i64, *level, 0_i64])
        .collect();
    tx.insert_many("hours", ADDED, levels, OnConflict::Update(&["ip_id", "hour"], &[Set::To("active_count")])).await?;
    let Some((first, last)) = changes.completed.first().zip(changes.completed.last()) else { return Ok(Vec::new()) };
    let sql = format!("SELECT {COLUMNS} FROM hours WHERE ip_id = ? AND hour >= ? AND hour <= ? ORDER BY hour");
    tx.query(&sql, args![ip_id, first.0, last.0]).await?.iter().map(hour_row).collect()
}

async fn write_sales(tx: &mut Tx, ip_id: i64, flow: &Flow) -> Result<(), StoreError> {
    let columns = ["ip_id", "sold_at", "source_id", "title", "price", "shops", "item_url", "image_url"];
    let rows = flow
        .sales
        .iter()
        .map(|s| args![ip_id, s.at, &s.source_id, &s.title, s.price, s.shops, &s.item_url, s.image_url.as_deref()])
        .collect();
    tx.insert_many("sales", &columns, rows, OnConflict::Fail).await
}

const ADDED: &[&str] = &[
    "ip_id",
    "hour",
    "inflow",
    "outflow",
    "shops_inflow",
    "shops_outflow",
    "inflow_gaps",
    "outflow_gaps",
    "active_count",
    "samples",
];

async fn add_flow(tx: &mut Tx, ip_id: i64, changes: &Changes) -> Result<(), StoreError> {
    let mut hours: BTreeMap<Timestamp, (HourFlow, i64, i64)> = BTreeMap::new();
    for (hour, flow) in &changes.flow.hours {
        hours.entry(*hour).or_default().0 = *flow;
    }
    for hour in Gap::hours(changes.gap.inflow) {
        hours.entry(hour).or_default().1 = 1;
    }
    for hour in Gap::hours(changes.gap.outflow) {
        hours.entry(hour).or_default().2 = 1;
    }
    let rows = hours
        .into_iter()
        .map(|(hour, (f, inflow_gaps, outflow_gaps))| {
            let level: Option<i64> = None;
            args![
                ip_id,
                hour,
                f.inflow,
                f.outflow,
                f.shops_inflow,
                f.shops_outflow,
                inflow_gaps,
                outflow_gaps,
                level,
                0_i64
            ]
        })
        .collect();
    let add = &[
        Set::Plus("inflow"),
        Set::Plus("outflow"),
        Set::Plus("shops_inflow"),
        Set::Plus("shops_outflow"),
        Set::Plus("inflow_gaps"),
        Set::Plus("outflow_gaps"),
    ];
    tx.insert_many("hours", ADDED, rows, OnConflict::Update(&["ip_id", "hour"], add)).await
}

/// The sales of a stretch that belong into price statistics, with the cheapest and the dearest.
pub(super) async fn priced_sales(
    tx: &mut Tx,
    ip_id: i64,
    from: Timestamp,
    to: Timestamp,
) -> Result<(PriceStatistics, Option<String>, Option<String>), StoreError> {
    let rows = tx
        .query(
            "SELECT price FROM sales WHERE ip_id = ? AND sold_at >= ? AND sold_at < ? AND shops = 0 \
             AND price IS NOT NULL",
            args![ip_id, from, to],
        )
        .await?;
    let mut prices = rows.iter().map(|r| r.int(0)).collect::<Result<Vec<_>, _>>()?;
    let statistics = price_statistics(&mut prices);
    let (mut cheapest, mut dearest) = (None, None);
    if let (Some(min), Some(max)) = (statistics.min, statistics.max) {
        cheapest = item_at_price(tx, ip_id, from, to, min).await?;
        dearest = item_at_price(tx, ip_id, from, to, max).await?;
    }
    Ok((statistics, cheapest, dearest))
}

async fn item_at_price(
    tx: &mut Tx,
    ip_id: i64,
    from: Timestamp,
    to: Timestamp,
    price: i64,
) -> Result<Option<String>, StoreError> {
    let row = tx
        .query_one(
            "SELECT source_id, title, item_url, image_url FROM sales WHERE ip_id = ? AND sold_at >= ? \
             AND sold_at < ? AND shops = 0 AND price = ? ORDER BY sold_at, source_id LIMIT 1",
            args![ip_id, from, to, price],
        )
        .await?;
    let Some(r) = row else { return Ok(None) };
    let item =
        SaleItem { source_id: r.text(0)?, title: r.text(1)?, price, item_url: r.text(2)?, image_url: r.opt_text(3)? };
    Ok(serde_json::to_string(&item).ok())
}

/// Computes the hour's price statistics anew over all of its sales.
async fn write_prices(tx: &mut Tx, ip_id: i64, hour: Timestamp) -> Result<(), StoreError> {
    let (s, cheapest, dearest) = priced_sales(tx, ip_id, hour, hour.plus(HOUR)).await?;
    tx.exec(
        "UPDATE hours SET samples = ?, mean_price = ?, median_price = ?, min_price = ?, max_price = ?, \
         price_stddev = ?, min_item = ?, max_item = ? WHERE ip_id = ? AND hour = ?",
        args![s.samples, s.mean, s.median, s.min, s.max, s.stddev, cheapest, dearest, ip_id, hour],
    )
    .await?;
    Ok(())
}

/// Prices of the sales of a stretch that belong into price statistics, unordered.
pub async fn sold_prices(store: &Store, ip_id: i64, from: Timestamp, to: Timestamp) -> Result<Vec<i64>, StoreError> {
    let rows = store
        .query(
            "SELECT price FROM sales WHERE ip_id = ? AND sold_at >= ? AND sold_at < ? AND shops = 0 \
             AND price IS NOT NULL",
            args![ip_id, from, to],
        )
        .await?;
    rows.iter().map(|r| r.int(0)).collect()
}
