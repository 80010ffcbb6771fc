//! An account as the API shows it. What is not known is null.

use super::AccountsState;
use crate::forecast::Forecast;
use crate::provider::Params;
use crate::reading::Window;
use crate::store::{Account, OpenAlert, due_of, open_alerts};
use crate::threshold::Threshold;
use model::{TargetState, Timestamp, WatchKind};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub(super) struct AccountJson {
    id: i64,
    name: String,
    provider: String,
    provider_title: String,
    group: String,
    tags: Vec<String>,
    amount: String,
    mask: String,
    params: Params,
    thresholds: Vec<Threshold>,
    interval_seconds: u64,
    state: TargetState,
    origin: String,
    org: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    checked_at: Option<Timestamp>,
    status: String,
    error: Option<String>,
    good_at: Option<Timestamp>,
    remaining: Option<Decimal>,
    total: Option<Decimal>,
    used: Option<Decimal>,
    used_ratio: Option<Decimal>,
    unit: Option<String>,
    unlimited: bool,
    windows: Vec<Window>,
    period_start: Option<Timestamp>,
    period_end: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    forecast: Option<Forecast>,
    next_due: Option<Timestamp>,
    checking: bool,
    alerts: Vec<AlertJson>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountAlert")]
struct AlertJson {
    id: i64,
    alert_type: String,
    severity: String,
    status: String,
    title: String,
}

impl From<OpenAlert> for AlertJson {
    fn from(a: OpenAlert) -> Self {
        Self { id: a.id, alert_type: a.alert_type, severity: a.severity, status: a.status, title: a.title }
    }
}

/// Accounts with when they are due and what fires.
pub(super) async fn shown(state: &AccountsState, accounts: Vec<Account>) -> Result<Vec<AccountJson>, StoreError> {
    let ids: Vec<i64> = accounts.iter().map(|a| a.id).collect();
    let due = due_of(&state.store, WatchKind::Account, &ids).await?;
    let mut alerts = open_alerts(&state.store, WatchKind::Account, &ids).await?;
    let now = state.now();
    let shown = accounts.into_iter().map(|account| {
        let (next_due, lease) = due.get(&account.id).copied().unzip();
        let fired = alerts.remove(&account.id).unwrap_or_default();
        let title = state.title(&account.provider);
        AccountJson::of(account, title, next_due, lease.flatten().is_some_and(|until| until > now), fired)
    });
    Ok(shown.collect())
}

impl AccountsState {
    /// What the provider calls itself.
    pub(super) fn title(&self, provider: &str) -> String {
        self.providers.get(provider, &Params::new()).map_or_else(|_| provider.to_owned(), |p| p.title.clone())
    }
}

impl AccountJson {
    fn of(a: Account, title: String, next_due: Option<Timestamp>, checking: bool, alerts: Vec<OpenAlert>) -> Self {
        let reading = a.reading.unwrap_or_default();
        Self {
            id: a.id,
            name: a.name,
            provider: a.provider,
            provider_title: title,
            group: a.group,
            tags: a.tags,
            amount: a.amount,
            mask: a.mask,
            params: a.params,
            thresholds: a.thresholds,
            interval_seconds: a.interval.as_secs(),
            next_due: next_due.filter(|_| a.state == TargetState::Active),
            state: a.state,
            origin: a.origin,
            org: a.org,
            created_at: a.created_at,
            updated_at: a.updated_at,
            checked_at: a.checked_at,
            status: a.status,
            error: a.error,
            good_at: a.good_at,
            remaining: reading.remaining,
            total: reading.total,
            used: reading.used,
            used_ratio: reading.used_ratio,
            unit: reading.unit,
            unlimited: reading.unlimited,
            windows: reading.windows,
            period_start: reading.period_start,
            period_end: reading.period_end,
            expires_at: reading.expires_at,
            forecast: a.forecast,
            checking,
            alerts: alerts.into_iter().map(AlertJson::from).collect(),
        }
    }
}
