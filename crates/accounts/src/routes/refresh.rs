//! Looking at balances now. The looks are the schedule's; a refresh only makes them due.

use super::accounts::balance;
use super::{AccountsState, audit};
use crate::keys::{KeyFilter, Selection};
use crate::store::refreshes::{Refresh, start};
use api::{ApiError, Data, Json, Operator, Path};
use axum::extract::State;
use model::WatchKind;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which ones: these, those of a provider or label, or all.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AccountChoice")]
pub(super) struct Which {
    ids: Option<Vec<i64>>,
    filter: Option<KeyFilter>,
    all: Option<bool>,
}

pub(super) async fn many(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(which): Json<Which>,
) -> Result<Data<Refresh>, ApiError> {
    let selection = Selection::of(which.ids, which.filter, which.all).map_err(ApiError::bad_request)?;
    begin(operator, &state, &selection).await
}

pub(super) async fn one(
    operator: Operator,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<Data<Refresh>, ApiError> {
    let account = balance(&state, id).await?;
    if account.state != model::TargetState::Active {
        return Err(ApiError::conflict("the account is paused; only active ones are looked at"));
    }
    begin(operator, &state, &Selection::Ids(vec![id])).await
}

async fn begin(operator: Operator, state: &AccountsState, selection: &Selection) -> Result<Data<Refresh>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let refresh = start(&mut tx, WatchKind::Account, selection, operator.name, now).await?;
    audit(&mut tx, operator.name, "account.refresh", selection.described().replace("key", "account"), now).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(Data::of(refresh))
}
