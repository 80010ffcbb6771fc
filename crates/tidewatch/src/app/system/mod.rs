//! What an operator looks at: upstreams, processes, who changed what, and which parts are on.

mod fleet;

use super::scale::Scale;
use accounts::fetch::Fetcher;
use api::openapi::{Declared, Parameter};
use api::{Admin, ApiError, Auth, Data, List, Params, Rate, Reader, Routes, Who};
use axum::Json;
use axum::extract::State;
use engine::Engine;
use engine::breaker::BreakerState;
use engine::upstream::Upstream;
use model::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use store::Store;

/// What the routes need.
#[derive(Clone)]
pub struct SystemState {
    /// The database.
    pub store: Store,
    /// Clock and counts.
    pub engine: Arc<Engine>,
    /// The other processes, if there may be any.
    pub scale: Option<Scale>,
    /// Since when this one runs.
    pub since: Timestamp,
    /// Who may do what.
    pub auth: Auth,
    /// Mercari's limiter and breaker, if the market is watched.
    pub mercari: Option<Arc<Upstream>>,
    /// Those of the providers.
    pub fetcher: Arc<Fetcher>,
    /// Which parts are on.
    pub features: Parts,
}

/// Which parts are on, by the names of now and of the system replaced.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "OldFeatures")]
pub struct Parts {
    market: bool,
    accounts: bool,
    keys: bool,
    reminders: bool,
    subscriptions: bool,
    email_scan: bool,
    history: bool,
    webhook: bool,
    dynamic_config: bool,
}

impl Parts {
    /// Those of the settings; what cannot be switched off is on.
    pub const fn of(settings: &Settings) -> Self {
        Self {
            market: settings.market.enabled,
            accounts: settings.accounts.enabled,
            keys: settings.keys.enabled,
            reminders: true,
            subscriptions: true,
            email_scan: true,
            history: true,
            webhook: true,
            dynamic_config: true,
        }
    }
}

/// `/api/features`, `/api/v1/system/upstreams` and `/api/v1/system/audit`.
pub fn router(state: SystemState) -> Routes {
    Routes::new(&state.auth)
        .get("/api/features", Who::Viewer, "Which parts are on.", shown_features)
        .get("/api/v1/system/upstreams", Who::Viewer, "Pace, breaker and latency of every upstream.", upstreams)
        .get("/api/v1/system/workers", Who::Viewer, "The processes that are there, and what they do.", fleet::workers)
        .get(
            "/api/v1/system/dead-letters",
            Who::Viewer,
            "Messages between processes that were given up.",
            fleet::dead_letters,
        )
        .post(
            "/api/v1/system/dead-letters/{queue}/{id}/replay",
            Who::Operator,
            "Tries a dead letter again.",
            fleet::replay,
        )
        .delete(
            "/api/v1/system/dead-letters/{queue}/{id}",
            Who::Operator,
            "Throws a dead letter away.",
            fleet::drop_dead,
        )
        .get("/api/v1/system/audit", Who::Admin, "Who changed what, newest first.", audit)
        .with_state(state)
}

/// The web page and its files; nothing when it was not built.
pub fn page(auth: &Auth) -> Routes {
    let free = Who::Anybody.at(Rate::Free);
    let routes = Routes::new(auth);
    if !ui::is_built() {
        return routes;
    }
    let routes = ui::PAGES.iter().fold(routes, |routes, page| routes.page(page, free, ui::index));
    routes.page("/icon.svg", free, ui::icon).page("/assets/{name}", free, ui::asset)
}

async fn shown_features(_reader: Reader, State(state): State<SystemState>) -> Json<Parts> {
    Json(state.features)
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Upstream")]
struct UpstreamJson {
    name: String,
    /// `closed`, `open` or `half_open`.
    state: &'static str,
    /// Requests a second at present.
    rate: f64,
    /// Failures in a row.
    failures: u32,
    open_until: Option<Timestamp>,
    /// Half of the last 256 requests took no longer; null before the first.
    latency_p50_ms: Option<u64>,
    /// 95 % of the last 256 requests took no longer; null before the first.
    latency_p95_ms: Option<u64>,
    /// Requests since this process began.
    requests: u64,
    /// Those of them that were not answered as they should be.
    errors: u64,
}

async fn upstreams(_reader: Reader, State(state): State<SystemState>) -> Data<Vec<UpstreamJson>> {
    let mut all: Vec<UpstreamJson> =
        state.mercari.iter().map(|upstream| shown("mercari".to_owned(), upstream)).collect();
    all.extend(state.fetcher.upstreams().into_iter().map(|(provider, upstream)| shown(provider, &upstream)));
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Data::of(all)
}

fn shown(name: String, upstream: &Upstream) -> UpstreamJson {
    let seen = upstream.snapshot();
    let state = match seen.state {
        BreakerState::Closed => "closed",
        BreakerState::Open => "open",
        BreakerState::Probing => "half_open",
    };
    let millis = |took: Option<Duration>| took.map(|took| took.as_millis() as u64);
    UpstreamJson {
        name,
        state,
        rate: seen.rate,
        failures: seen.failures,
        open_until: seen.open_until,
        latency_p50_ms: millis(seen.answers.median),
        latency_p95_ms: millis(seen.answers.p95),
        requests: seen.answers.requests,
        errors: seen.answers.errors,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
struct AuditJson {
    id: i64,
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
}

/// Which entries.
struct AskedAudit;

impl Declared for AskedAudit {
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::text("q", 200, "A part of who, what or whereof."), Parameter::PAGE, Parameter::PAGE_SIZE];
}

async fn audit(
    _admin: Admin,
    State(state): State<SystemState>,
    params: Params<AskedAudit>,
) -> Result<List<AuditJson>, ApiError> {
    let paging = params.paging();
    let text = params.trimmed("q").unwrap_or_default();
    let (entries, total) = store::list_audit(&state.store, text, (paging.offset(), paging.page_size)).await?;
    let shown = entries.into_iter().map(|(id, e)| AuditJson {
        id,
        at: e.at,
        actor: e.actor,
        action: e.action,
        subject: e.subject,
    });
    Ok(List::of(shown.collect(), total, paging))
}
