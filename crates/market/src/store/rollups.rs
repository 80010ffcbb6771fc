//! Days, weeks and months, computed from what they cover: flows are sums of hours (or of days), prices are over all
//! sales of the period.

use super::hours::{SaleItem, priced_sales, prices, sale_item};
use crate::detect::HourFlow;
use crate::statistics::PriceStatistics;
use model::{Period, Timestamp, day_start, next_period};
use store::{OnConflict, Set, Store, StoreError, Tx, args};

/// One period of one IP.
#[derive(Clone, Debug, PartialEq)]
pub struct RollupRow {
    /// Its start.
    pub starts_at: Timestamp,
    /// Its end.
    pub ends_at: Timestamp,
    /// What moved.
    pub flow: HourFlow,
    /// Complete hours it covers.
    pub hours: i64,
    /// Listings may be missing.
    pub inflow_saturated: bool,
    /// Sales may be missing.
    pub outflow_saturated: bool,
    /// On sale at its end.
    pub active_count: Option<i64>,
    /// Of the sold prices.
    pub prices: PriceStatistics,
    /// The cheapest sale.
    pub min_item: Option<SaleItem>,
    /// The dearest sale.
    pub max_item: Option<SaleItem>,
}

/// IPs with a whole day that is complete and not rolled up: number, the day to begin with, and where cover ends.
pub async fn due_for_rollup(store: &Store) -> Result<Vec<(i64, Timestamp, Timestamp)>, StoreError> {
    let rows = store
        .query(
            "SELECT id, COALESCE(rolled_until, tracking_since), covered_until FROM ips \
             WHERE covered_until >= COALESCE(rolled_until, tracking_since) + 86400000 ORDER BY id",
            args![],
        )
        .await?;
    rows.iter().map(|r| Ok((r.int(0)?, day_start(r.time(1)?), r.time(2)?))).collect()
}

/// Writes up to which day an IP is rolled up.
pub async fn set_rolled(tx: &mut Tx, ip_id: i64, until: Timestamp) -> Result<(), StoreError> {
    tx.exec("UPDATE ips SET rolled_until = ? WHERE id = ?", args![until, ip_id]).await?;
    Ok(())
}

/// A late event has changed the hour at `hour`: what is rolled up from there on is rolled up again.
pub async fn forget_rolled(tx: &mut Tx, ip_id: i64, hour: Timestamp) -> Result<(), StoreError> {
    let day = day_start(hour);
    tx.exec(
        "UPDATE ips SET rolled_until = ? WHERE id = ? AND rolled_until IS NOT NULL AND rolled_until > ?",
        args![day, ip_id, day],
    )
    .await?;
    Ok(())
}

/// Computes one period and writes it; running it again changes nothing. A period without a complete hour is left out.
pub async fn roll_up(tx: &mut Tx, ip_id: i64, period: Period, start: Timestamp) -> Result<(), StoreError> {
    let end = next_period(period, start);
    let sums = match period {
        Period::Daily => {
            "SELECT CAST(SUM(inflow) AS @INT@), CAST(SUM(outflow) AS @INT@), CAST(SUM(shops_inflow) AS @INT@), \
             CAST(SUM(shops_outflow) AS @INT@), COUNT(*), CAST(SUM(inflow_gaps) AS @INT@), \
             CAST(SUM(outflow_gaps) AS @INT@) FROM hours WHERE ip_id = ? AND hour >= ? AND hour < ?"
        }
        // Hours are kept 30 days, a month may have 31: weeks and months are summed from their days.
        Period::Weekly | Period::Monthly => {
            "SELECT CAST(SUM(inflow) AS @INT@), CAST(SUM(outflow) AS @INT@), CAST(SUM(shops_inflow) AS @INT@), \
             CAST(SUM(shops_outflow) AS @INT@), CAST(SUM(hours) AS @INT@), CAST(SUM(inflow_gaps) AS @INT@), \
             CAST(SUM(outflow_gaps) AS @INT@) FROM rollups \
             WHERE ip_id = ? AND starts_at >= ? AND starts_at < ? AND period = 'daily'"
        }
    };
    let Some(r) = tx.query_one(sums, args![ip_id, start, end]).await? else { return Ok(()) };
    let hours = r.opt_int(4)?.unwrap_or(0);
    if hours == 0 {
        return Ok(());
    }
    let level = last_level(tx, ip_id, start, end).await?;
    let (s, cheapest, dearest) = priced_sales(tx, ip_id, start, end).await?;
    let row = args![
        ip_id,
        period.as_str(),
        start,
        end,
        r.int(0)?,
        r.int(1)?,
        r.int(2)?,
        r.int(3)?,
        hours,
        r.int(5)?,
        r.int(6)?,
        level,
        s.samples,
        s.mean,
        s.median,
        s.min,
        s.max,
        s.stddev,
        cheapest,
        dearest,
    ];
    let conflict = OnConflict::Update(&["ip_id", "period", "starts_at"], REPLACED);
    tx.insert_many("rollups", WRITTEN, vec![row], conflict).await
}

async fn last_level(tx: &mut Tx, ip_id: i64, start: Timestamp, end: Timestamp) -> Result<Option<i64>, StoreError> {
    let row = tx
        .query_one(
            "SELECT active_count FROM hours WHERE ip_id = ? AND hour >= ? AND hour < ? ORDER BY hour DESC LIMIT 1",
            args![ip_id, start, end],
        )
        .await?;
    row.map_or(Ok(None), |r| r.opt_int(0))
}

const WRITTEN: &[&str] = &[
    "ip_id",
    "period",
    "starts_at",
    "ends_at",
    "inflow",
    "outflow",
    "shops_inflow",
    "shops_outflow",
    "hours",
    "inflow_gaps",
    "outflow_gaps",
    "active_count",
    "samples",
    "mean_price",
    "median_price",
    "min_price",
    "max_price",
    "price_stddev",
    "min_item",
    "max_item",
];

const REPLACED: &[Set] = &[
    Set::To("inflow"),
    Set::To("outflow"),
    Set::To("shops_inflow"),
    Set::To("shops_outflow"),
    Set::To("hours"),
    Set::To("inflow_gaps"),
    Set::To("outflow_gaps"),
    Set::To("active_count"),
    Set::To("samples"),
    Set::To("mean_price"),
    Set::To("median_price"),
    Set::To("min_price"),
    Set::To("max_price"),
    Set::To("price_stddev"),
    Set::To("min_item"),
    Set::To("max_item"),
];

/// Rolled-up periods of an IP, newest first.
pub async fn list_rollups(
    store: &Store,
    ip_id: i64,
    period: Period,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
) -> Result<Vec<RollupRow>, StoreError> {
    let rows = store
        .query(
            "SELECT starts_at, ends_at, inflow, outflow, shops_inflow, shops_outflow, hours, inflow_gaps, \
             outflow_gaps, active_count, samples, mean_price, median_price, min_price, max_price, price_stddev, \
             min_item, max_item FROM rollups WHERE ip_id = ? AND period = ? AND starts_at >= ? AND starts_at < ? \
             ORDER BY starts_at DESC LIMIT ?",
            args![ip_id, period.as_str(), from, to, limit],
        )
        .await?;
    rows.iter()
        .map(|r| {
            Ok(RollupRow {
                starts_at: r.time(0)?,
                ends_at: r.time(1)?,
                flow: HourFlow {
                    inflow: r.int(2)?,
                    outflow: r.int(3)?,
                    shops_inflow: r.int(4)?,
                    shops_outflow: r.int(5)?,
                },
                hours: r.int(6)?,
                inflow_saturated: r.int(7)? > 0,
                outflow_saturated: r.int(8)? > 0,
                active_count: r.opt_int(9)?,
                prices: prices(r, 10)?,
                min_item: sale_item(r.opt_text(16)?),
                max_item: sale_item(r.opt_text(17)?),
            })
        })
        .collect()
}

/// Sold prices of a stretch that belong into statistics, unordered.
pub async fn prices_between(
    tx: &mut Tx,
    ip_id: i64,
    from: Timestamp,
    to: Timestamp,
) -> Result<PriceStatistics, StoreError> {
    Ok(priced_sales(tx, ip_id, from, to).await?.0)
}
