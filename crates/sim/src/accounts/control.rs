//! The `/_sim/accounts` routes: what is simulated, the truth about it, faults, counters.

use super::{Account, Shared};
use crate::faults::Faults;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

type Sim = State<Shared>;

#[derive(Deserialize)]
struct Which {
    provider: String,
    secret: String,
    #[serde(default)]
    at_ms: Option<i64>,
}

/// All routes below `/_sim/accounts`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/_sim/accounts", get(list))
        .route("/_sim/accounts/truth", get(truth))
        .route("/_sim/accounts/revoke", post(revoke))
        .route("/_sim/accounts/faults", post(set_faults))
        .route("/_sim/accounts/counters", get(counters))
}

async fn list(State(house): Sim) -> Json<Value> {
    let accounts = &house.accounts;
    let row = |a: &Account| json!({"provider": a.provider, "secret": a.secret, "seed": a.seed, "plan": a.plan});
    let all: Vec<Value> = accounts.all().iter().map(row).collect();
    let factory = accounts.factory().map(|pool| json!({"keys": pool.keys, "keys_per_org": pool.keys_per_org}));
    let (now_ms, providers) = (accounts.now_ms(), accounts.providers());
    Json(json!({"now_ms": now_ms, "providers": providers, "accounts": all, "factory": factory}))
}

async fn truth(State(house): Sim, Query(which): Query<Which>) -> Response {
    let at_ms = which.at_ms.unwrap_or_else(|| house.accounts.now_ms());
    Json(house.accounts.truth(&which.provider, &which.secret, at_ms)).into_response()
}

async fn revoke(State(house): Sim, Json(which): Json<Which>) -> StatusCode {
    let at_ms = which.at_ms.unwrap_or_else(|| house.accounts.now_ms());
    match house.accounts.revoke(&which.provider, &which.secret, at_ms) {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

/// Takes the faults as JSON, or as a text `latency=20+10,429:p=0.1`.
async fn set_faults(State(house): Sim, body: axum::body::Bytes) -> Response {
    let text = String::from_utf8_lossy(&body);
    let read = if text.trim_start().starts_with('{') {
        serde_json::from_str::<Faults>(&text).map_err(|e| e.to_string())
    } else {
        text.trim().parse()
    };
    match read {
        Ok(faults) => {
            house.accounts.set_faults(faults.clone());
            Json(faults).into_response()
        }
        Err(message) => (StatusCode::BAD_REQUEST, message).into_response(),
    }
}

async fn counters(State(house): Sim) -> Response {
    Json(house.accounts.counters()).into_response()
}
