//! Adding, changing, deleting and triggering IPs. Every change is in the audit log.

use super::shapes::IpJson;
use super::{MarketState, audit, ips};
use crate::import::{IpFields, NewIp};
use crate::schedule::interval_of_weight;
use crate::store::{Ip, IpPatch, add_ip, find_ip_by_name, set_interval, update_ip};
use api::openapi::Created;
use api::{ApiError, Data, Json, Operator, Path};
use axum::extract::State;
use model::{TargetState, Timestamp, WatchKind};
use schemars::JsonSchema;
use serde::Serialize;
use store::Tx;

pub(super) async fn create(
    operator: Operator,
    State(state): State<MarketState>,
    Json(NewIp(fields)): Json<NewIp>,
) -> Result<Created<Data<IpJson>>, ApiError> {
    let entry = fields.entry().map_err(ApiError::bad_request)?;
    let now = state.now();
    let mut tx = state.store.begin().await?;
    name_is_free(&mut tx, &entry.name, None).await?;
    let draft = entry.draft();
    let id = add_ip(&mut tx, &draft, interval_of_weight(draft.weight, &state.options.schedule), now).await?;
    let rest = IpPatch { status: entry.patch.status, thresholds: entry.patch.thresholds, ..IpPatch::default() };
    if rest != IpPatch::default() {
        update_ip(&mut tx, id, &rest, now).await?;
    }
    audit(&mut tx, operator.name, "ip.create", format!("ip:{id}"), now).await?;
    tx.commit().await?;
    changed(&state);
    Ok(Created(Data::of(ips::shown(&state, id, true).await?)))
}

pub(super) async fn update(
    operator: Operator,
    State(state): State<MarketState>,
    Path(id): Path<i64>,
    Json(fields): Json<IpFields>,
) -> Result<Data<IpJson>, ApiError> {
    let patch = fields.patch().map_err(ApiError::bad_request)?;
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let ip = load(&mut tx, id).await?;
    if ip.status == TargetState::Deleted && patch.status.is_none() {
        return Err(ApiError::conflict("the IP is deleted; set status to active or paused to restore it"));
    }
    if let Some(name) = patch.name.as_ref().filter(|name| **name != ip.name) {
        name_is_free(&mut tx, name, Some(id)).await?;
    }
    if crate::import::changes(&ip, &patch) {
        update_ip(&mut tx, id, &patch, now).await?;
        if let Some(weight) = patch.weight.filter(|w| *w != ip.weight) {
            // The interval follows, or the next crawl would put the weight back to what the interval stands for.
            set_interval(&mut tx, id, interval_of_weight(weight, &state.options.schedule)).await?;
        }
        audit(&mut tx, operator.name, "ip.update", format!("ip:{id}"), now).await?;
        tx.commit().await?;
        changed(&state);
    }
    Ok(Data::of(ips::shown(&state, id, true).await?))
}

pub(super) async fn delete(
    operator: Operator,
    State(state): State<MarketState>,
    Path(id): Path<i64>,
) -> Result<Data<IpJson>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let ip = load(&mut tx, id).await?;
    if ip.status != TargetState::Deleted {
        let patch = IpPatch { status: Some(TargetState::Deleted), ..IpPatch::default() };
        update_ip(&mut tx, id, &patch, now).await?;
        audit(&mut tx, operator.name, "ip.delete", format!("ip:{id}"), now).await?;
        tx.commit().await?;
        changed(&state);
    }
    Ok(Data::of(ips::shown(&state, id, true).await?))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IpTriggered")]
pub(super) struct Triggered {
    id: i64,
    /// False when a crawl is already under way.
    triggered: bool,
    next_due: Option<Timestamp>,
}

pub(super) async fn trigger(
    operator: Operator,
    State(state): State<MarketState>,
    Path(id): Path<i64>,
) -> Result<Data<Triggered>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let ip = load(&mut tx, id).await?;
    if ip.status != TargetState::Active {
        return Err(ApiError::conflict(format!("the IP is {}; only active ones are crawled", ip.status.as_str())));
    }
    let triggered = store::trigger(&mut tx, WatchKind::Market, id, now).await?;
    if triggered {
        audit(&mut tx, operator.name, "ip.trigger", format!("ip:{id}"), now).await?;
        tx.commit().await?;
        state.engine.wake();
    }
    let target = store::get_target(&state.store, WatchKind::Market, id).await?;
    Ok(Data::of(Triggered { id, triggered, next_due: target.map(|t| t.next_due) }))
}

async fn load(tx: &mut Tx, id: i64) -> Result<Ip, ApiError> {
    Ip::load(tx, id).await?.ok_or_else(|| ApiError::not_found(format!("IP {id}")))
}

async fn name_is_free(tx: &mut Tx, name: &str, own: Option<i64>) -> Result<(), ApiError> {
    match find_ip_by_name(tx, name).await? {
        Some(ip) if Some(ip.id) != own && ip.status == TargetState::Deleted => Err(ApiError::conflict(format!(
            "IP {} has this name and is deleted; PUT its status to active to restore it",
            ip.id
        ))),
        Some(ip) if Some(ip.id) != own => Err(ApiError::conflict(format!("IP {} has this name", ip.id))),
        _ => Ok(()),
    }
}

fn changed(state: &MarketState) {
    state.board.invalidate();
    state.engine.wake();
}
