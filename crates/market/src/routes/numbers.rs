//! The numbers of an IP: its latest hour, and its hours.

use super::MarketState;
use super::shapes::{FlowJson, HourJson, SaturationJson, StatsJson};
use crate::store::{Hours, Ip, hours_of, latest_hour};
use api::openapi::{Declared, Parameter};
use api::{ApiError, Data, Params, Path};
use axum::extract::State;
use model::{HOUR, Timestamp, hour_start};
use schemars::JsonSchema;
use serde::Serialize;

/// The latest complete hour; what is not known is null.
#[derive(Serialize, JsonSchema)]
pub(super) struct Liquidity {
    ip_id: i64,
    ip_name: String,
    hour_bucket: Option<Timestamp>,
    on_sale_inflow: Option<i64>,
    on_sale_outflow: Option<i64>,
    on_sale_total: Option<i64>,
    sold_inflow: Option<i64>,
    sold_total: Option<i64>,
    active_count: Option<i64>,
    liquidity_index: Option<f64>,
    hot_score: Option<f64>,
    saturated: Option<bool>,
    inflow_saturated: Option<bool>,
    outflow_saturated: Option<bool>,
    /// When the last complete crawl began.
    updated_at: Option<Timestamp>,
    from_cache: bool,
}

pub(super) async fn liquidity(
    State(state): State<MarketState>,
    Path(id): Path<i64>,
    _: Params<()>,
) -> Result<Data<Liquidity>, ApiError> {
    let ip = state.ip(id).await?;
    let hour = match complete_until(&ip, state.now()) {
        Some(until) => latest_hour(&state.store, id, until).await?,
        None => None,
    };
    let flow = hour.as_ref().map(|h| FlowJson::of(&h.flow, state.options.include_shops));
    let saturation = hour.as_ref().map(|h| SaturationJson::of(h.inflow_saturated, h.outflow_saturated));
    Ok(Data::of(Liquidity {
        ip_id: ip.id,
        ip_name: ip.name,
        hour_bucket: hour.as_ref().map(|h| h.hour),
        on_sale_inflow: flow.map(|f| f.inflow),
        // What leaves the shelf and what arrives among the sold is the same event.
        on_sale_outflow: flow.map(|f| f.outflow),
        on_sale_total: ip.on_sale_total,
        sold_inflow: flow.map(|f| f.outflow),
        sold_total: ip.sold_total,
        active_count: hour.as_ref().and_then(|h| h.active_count),
        liquidity_index: flow.and_then(|f| f.liquidity_index),
        hot_score: flow.map(|f| f.hot_score),
        saturated: saturation.map(|s| s.saturated),
        inflow_saturated: hour.as_ref().map(|h| h.inflow_saturated),
        outflow_saturated: hour.as_ref().map(|h| h.outflow_saturated),
        updated_at: ip.crawled_at,
        from_cache: false,
    }))
}

/// Hours that end at or before this are complete; `None` before the first is.
pub(crate) fn complete_until(ip: &Ip, now: Timestamp) -> Option<Timestamp> {
    ip.covered_until.map(|covered| hour_start(covered.min(now)))
}

/// Which hours.
pub(super) struct AskedHours;

impl Declared for AskedHours {
    const PARAMETERS: &'static [Parameter] = &[
        START,
        END,
        Parameter::number("limit", 1, 168, None, "So many at most; 24 of the newest, or 168 of those after `start`."),
    ];
}

/// The beginning of a stretch.
pub(super) const START: Parameter = Parameter::time("start", "None that begins before it.");
/// The end of a stretch.
pub(super) const END: Parameter = Parameter::time("end", "None that ends after it.");

pub(super) async fn hourly(
    State(state): State<MarketState>,
    Path(id): Path<i64>,
    params: Params<AskedHours>,
) -> Result<Data<StatsJson<HourJson>>, ApiError> {
    let limit = params.number("limit");
    let (start, end) = stretch(&params)?;
    let ip = state.ip(id).await?;
    let Some(complete) = complete_until(&ip, state.now()) else { return Ok(Data::of(StatsJson::of(ip, Vec::new()))) };
    let to = end.map_or(complete, |end| complete.min(end));
    // An hour belongs to the stretch when it begins in it.
    let from = start.map_or(Timestamp(i64::MIN), |s| hour_start(s.plus(HOUR - 1)));
    let limit = limit.unwrap_or(if start.is_some() { 168 } else { 24 });
    let limit = u32::try_from(limit).unwrap_or(168);
    let rows = hours_of(&state.store, id, Hours { from, to, limit }).await?;
    let include_shops = state.options.include_shops;
    let stats = rows.into_iter().map(|row| HourJson::of(row, include_shops)).collect();
    Ok(Data::of(StatsJson::of(ip, stats)))
}

/// `start` and `end`, in order.
pub(super) fn stretch<Q: Declared>(params: &Params<Q>) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    let (start, end) = (params.time("start"), params.time("end"));
    if start.zip(end).is_some_and(|(start, end)| start >= end) {
        return Err(ApiError::bad_request("start must be before end"));
    }
    Ok((start, end))
}
