//! The shapes that clients of the balance monitor replaced still ask for.

use super::{AccountsState, audit};
use crate::store::{
    Account, AccountFilter, AccountPatch, find_account_by_name, list_accounts, open_alerts, update_account,
};
use crate::threshold::{Measure, Threshold, ThresholdInput};
use api::openapi::{Optional, Raw, Reply, Tagged};
use api::{ApiError, Json, Operator, Reader};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use model::{Timestamp, WatchKind};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;
use store::StoreError;

/// Balances of one answer at most.
const MOST: u32 = 10_000;
/// How often a check of everything may be asked for.
const PAUSE: Duration = Duration::from_secs(30);
const LAST_REFRESH: &str = "accounts/refreshed";

/// An amount as a JSON number with all its digits; unknown is null.
fn number<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    digits(*amount).serialize(serializer)
}

/// An amount as a JSON number with all its digits.
pub(super) fn digits(amount: Option<Decimal>) -> Option<Box<RawValue>> {
    amount.and_then(|amount| RawValue::from_string(amount.normalize().to_string()).ok())
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldProject")]
struct Project {
    id: i64,
    name: String,
    owner_project: String,
    provider: String,
    r#type: String,
    success: bool,
    #[serde(serialize_with = "number")]
    #[schemars(with = "Option<f64>")]
    balance: Option<Decimal>,
    #[serde(serialize_with = "number")]
    #[schemars(with = "Option<f64>")]
    credits: Option<Decimal>,
    #[serde(serialize_with = "number")]
    #[schemars(with = "Option<f64>")]
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

pub(super) async fn all(state: &AccountsState) -> Result<Vec<Account>, StoreError> {
    let filter = AccountFilter { limit: MOST, ..AccountFilter::default() };
    list_accounts(&state.store, &filter).await.map(|(accounts, _)| accounts)
}

/// Every balance, and when the last look was.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldCredits")]
pub(super) struct Credits {
    projects: Vec<Project>,
    last_update: Option<Timestamp>,
}

pub(super) async fn credits(
    _: Reader,
    State(state): State<AccountsState>,
    headers: HeaderMap,
) -> Result<Reply<Tagged<Credits>>, ApiError> {
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
    let body = serde_json::to_vec(&Credits { projects, last_update });
    let body = body.map_err(ApiError::internal)?;
    Ok(tagged(&headers, body))
}

/// The body with a tag of its bytes; nothing but the tag when the client has it already.
pub(super) fn tagged<T>(headers: &HeaderMap, body: Vec<u8>) -> Reply<Tagged<T>> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
    let half: String = digest.as_ref().iter().take(12).map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{half}\"");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    let known = known.flat_map(|v| v.split(',')).any(|v| v.trim().trim_start_matches("W/") == tag || v.trim() == "*");
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if known {
        return Reply::of((StatusCode::NOT_MODIFIED, headers));
    }
    Reply::of((headers, [(header::CONTENT_TYPE, "application/json")], body))
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(default)]
#[schemars(rename = "OldProjectName")]
pub(super) struct Named {
    project_name: Option<String>,
}

pub(super) async fn refresh(
    operator: Operator,
    State(state): State<AccountsState>,
) -> Result<axum::Json<Started>, ApiError> {
    start(operator, &state, None).await
}

pub(super) async fn refresh_named(
    operator: Operator,
    State(state): State<AccountsState>,
    body: Raw<Optional<Named>>,
) -> Result<axum::Json<Started>, ApiError> {
    let named = body.read()?.unwrap_or_default();
    start(operator, &state, named.project_name).await
}

/// Looks that were asked for.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldStarted")]
pub(super) struct Started {
    status: &'static str,
    message: String,
    started: u32,
}

/// Makes accounts due now; the check itself is the schedule's.
async fn start(
    operator: Operator,
    state: &AccountsState,
    name: Option<String>,
) -> Result<axum::Json<Started>, ApiError> {
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
    Ok(axum::Json(Started { status: "success", message: format!("checking {started} accounts"), started }))
}

async fn named(tx: &mut store::Tx, name: &str) -> Result<Account, ApiError> {
    find_account_by_name(tx, name).await?.ok_or_else(|| ApiError::not_found(format!("account {name:?}")))
}

/// What is watched.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldProjects")]
pub(super) struct Projects {
    projects: Vec<ProjectConfig>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldProjectConfig")]
struct ProjectConfig {
    id: i64,
    name: String,
    owner_project: String,
    provider: String,
    r#type: String,
    #[serde(serialize_with = "number")]
    #[schemars(with = "Option<f64>")]
    threshold: Option<Decimal>,
    thresholds: Vec<Threshold>,
    enabled: bool,
}

pub(super) async fn projects(_: Reader, State(state): State<AccountsState>) -> Result<axum::Json<Projects>, ApiError> {
    let shown = |a: Account| ProjectConfig {
        threshold: threshold_of(&a),
        id: a.id,
        name: a.name,
        owner_project: a.group,
        provider: a.provider,
        r#type: a.amount,
        thresholds: a.thresholds,
        enabled: a.state == model::TargetState::Active,
    };
    Ok(axum::Json(Projects { projects: all(&state).await?.into_iter().map(shown).collect() }))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OldNewThreshold")]
pub(super) struct NewThreshold {
    #[schemars(length(min = 1))]
    project_name: String,
    #[schemars(with = "ThresholdInput")]
    new_threshold: Value,
}

/// What was done.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldDone")]
pub(super) struct Done {
    status: &'static str,
    message: String,
}

/// The limit of what is left; the account's other thresholds stay.
pub(super) async fn threshold(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(asked): Json<NewThreshold>,
) -> Result<axum::Json<Done>, ApiError> {
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
    Ok(axum::Json(Done { status: "success", message: format!("threshold of {} changed", account.name) }))
}
