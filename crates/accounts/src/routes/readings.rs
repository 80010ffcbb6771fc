//! The history of an account: the level, its extremes, what was burnt and added.

use super::AccountsState;
use super::accounts::balance;
use crate::store::{Account, ReadingRow, history};
use api::openapi::{Declared, Parameter};
use api::{ApiError, Data, Params, Path, Reader};
use axum::extract::State;
use model::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

const DAY: u64 = 86_400;
/// Rows of one answer at most.
const MOST: i64 = 20_000;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReadingSeries")]
pub(super) struct Series {
    account: i64,
    pub(super) name: String,
    pub(super) unit: Option<String>,
    from: Timestamp,
    to: Timestamp,
    pub(super) current: Option<Decimal>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    /// Weighted by how long each level was seen to hold.
    pub(super) avg: Option<f64>,
    pub(super) change: Option<f64>,
    pub(super) change_percent: Option<f64>,
    burned: f64,
    added: f64,
    pub(super) series: Vec<Stretch>,
}

/// A stretch in which every look gave the same level.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReadingStretch")]
pub(super) struct Stretch {
    pub(super) at: Timestamp,
    pub(super) until: Timestamp,
    pub(super) remaining: Option<String>,
    total: Option<String>,
    used_ratio: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    burned: f64,
    added: f64,
}

/// Which stretch.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::number("days", 1, 3650, Some(30), "So many days back; not with `from`."),
        Parameter::time("from", "Its beginning."),
        Parameter::time("to", "Its end; now without it."),
        Parameter::number("limit", 1, MOST, Some(MOST), "Rows at most."),
    ];
}

pub(super) async fn readings(
    _: Reader,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
    params: Params<Asked>,
) -> Result<Data<Series>, ApiError> {
    let account = balance(&state, id).await?;
    let to = params.time("to").unwrap_or_else(|| state.now());
    let days = u64::from(params.count("days"));
    let from = params.time("from").unwrap_or(to - Duration::from_secs(days * DAY));
    if from >= to {
        return Err(ApiError::bad_request("from must be before to"));
    }
    Ok(Data::of(series(&state, account, (from, to), params.count("limit").into()).await?))
}

pub(super) async fn series(
    state: &AccountsState,
    account: Account,
    (from, to): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Series, ApiError> {
    let rows = history(&state.store, account.id, (from, to), u32::try_from(limit).unwrap_or(u32::MAX)).await?;
    let reading = account.reading.unwrap_or_default();
    let levels = || rows.iter().filter_map(|r| r.remaining.as_deref()?.parse::<f64>().ok());
    let (first, last) = (levels().next(), levels().next_back());
    let change = first.zip(last).map(|(first, last)| last - first);
    Ok(Series {
        account: account.id,
        name: account.name,
        unit: reading.unit,
        from,
        to,
        current: reading.remaining,
        min: rows.iter().filter_map(|r| r.low).reduce(f64::min),
        max: rows.iter().filter_map(|r| r.high).reduce(f64::max),
        avg: average(&rows),
        change,
        change_percent: change.zip(first).filter(|(_, first)| *first != 0.0).map(|(c, first)| 100.0 * c / first.abs()),
        // What was burnt into the first row lies before the stretch.
        burned: rows.iter().skip(1).map(|r| r.burned).sum(),
        added: rows.iter().skip(1).map(|r| r.added).sum(),
        series: rows.into_iter().map(Stretch::from).collect(),
    })
}

/// The mean level, each counted for as long as it was seen to hold, and a moment where it was seen once.
fn average(rows: &[ReadingRow]) -> Option<f64> {
    let mut weights = 0.0;
    let mut sum = 0.0;
    for row in rows {
        let Some(level) = row.remaining.as_deref().and_then(|text| text.parse::<f64>().ok()) else { continue };
        let weight = row.until.since(row.at).as_secs_f64().max(1.0);
        weights += weight;
        sum += weight * level;
    }
    (weights > 0.0).then(|| sum / weights)
}

impl From<ReadingRow> for Stretch {
    fn from(r: ReadingRow) -> Self {
        Self {
            at: r.at,
            until: r.until,
            remaining: r.remaining,
            total: r.total,
            used_ratio: r.used_ratio,
            low: r.low,
            high: r.high,
            burned: r.burned,
            added: r.added,
        }
    }
}
