//! The shapes that clients of the balance monitor replaced still ask for.

use super::accounts::balance;
use super::readings::{Series, series};
use super::{AccountsState, audit};
use crate::store::{
    Account, AccountFilter, AccountPatch, find_account_by_name, list_accounts, open_alerts, update_account,
};
use crate::threshold::{Measure, Threshold};
use api::{ApiError, Json, Operator, Params, Path, Reader};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Timestamp, WatchKind};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::time::Duration;
use store::{AlertFilter, StoreError};

/// Balances of one answer at most.
const MOST: u32 = 10_000;
/// How often a check of everything may be asked for.
const PAUSE: Duration = Duration::from_secs(30);
const LAST_REFRESH: &str = "accounts/refreshed";

/// An amount as a JSON number with all its digits; unknown is null.
fn number<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    let raw = amount.and_then(|amount| RawValue::from_string(amount.normalize().to_string()).ok());
    raw.serialize(serializer)
}

#[derive(Serialize)]
struct Project {
    id: i64,
    name: String,
    owner_project: String,
    provider: String,
    r#type: String,
    success: bool,
    #[serde(serialize_with = "number")]
    balance: Option<Decimal>,
    #[serde(serialize_with = "number")]
    credits: Option<Decimal>,
    #[serde(serialize_with = "number")]
    threshold: Option<Decimal>,
    currency: Option<String>,
    need_alarm: bool,
    alarm_sent: bool,
    days_left: Option<f64>,
    /// The number is of an earlier look, because the last one gave none.
    cached: bool,
    error: Option<String>,
    last_update: Option<Timestamp>,
}

fn threshold_of(account: &Account) -> Option<Decimal> {
    account.thresholds.iter().find(|t| t.measure == Measure::Remaining).map(|t| t.below)
}

impl Project {
    fn of(account: Account, alerts: &[crate::store::OpenAlert]) -> Self {
        let success = account.status == "ok";
        let threshold = threshold_of(&account);
        let reading = account.reading.unwrap_or_default();
        let money = account.amount == "balance";
        Self {
            id: account.id,
            name: account.name,
            owner_project: account.group,
            provider: account.provider,
            r#type: account.amount,
            success,
            balance: reading.remaining.filter(|_| money),
            credits: reading.remaining.filter(|_| !money),
            threshold,
            currency: reading.unit,
            need_alarm: alerts.iter().any(|a| a.alert_type != crate::judge::UNREADABLE),
            alarm_sent: !alerts.is_empty(),
            days_left: account.forecast.and_then(|f| f.days_left),
            cached: !success && account.good_at.is_some(),
            error: account.error.filter(|_| !success),
            last_update: account.good_at,
        }
    }
}

async fn all(state: &AccountsState) -> Result<Vec<Account>, StoreError> {
    let filter = AccountFilter { limit: MOST, ..AccountFilter::default() };
    list_accounts(&state.store, &filter).await.map(|(accounts, _)| accounts)
}

pub(super) async fn credits(
    _: Reader,
    State(state): State<AccountsState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accounts = all(&state).await?;
    let ids: Vec<i64> = accounts.iter().map(|a| a.id).collect();
    let alerts = open_alerts(&state.store, WatchKind::Account, &ids).await?;
    let last_update = accounts.iter().filter_map(|a| a.checked_at).max();
    let none = Vec::new();
    let projects: Vec<Project> = accounts
        .into_iter()
        .map(|a| (alerts.get(&a.id).unwrap_or(&none), a))
        .map(|(al, a)| Project::of(a, al))
        .collect();
    let body = serde_json::to_vec(&json!({"projects": projects, "last_update": last_update}));
    let body = body.map_err(ApiError::internal)?;
    Ok(tagged(&headers, body))
}

/// The body with a tag of its bytes; nothing but the tag when the client has it already.
pub(super) fn tagged(headers: &HeaderMap, body: Vec<u8>) -> Response {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
    let half: String = digest.as_ref().iter().take(12).map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{half}\"");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    let known = known.flat_map(|v| v.split(',')).any(|v| v.trim().trim_start_matches("W/") == tag || v.trim() == "*");
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Named {
    project_name: Option<String>,
}

pub(super) async fn refresh(
    operator: Operator,
    State(state): State<AccountsState>,
) -> Result<axum::Json<Value>, ApiError> {
    start(operator, &state, None).await
}

pub(super) async fn refresh_named(
    operator: Operator,
    State(state): State<AccountsState>,
    body: Bytes,
) -> Result<axum::Json<Value>, ApiError> {
    let named: Named = match body.iter().all(u8::is_ascii_whitespace) {
        true => Named::default(),
        false => serde_json::from_slice(&body).map_err(|e| ApiError::bad_request(format!("body: {e}")))?,
    };
    start(operator, &state, named.project_name).await
}

/// Makes accounts due now; the check itself is the schedule's.
async fn start(operator: Operator, state: &AccountsState, name: Option<String>) -> Result<axum::Json<Value>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let mut started = 0;
    if let Some(name) = &name {
        let account = named(&mut tx, name).await?;
        started += u32::from(store::trigger(&mut tx, WatchKind::Account, account.id, now).await?);
    } else {
        let last = store::get_meta(&state.store, LAST_REFRESH).await?;
        let last = last.and_then(|text| text.parse().ok()).map(Timestamp);
        if let Some(left) = last.and_then(|last| PAUSE.checked_sub(now.since(last))).filter(|left| !left.is_zero()) {
            return Err(ApiError::too_many(left.as_secs().max(1)));
        }
        for account in all(state).await? {
            started += u32::from(store::trigger(&mut tx, WatchKind::Account, account.id, now).await?);
        }
        store::set_meta(&mut tx, LAST_REFRESH, &now.0.to_string()).await?;
    }
    audit(&mut tx, operator.name, "account.refresh", name.unwrap_or_else(|| "all".into()), now).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(axum::Json(json!({"status": "success", "message": format!("checking {started} accounts"), "started": started})))
}

async fn named(tx: &mut store::Tx, name: &str) -> Result<Account, ApiError> {
    find_account_by_name(tx, name).await?.ok_or_else(|| ApiError::not_found(format!("account {name:?}")))
}

pub(super) async fn projects(_: Reader, State(state): State<AccountsState>) -> Result<axum::Json<Value>, ApiError> {
    let projects: Vec<Value> = all(&state)
        .await?
        .into_iter()
        .map(|a| {
            json!({
                "id": a.id, "name": a.name, "owner_project": a.group, "provider": a.provider, "type": a.amount,
                "threshold": threshold_of(&a).map(|t| RawValue::from_string(t.normalize().to_string()).ok()),
                "thresholds": a.thresholds, "enabled": a.state == model::TargetState::Active,
            })
        })
        .collect();
    Ok(axum::Json(json!({"projects": projects})))
}

#[derive(Deserialize)]
pub(super) struct NewThreshold {
    project_name: String,
    new_threshold: Value,
}

/// The limit of what is left; the account's other thresholds stay.
pub(super) async fn threshold(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(asked): Json<NewThreshold>,
) -> Result<axum::Json<Value>, ApiError> {
    let new =
        Threshold::read(&asked.new_threshold).map_err(|e| ApiError::bad_request(format!("new_threshold: {e}")))?;
    if new.measure != Measure::Remaining {
        return Err(ApiError::bad_request("new_threshold must be an amount"));
    }
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let account = named(&mut tx, &asked.project_name).await?;
    let mut thresholds = account.thresholds.clone();
    match thresholds.iter_mut().find(|t| t.measure == Measure::Remaining) {
        Some(old) => old.below = new.below,
        None => thresholds.insert(0, new),
    }
    let patch = AccountPatch { thresholds: Some(thresholds), ..AccountPatch::default() };
    update_account(&mut tx, &account, &patch, now).await?;
    audit(&mut tx, operator.name, "account.threshold", format!("account:{}", account.id), now).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(axum::Json(json!({"status": "success", "message": format!("threshold of {} changed", account.name)})))
}

async fn stretch(state: &AccountsState, account: Account, params: &Params) -> Result<Series, ApiError> {
    let days = params.number("days", 1..=3650)?.unwrap_or(7).unsigned_abs();
    let limit = params.number("limit", 1..=20_000)?.unwrap_or(1000);
    let now = state.now();
    series(state, account, (now - Duration::from_secs(days * 86_400), now), limit).await
}

pub(super) async fn history_balance(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params,
) -> Result<axum::Json<Value>, ApiError> {
    params.only(&["project_id", "provider", "days", "limit"])?;
    let accounts = match params.number("project_id", 1..=i64::MAX)? {
        Some(id) => vec![balance(&state, id).await?],
        None => all(&state).await?,
    };
    let limit = params.number("limit", 1..=20_000)?.unwrap_or(1000).unsigned_abs() as usize;
    let mut rows = Vec::new();
    for account in accounts.into_iter().filter(|a| params.text("provider").is_none_or(|p| p == a.provider)) {
        let (provider, id) = (account.provider.clone(), account.id);
        let found = stretch(&state, account, &params).await?;
        let named = |r: super::readings::Stretch| {
            let level = r.remaining.and_then(|text| RawValue::from_string(text).ok());
            json!({
                "project_id": id, "project_name": found.name, "provider": provider, "balance": level,
                "currency": found.unit, "timestamp": r.at, "until": r.until,
            })
        };
        rows.extend(found.series.into_iter().map(named));
    }
    rows.sort_by(|a, b| b["timestamp"].as_str().cmp(&a["timestamp"].as_str()));
    rows.truncate(limit);
    Ok(axum::Json(json!({"count": rows.len(), "data": rows})))
}

pub(super) async fn history_trend(
    _: Reader,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
    params: Params,
) -> Result<axum::Json<Value>, ApiError> {
    params.only(&["days", "limit"])?;
    let found = stretch(&state, balance(&state, id).await?, &params).await?;
    let body = serde_json::to_value(found).map_err(ApiError::internal)?;
    Ok(axum::Json(body))
}

pub(super) async fn history_alerts(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params,
) -> Result<axum::Json<Value>, ApiError> {
    params.only(&["project_id", "limit"])?;
    let filter = AlertFilter {
        kind: Some(WatchKind::Account),
        ref_id: params.number("project_id", 1..=i64::MAX)?,
        limit: u32::try_from(params.number("limit", 1..=1000)?.unwrap_or(100)).unwrap_or(100),
        ..AlertFilter::default()
    };
    let (alerts, total) = store::list_alerts(&state.store, &filter).await?;
    let data: Vec<Value> = alerts
        .into_iter()
        .map(|a| {
            json!({
                "id": a.id, "project_id": a.ref_id, "alert_type": a.alert_type, "severity": a.severity,
                "status": a.life.status, "title": a.title, "message": a.message, "value": a.value,
                "timestamp": a.life.opened_at, "resolved_at": a.life.resolved_at,
            })
        })
        .collect();
    Ok(axum::Json(json!({"count": total, "data": data})))
}

pub(super) async fn history_stats(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params,
) -> Result<axum::Json<Value>, ApiError> {
    params.only(&["days", "limit"])?;
    let mut projects = Vec::new();
    for account in all(&state).await? {
        let id = account.id;
        let s = stretch(&state, account, &params).await?;
        let current = s.current.and_then(|c| RawValue::from_string(c.normalize().to_string()).ok());
        projects.push(json!({
            "project_id": id, "current": current, "min": s.min, "max": s.max, "avg": s.avg, "change": s.change,
            "change_percent": s.change_percent, "readings": s.series.len(),
        }));
    }
    Ok(axum::Json(json!({"projects": projects})))
}
