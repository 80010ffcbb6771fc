//! What was sent, what waits and what was given up, and sending that after all.

use super::Shared;
use crate::{Admin, ApiError, Data, Json, List, Params, Path, Reader};
use axum::extract::State;
use notify::{DeliveryFilter, DeliveryRow, DeliveryState};
use serde::Deserialize;
use serde_json::{Value, json};

const STATES: &[(&str, DeliveryState)] = &[
    ("waiting", DeliveryState::Waiting),
    ("sent", DeliveryState::Sent),
    ("dead", DeliveryState::Dead),
    ("dropped", DeliveryState::Dropped),
];

async fn page(state: &Shared, params: &Params, channel: Option<i64>) -> Result<List<DeliveryRow>, ApiError> {
    let paging = params.paging()?;
    let filter = DeliveryFilter {
        channel_id: channel,
        state: params.choice("state", STATES)?,
        alert_id: params.number("alert_id", 1..=i64::MAX)?,
        offset: paging.offset(),
        limit: paging.page_size,
    };
    let (rows, total) = notify::list_deliveries(&state.store, &filter).await?;
    Ok(List::of(rows, total, paging))
}

pub(super) async fn list(
    _: Reader,
    State(state): State<Shared>,
    params: Params,
) -> Result<List<DeliveryRow>, ApiError> {
    params.only(&["state", "channel_id", "alert_id", "page", "page_size"])?;
    let channel = params.number("channel_id", 1..=i64::MAX)?;
    page(&state, &params, channel).await
}

pub(super) async fn of_channel(
    _: Reader,
    State(state): State<Shared>,
    Path(id): Path<i64>,
    params: Params,
) -> Result<List<DeliveryRow>, ApiError> {
    params.only(&["state", "alert_id", "page", "page_size"])?;
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
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    channel_id: Option<i64>,
    alert_id: Option<i64>,
}

/// By filter, not by page.
pub(super) async fn resend_all(
    admin: Admin,
    State(state): State<Shared>,
    Json(which): Json<Which>,
) -> Result<Data<Value>, ApiError> {
    let filter = DeliveryFilter { channel_id: which.channel_id, alert_id: which.alert_id, ..DeliveryFilter::default() };
    let mut tx = state.store.begin().await?;
    let count = notify::resend_all(&mut tx, &filter, state.now()).await?;
    let of = |name: &str, id: Option<i64>| id.map_or_else(String::new, |id| format!(" {name}:{id}"));
    let subject = format!("{count} deliveries{}{}", of("channel", which.channel_id), of("alert", which.alert_id));
    state.audit(&mut tx, admin, "delivery.resend", subject).await?;
    tx.commit().await?;
    state.deliverer.wake();
    Ok(Data::of(json!({ "resent": count })))
}
