//! Rows as the API shows them.

use crate::detect::HourFlow;
use crate::statistics::{PriceStatistics, hot_score, liquidity_index};
use crate::store::{HourRow, Ip, RollupRow, SaleItem, Schedule};
use crate::thresholds::Thresholds;
use model::{HOUR, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// An IP with its schedule.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Ip")]
pub(crate) struct IpJson {
    #[serde(flatten)]
    ip: Ip,
    thresholds: Thresholds,
    next_due: Option<Timestamp>,
    failures: Option<u32>,
    failing: Option<bool>,
    last_error_class: Option<String>,
    /// Inside text: for the administrator only.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl IpJson {
    pub(crate) fn of(ip: Ip, schedule: Option<&Schedule>, max_retries: u32, admin: bool) -> Self {
        let scheduled = ip.status == model::TargetState::Active;
        Self {
            thresholds: serde_json::from_str(&ip.thresholds).unwrap_or_default(),
            next_due: schedule.filter(|_| scheduled).map(|s| s.next_due),
            failures: schedule.map(|s| s.failures),
            failing: schedule.map(|s| s.failures >= max_retries.max(1)),
            last_error_class: schedule.and_then(|s| s.last_error_class.clone()),
            last_error: schedule.filter(|_| admin).and_then(|s| s.last_error.clone()),
            ip,
        }
    }
}

/// What moved, as shown: with `include_shops` Shops products count too.
#[derive(Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct FlowJson {
    pub(crate) inflow: i64,
    pub(crate) outflow: i64,
    shops_inflow: i64,
    shops_outflow: i64,
    pub(crate) liquidity_index: Option<f64>,
    pub(crate) hot_score: f64,
}

impl FlowJson {
    pub(crate) fn of(flow: &HourFlow, include_shops: bool) -> Self {
        let shops = i64::from(include_shops);
        let (inflow, outflow) = (flow.inflow + shops * flow.shops_inflow, flow.outflow + shops * flow.shops_outflow);
        Self {
            inflow,
            outflow,
            shops_inflow: flow.shops_inflow,
            shops_outflow: flow.shops_outflow,
            liquidity_index: liquidity_index(inflow, outflow),
            hot_score: hot_score(inflow, outflow),
        }
    }
}

/// Of the sold prices; null where nothing with a price was sold.
#[derive(Serialize, JsonSchema)]
struct PricesJson {
    avg_price: Option<f64>,
    median_price: Option<f64>,
    min_price: Option<i64>,
    max_price: Option<i64>,
    price_stddev: Option<f64>,
    sample_count: usize,
    min_price_item: Option<SaleItem>,
    max_price_item: Option<SaleItem>,
}

impl PricesJson {
    fn of(p: &PriceStatistics, min_item: Option<SaleItem>, max_item: Option<SaleItem>) -> Self {
        Self {
            avg_price: p.mean,
            median_price: p.median,
            min_price: p.min,
            max_price: p.max,
            price_stddev: p.stddev,
            sample_count: p.samples,
            min_price_item: min_item,
            max_price_item: max_item,
        }
    }
}

/// Which of the numbers are lower bounds.
#[derive(Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct SaturationJson {
    pub(crate) saturated: bool,
    inflow_saturated: bool,
    outflow_saturated: bool,
}

impl SaturationJson {
    pub(crate) const fn of(inflow_saturated: bool, outflow_saturated: bool) -> Self {
        Self { saturated: inflow_saturated || outflow_saturated, inflow_saturated, outflow_saturated }
    }
}

/// A complete hour.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Hour")]
pub(crate) struct HourJson {
    hour_bucket: Timestamp,
    #[serde(flatten)]
    flow: FlowJson,
    active_count: Option<i64>,
    #[serde(flatten)]
    prices: PricesJson,
    #[serde(flatten)]
    saturation: SaturationJson,
}

impl HourJson {
    pub(crate) fn of(row: HourRow, include_shops: bool) -> Self {
        Self {
            hour_bucket: row.hour,
            flow: FlowJson::of(&row.flow, include_shops),
            active_count: row.active_count,
            prices: PricesJson::of(&row.prices, row.min_item, row.max_item),
            saturation: SaturationJson::of(row.inflow_saturated, row.outflow_saturated),
        }
    }
}

/// A day, a week or a month.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RollUp")]
pub(crate) struct PeriodJson {
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// Complete hours it covers.
    hours: i64,
    /// It covers all of its hours.
    complete: bool,
    #[serde(flatten)]
    flow: FlowJson,
    active_count: Option<i64>,
    #[serde(flatten)]
    prices: PricesJson,
    #[serde(flatten)]
    saturation: SaturationJson,
}

impl PeriodJson {
    pub(crate) fn of(row: RollupRow, include_shops: bool) -> Self {
        Self {
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            hours: row.hours,
            complete: row.hours * HOUR >= row.ends_at.millis() - row.starts_at.millis(),
            flow: FlowJson::of(&row.flow, include_shops),
            active_count: row.active_count,
            prices: PricesJson::of(&row.prices, row.min_item, row.max_item),
            saturation: SaturationJson::of(row.inflow_saturated, row.outflow_saturated),
        }
    }
}

/// Numbers of one IP, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StatsOf{T}")]
pub(crate) struct StatsJson<T> {
    ip_id: i64,
    ip_name: String,
    stats: Vec<T>,
    count: usize,
}

impl<T> StatsJson<T> {
    pub(crate) fn of(ip: Ip, stats: Vec<T>) -> Self {
        Self { ip_id: ip.id, ip_name: ip.name, count: stats.len(), stats }
    }
}
