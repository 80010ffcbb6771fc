//! The `/sink` routes, and `/_sim/sinks`: the ledger, faults, limits.

use super::Post;
use super::faults::SinkFaults;
use super::kind::SinkKind;
use super::ledger::Received;
use crate::accounts::Shared;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;

type Sim = State<Shared>;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Which {
    kind: Option<SinkKind>,
    token: Option<String>,
    after: u64,
}

#[derive(Deserialize)]
struct Limits {
    limits: bool,
}

/// The receivers, and all routes below `/_sim/sinks`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/sink/{kind}/{token}", post(receive))
        .route("/sink/{kind}/{token}/{*rest}", post(receive_below))
        .route("/_sim/sinks", get(ledger).delete(forget))
        .route("/_sim/sinks/faults", post(set_faults))
        .route("/_sim/sinks/limits", post(set_limits))
}

async fn receive(State(house): Sim, Path((kind, token)): Path<(String, String)>, uri: Uri, body: Bytes) -> Response {
    take(&house, &kind, &token, "", &uri, &body)
}

async fn receive_below(
    State(house): Sim,
    Path((kind, token, rest)): Path<(String, String, String)>,
    uri: Uri,
    body: Bytes,
) -> Response {
    take(&house, &kind, &token, &format!("/{rest}"), &uri, &body)
}

fn take(house: &Shared, kind: &str, token: &str, path: &str, uri: &Uri, body: &[u8]) -> Response {
    let Some(kind) = SinkKind::named(kind) else { return StatusCode::NOT_FOUND.into_response() };
    let query = uri.query().unwrap_or_default();
    let Some(answer) = house.sinks.take(&Post { kind, token, path, query, body }) else {
        // An error before the first byte ends the connection with nothing sent.
        let broken: io::Result<Bytes> = Err(io::ErrorKind::ConnectionReset.into());
        return Response::new(Body::from_stream(stream::iter([broken])));
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response
}

async fn ledger(State(house): Sim, Query(which): Query<Which>) -> Json<Value> {
    let wanted = |r: &Received| {
        which.kind.is_none_or(|kind| kind == r.kind)
            && which.token.as_deref().is_none_or(|token| token == r.token)
            && r.serial > which.after
    };
    let received: Vec<Received> = house.sinks.received().into_iter().filter(wanted).collect();
    let mut outcomes: BTreeMap<super::Outcome, u64> = BTreeMap::new();
    for r in &received {
        *outcomes.entry(r.outcome).or_default() += 1;
    }
    Json(json!({"total": received.len(), "by_outcome": outcomes, "received": received}))
}

async fn forget(State(house): Sim) -> StatusCode {
    house.sinks.forget();
    StatusCode::NO_CONTENT
}

async fn set_faults(State(house): Sim, Json(faults): Json<SinkFaults>) -> Json<SinkFaults> {
    house.sinks.set_faults(faults.clone());
    Json(faults)
}

async fn set_limits(State(house): Sim, Json(limits): Json<Limits>) -> StatusCode {
    house.sinks.set_limits(limits.limits);
    StatusCode::NO_CONTENT
}
