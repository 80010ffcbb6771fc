//! The `/_sim` routes: clock, faults, counters, replay, and the ledger of the truth.

use crate::faults::Faults;
use crate::server::Shared;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

type Sim = State<Arc<Shared>>;

#[derive(Deserialize)]
struct Span {
    keyword: String,
    from_ms: i64,
    to_ms: i64,
}

#[derive(Deserialize)]
struct Since {
    keyword: String,
    since_ms: i64,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct SetClock {
    now_ms: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Step {
    n: Option<usize>,
}

/// All routes below `/_sim`.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sim/clock", get(clock).post(set_clock))
        .route("/_sim/faults", post(set_faults))
        .route("/_sim/counters", get(counters))
        .route("/_sim/profiles", get(profiles))
        .route("/_sim/ledger", get(ledger))
        .route("/_sim/sold_depth", get(sold_depth))
        .route("/_sim/item", get(item))
        .route("/_sim/replay", get(recordings))
        .route("/_sim/replay/step", post(step))
}

async fn clock(State(sim): Sim) -> Json<Value> {
    Json(json!({"now_ms": sim.now_ms()}))
}

async fn set_clock(State(sim): Sim, Json(set): Json<SetClock>) -> Json<Value> {
    sim.set_clock(set.now_ms);
    Json(json!({"now_ms": sim.now_ms()}))
}

async fn set_faults(State(sim): Sim, Json(faults): Json<Faults>) -> Json<Faults> {
    sim.set_faults(faults.clone());
    Json(faults)
}

async fn counters(State(sim): Sim) -> Response {
    Json(sim.counters()).into_response()
}

/// The profiles in the form of an import of IPs.
async fn profiles(State(sim): Sim) -> Json<Value> {
    let ip = |p: &crate::profiles::Profile| {
        json!({"name": p.name, "name_en": p.name_en, "name_cn": p.name_cn, "category": p.category, "tags": p.tags,
            "image_url": "", "weight": 1.0})
    };
    let ips: Vec<Value> = sim.market.config().profiles.iter().map(ip).collect();
    Json(json!({"ips": ips}))
}

/// Runs a question to the market off the reactor, as it may write a long stretch of it.
async fn ask<T: serde::Serialize + Send + 'static>(question: impl FnOnce() -> T + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(question).await {
        Ok(answer) => Json(answer).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ledger(State(sim): Sim, Query(span): Query<Span>) -> Response {
    ask(move || sim.market.ledger(&span.keyword, span.from_ms, span.to_ms)).await
}

async fn sold_depth(State(sim): Sim, Query(since): Query<Since>) -> Response {
    ask(move || sim.market.sold_depth(&since.keyword, sim.now_ms(), since.since_ms)).await
}

async fn item(State(sim): Sim, Query(id): Query<Id>) -> Response {
    ask(move || sim.market.item(&id.id, sim.now_ms())).await
}

async fn recordings(State(sim): Sim) -> Json<Value> {
    let all = sim.replay.iter().flat_map(|replay| replay.recordings());
    let list = all.map(|r| json!({"file": r.file, "keyword": r.asked.keyword, "date_ms": r.date_ms}));
    Json(Value::Array(list.collect()))
}

async fn step(State(sim): Sim, body: axum::body::Bytes) -> Json<Value> {
    let step: Step = serde_json::from_slice(&body).unwrap_or_default();
    Json(json!({"step": sim.replay_step(step.n.unwrap_or(1))}))
}
