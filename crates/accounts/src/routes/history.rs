//! `/api/history/…`, as the system that is replaced had it.

use super::AccountsState;
use super::accounts::balance;
use super::old::{all, digits};
use super::readings::{Series, series};
use crate::store::Account;
use api::openapi::{Declared, Parameter};
use api::{ApiError, Params, Path, Reader};
use axum::Json;
use axum::extract::State;
use model::{AlertStatus, Timestamp, WatchKind};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;
use store::AlertFilter;

const DAYS: Parameter = Parameter::number("days", 1, 3650, Some(7), "So many days back.");
const LIMIT: Parameter = Parameter::number("limit", 1, 20_000, Some(1000), "Rows at most.");

/// Which stretch.
pub(super) struct Span;

impl Declared for Span {
    const PARAMETERS: &'static [Parameter] = &[DAYS, LIMIT];
}

async fn stretch<Q: Declared>(state: &AccountsState, account: Account, params: &Params<Q>) -> Result<Series, ApiError> {
    let days = u64::from(params.count("days"));
    let now = state.now();
    series(state, account, (now - Duration::from_secs(days * 86_400), now), params.count("limit").into()).await
}

/// Of which accounts.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::id("project_id", "Of this account only."),
        Parameter::text("provider", 191, "Of accounts at this provider only."),
        DAYS,
        LIMIT,
    ];
}

/// Rows and how many there are.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CountedOf{T}")]
pub(super) struct Counted<T> {
    count: u64,
    data: Vec<T>,
}

/// A level that was seen from `timestamp` until `until`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldLevel")]
pub(super) struct Level {
    project_id: i64,
    project_name: String,
    provider: String,
    #[schemars(with = "Option<f64>")]
    balance: Option<Box<RawValue>>,
    currency: Option<String>,
    timestamp: Timestamp,
    until: Timestamp,
}

pub(super) async fn balances(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params<Asked>,
) -> Result<Json<Counted<Level>>, ApiError> {
    let accounts = match params.number("project_id") {
        Some(id) => vec![balance(&state, id).await?],
        None => all(&state).await?,
    };
    let mut data = Vec::new();
    for account in accounts.into_iter().filter(|a| params.text("provider").is_none_or(|p| p == a.provider)) {
        let (provider, project_id) = (account.provider.clone(), account.id);
        let found = stretch(&state, account, &params).await?;
        data.extend(found.series.into_iter().map(|r| Level {
            project_id,
            project_name: found.name.clone(),
            provider: provider.clone(),
            balance: r.remaining.and_then(|text| RawValue::from_string(text).ok()),
            currency: found.unit.clone(),
            timestamp: r.at,
            until: r.until,
        }));
    }
    data.sort_by_key(|level| std::cmp::Reverse(level.timestamp));
    data.truncate(params.count("limit") as usize);
    Ok(Json(Counted { count: data.len() as u64, data }))
}

pub(super) async fn trend(
    _: Reader,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
    params: Params<Span>,
) -> Result<Json<Series>, ApiError> {
    Ok(Json(stretch(&state, balance(&state, id).await?, &params).await?))
}

/// Which alerts.
pub(super) struct AskedAlerts;

impl Declared for AskedAlerts {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::id("project_id", "About this account only."),
        Parameter::number("limit", 1, 1000, Some(100), "Rows at most."),
    ];
}

/// An alert about an account.
#[derive(Serialize, JsonSchema)]
pub(super) struct OldAlert {
    id: i64,
    project_id: i64,
    alert_type: String,
    severity: String,
    status: AlertStatus,
    title: String,
    message: String,
    value: Option<f64>,
    timestamp: Timestamp,
    resolved_at: Option<Timestamp>,
}

pub(super) async fn alerts(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params<AskedAlerts>,
) -> Result<Json<Counted<OldAlert>>, ApiError> {
    let filter = AlertFilter {
        kind: Some(WatchKind::Account),
        ref_id: params.number("project_id"),
        limit: params.count("limit"),
        ..AlertFilter::default()
    };
    let (alerts, count) = store::list_alerts(&state.store, &filter).await?;
    let data = alerts.into_iter().map(|a| OldAlert {
        id: a.id,
        project_id: a.ref_id,
        alert_type: a.alert_type,
        severity: a.severity,
        status: a.life.status,
        title: a.title,
        message: a.message,
        value: a.value,
        timestamp: a.life.opened_at,
        resolved_at: a.life.resolved_at,
    });
    Ok(Json(Counted { count, data: data.collect() }))
}

/// The numbers of every account.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldStats")]
pub(super) struct Stats {
    projects: Vec<ProjectStats>,
}

/// The numbers of one account; null where nothing is known.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldProjectStats")]
struct ProjectStats {
    project_id: i64,
    #[schemars(with = "Option<f64>")]
    current: Option<Box<RawValue>>,
    min: Option<f64>,
    max: Option<f64>,
    avg: Option<f64>,
    change: Option<f64>,
    change_percent: Option<f64>,
    readings: usize,
}

pub(super) async fn stats(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params<Span>,
) -> Result<Json<Stats>, ApiError> {
    let mut projects = Vec::new();
    for account in all(&state).await? {
        let project_id = account.id;
        let s = stretch(&state, account, &params).await?;
        projects.push(ProjectStats {
            project_id,
            current: digits(s.current),
            min: s.min,
            max: s.max,
            avg: s.avg,
            change: s.change,
            change_percent: s.change_percent,
            readings: s.series.len(),
        });
    }
    Ok(Json(Stats { projects }))
}
