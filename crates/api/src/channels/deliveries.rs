//! What was sent, what waits and what was given up, and sending that after all.

use super::Shared;
use crate::openapi::{Declared, Parameter};
use crate::{Admin, ApiError, Data, Json, List, Paging, Params, Path, Reader, words};
use axum::extract::State;
use notify::{DeliveryFilter, DeliveryRow, DeliveryState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const STATES: [(&str, DeliveryState); 4] = [
    ("waiting", DeliveryState::Waiting),
    ("sent", DeliveryState::Sent),
    ("dead", DeliveryState::Dead),
    ("dropped", DeliveryState::Dropped),
];

const STATE: Parameter = Parameter::word("state", &words(&STATES), "Where they stand.");
const ALERT: Parameter = Parameter::id("alert_id", "The alert they tell of.");

/// What the list may be asked.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] =
        &[STATE, Parameter::id("channel_id", "The channel they go to."), ALERT, Parameter::PAGE, Parameter::PAGE_SIZE];
}

/// What the list of one channel may be asked.
pub(super) struct AskedOfOne;

impl Declared for AskedOfOne {
    const PARAMETERS: &'static [Parameter] = &[STATE, ALERT, Parameter::PAGE, Parameter::PAGE_SIZE];
}

async fn page<Q: Declared>(
    state: &Shared,
    params: &Params<Q>,
    channel_id: Option<i64>,
) -> Result<List<DeliveryRow>, ApiError> {
    let paging: Paging = params.paging();
    let filter = DeliveryFilter {
        channel_id,
        state: params.choice("state", &STATES),
        alert_id: params.number("alert_id"),
        offset: paging.offset(),
        limit: paging.page_size,
    };
    let (rows, total) = notify::list_deliveries(&state.store, &filter).await?;
    Ok(List::of(rows, total, paging))
}

pub(super) async fn list(
    _: Reader,
    State(state): State<Shared>,
    params: Params<Asked>,
) -> Result<List<DeliveryRow>, ApiError> {
    page(&state, &params, params.number("channel_id")).await
}

pub(super) async fn of_channel(
    _: Reader,
    State(state): State<Shared>,
    Path(id): Path<i64>,
    params: Params<AskedOfOne>,
) -> Result<List<DeliveryRow>, ApiError> {
    state.channel(id).await?;
    page(&state, &params, Some(id)).await
}

pub(super) async fn resend(
    admin: Admin,
    State(state): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Data<DeliveryRow>, ApiError> {
    let missing = || ApiError::not_found(format!("delivery {id}"));
    let row = notify::get_delivery(&state.store, id).await?.ok_or_else(missing)?;
    let mut tx = state.store.begin().await?;
    if !notify::resend(&mut tx, id, state.now()).await? {
        let why = if row.channel.is_none() { "its channel is gone" } else { "only what is dead is sent again" };
        return Err(ApiError::conflict(format!("delivery {id} is {}: {why}", row.state.as_str())));
    }
    state.audit(&mut tx, admin, "delivery.resend", format!("delivery:{id}")).await?;
    tx.commit().await?;
    state.deliverer.wake();
    Ok(Data::of(notify::get_delivery(&state.store, id).await?.ok_or_else(missing)?))
}

/// Which of the dead ones; all without a word.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ResendWhich")]
pub(super) struct Which {
    channel_id: Option<i64>,
    alert_id: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Resent")]
pub(super) struct Resent {
    resent: u64,
}

/// By filter, not by page.
pub(super) async fn resend_all(
    admin: Admin,
    State(state): State<Shared>,
    Json(which): Json<Which>,
) -> Result<Data<Resent>, ApiError> {
    let filter = DeliveryFilter { channel_id: which.channel_id, alert_id: which.alert_id, ..DeliveryFilter::default() };
    let mut tx = state.store.begin().await?;
    let count = notify::resend_all(&mut tx, &filter, state.now()).await?;
    let of = |name: &str, id: Option<i64>| id.map_or_else(String::new, |id| format!(" {name}:{id}"));
    let subject = format!("{count} deliveries{}{}", of("channel", which.channel_id), of("alert", which.alert_id));
    state.audit(&mut tx, admin, "delivery.resend", subject).await?;
    tx.commit().await?;
    state.deliverer.wake();
    Ok(Data::of(Resent { resent: count }))
}
