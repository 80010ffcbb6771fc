//! Keeping channels.

use super::shapes::ChannelJson;
use super::{Shared, refused};
use crate::openapi::Created;
use crate::{Admin, ApiError, Data, Json, Params, Path, Reader};
use axum::extract::State;
use notify::{ChannelDraft, ChannelRow, Form, Origin};
use schemars::JsonSchema;
use serde::Serialize;

/// The form of every kind.
pub(super) async fn kinds(_: Reader) -> Data<&'static [Form]> {
    Data::of(notify::FORMS)
}

pub(super) async fn list(
    _: Reader,
    State(state): State<Shared>,
    _: Params<()>,
) -> Result<Data<Vec<ChannelJson>>, ApiError> {
    let mut counts = notify::channel_counts(&state.store).await?;
    let rows = notify::list_channels(&state.store).await?;
    let shown = |row: ChannelRow| {
        let counts = counts.remove(&row.id);
        ChannelJson::of(row, counts, &state)
    };
    Ok(Data::of(rows.into_iter().map(shown).collect()))
}

async fn shown(state: &Shared, id: i64) -> Result<Data<ChannelJson>, ApiError> {
    let row = state.channel(id).await?;
    let counts = notify::channel_counts(&state.store).await?.remove(&id);
    Ok(Data::of(ChannelJson::of(row, counts, state)))
}

pub(super) async fn one(
    _: Reader,
    State(state): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Data<ChannelJson>, ApiError> {
    shown(&state, id).await
}

pub(super) async fn create(
    admin: Admin,
    State(state): State<Shared>,
    Json(draft): Json<ChannelDraft>,
) -> Result<Created<Data<ChannelJson>>, ApiError> {
    let mut tx = state.store.begin().await?;
    let added = notify::add_channel(&mut tx, &draft, Origin::Ui, &state.deliverer.rules(), state.now()).await;
    let id = added.map_err(|e| refused(e, &draft))?;
    state.audit(&mut tx, admin, "channel.create", format!("channel:{id}")).await?;
    tx.commit().await?;
    Ok(Created(shown(&state, id).await?))
}

/// What the configuration keeps is changed there: a change here would be undone at the next start.
fn own(row: &ChannelRow) -> Result<(), ApiError> {
    match row.origin {
        Origin::Ui => Ok(()),
        Origin::Config => Err(ApiError::conflict(format!(
            "channel {:?} is kept by the configuration (channels): change it there",
            row.draft.name
        ))),
    }
}

/// Secrets that are left out, or come back as they were shown, stay.
pub(super) async fn update(
    admin: Admin,
    State(state): State<Shared>,
    Path(id): Path<i64>,
    Json(draft): Json<ChannelDraft>,
) -> Result<Data<ChannelJson>, ApiError> {
    own(&state.channel(id).await?)?;
    let mut tx = state.store.begin().await?;
    let changed = notify::update_channel(&mut tx, id, &draft, Origin::Ui, &state.deliverer.rules(), state.now()).await;
    if !changed.map_err(|e| refused(e, &draft))? {
        return Err(ApiError::not_found(format!("channel {id}")));
    }
    state.audit(&mut tx, admin, "channel.update", format!("channel:{id}")).await?;
    tx.commit().await?;
    state.deliverer.wake();
    shown(&state, id).await
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChannelRemoved")]
pub(super) struct Removed {
    id: i64,
    deleted: bool,
}

/// What waits for it is dropped.
pub(super) async fn delete(
    admin: Admin,
    State(state): State<Shared>,
    Path(id): Path<i64>,
) -> Result<Data<Removed>, ApiError> {
    own(&state.channel(id).await?)?;
    let mut tx = state.store.begin().await?;
    if !notify::remove_channel(&mut tx, id).await? {
        return Err(ApiError::not_found(format!("channel {id}")));
    }
    state.audit(&mut tx, admin, "channel.delete", format!("channel:{id}")).await?;
    tx.commit().await?;
    Ok(Data::of(Removed { id, deleted: true }))
}
