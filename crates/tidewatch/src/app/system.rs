//! What an operator looks at: upstreams, who changed what, and which parts are on.

use accounts::fetch::Fetcher;
use api::{Admin, ApiError, Auth, Data, List, Params, Rate, Reader, Routes, Who};
use axum::Json;
use axum::extract::State;
use engine::breaker::BreakerState;
use engine::upstream::Upstream;
use model::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use settings::Settings;
use std::sync::Arc;
use store::Store;

/// What the routes need.
#[derive(Clone)]
pub struct SystemState {
    /// The database.
    pub store: Store,
    /// Who may do what.
    pub auth: Auth,
    /// Mercari's limiter and breaker, if the market is watched.
    pub mercari: Option<Arc<Upstream>>,
    /// Those of the providers.
    pub fetcher: Arc<Fetcher>,
    /// Which parts are on.
    pub features: Arc<Value>,
}

/// The parts that are on.
pub fn features(settings: &Settings) -> Value {
    json!({
        "market": settings.market.enabled, "accounts": settings.accounts.enabled, "keys": settings.keys.enabled,
        "reminders": true, "subscriptions": true, "email_scan": true, "history": true, "webhook": true,
        "dynamic_config": true,
    })
}

/// `/api/features`, `/api/v1/system/upstreams` and `/api/v1/system/audit`.
pub fn router(state: SystemState) -> Routes {
    Routes::new(&state.auth)
        .get("/api/features", Who::Viewer, shown_features)
        .get("/api/v1/system/upstreams", Who::Viewer, upstreams)
        .get("/api/v1/system/audit", Who::Admin, audit)
        .with_state(state)
}

/// The web page and its files; nothing when it was not built.
pub fn page(auth: &Auth) -> Routes {
    let free = Who::Anybody.at(Rate::Free);
    let routes = Routes::new(auth);
    if !ui::is_built() {
        return routes;
    }
    let routes = ui::PAGES.iter().fold(routes, |routes, page| routes.get(page, free, ui::index));
    routes.get("/icon.svg", free, ui::icon).get("/assets/{name}", free, ui::asset)
}

async fn shown_features(_reader: Reader, State(state): State<SystemState>) -> Json<Value> {
    Json(state.features.as_ref().clone())
}

#[derive(Serialize)]
struct UpstreamJson {
    name: String,
    /// `closed`, `open` or `half_open`.
    state: &'static str,
    /// Requests a second at present.
    rate: f64,
    /// Failures in a row.
    failures: u32,
    open_until: Option<Timestamp>,
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
    UpstreamJson { name, state, rate: seen.rate, failures: seen.failures, open_until: seen.open_until }
}

#[derive(Serialize)]
struct AuditJson {
    id: i64,
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
}

async fn audit(_admin: Admin, State(state): State<SystemState>, params: Params) -> Result<List<AuditJson>, ApiError> {
    params.only(&["q", "page", "page_size"])?;
    let paging = params.paging()?;
    let text = params.text("q").unwrap_or_default().trim();
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
