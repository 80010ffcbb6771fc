//! Reading IPs.

use super::MarketState;
use super::shapes::IpJson;
use crate::store::{IpFilter, list_ips, schedule_of};
use api::{ApiError, Data, List, Params, Path, Viewer};
use axum::extract::State;
use model::TargetState;

pub(super) const STATES: &[(&str, TargetState)] =
    &[("active", TargetState::Active), ("paused", TargetState::Paused), ("deleted", TargetState::Deleted)];

pub(super) async fn list(
    State(state): State<MarketState>,
    viewer: Viewer,
    params: Params,
) -> Result<List<IpJson>, ApiError> {
    params.only(&["page", "page_size", "status", "category", "keyword"])?;
    let paging = params.paging()?;
    let text = |name| params.text(name).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let filter = IpFilter {
        status: params.choice("status", STATES)?,
        category: text("category"),
        keyword: text("keyword"),
        offset: paging.offset(),
        limit: paging.page_size,
    };
    if filter.keyword.as_ref().is_some_and(|k| k.chars().count() > 191) {
        return Err(ApiError::bad_request("keyword must have at most 191 characters"));
    }
    let (ips, total) = list_ips(&state.store, &filter).await?;
    let ids: Vec<i64> = ips.iter().map(|ip| ip.id).collect();
    let schedule = schedule_of(&state.store, &ids).await?;
    let retries = state.options.schedule.max_retries;
    let rows = ips
        .into_iter()
        .map(|ip| {
            let schedule = schedule.get(&ip.id);
            IpJson::of(ip, schedule, retries, viewer.is_known())
        })
        .collect();
    Ok(List::of(rows, u64::try_from(total).unwrap_or(0), paging))
}

pub(super) async fn one(
    State(state): State<MarketState>,
    viewer: Viewer,
    Path(id): Path<i64>,
    params: Params,
) -> Result<Data<IpJson>, ApiError> {
    params.only(&[])?;
    Ok(Data::of(shown(&state, id, viewer.is_known()).await?))
}

/// The IP as it now stands.
pub(super) async fn shown(state: &MarketState, id: i64, admin: bool) -> Result<IpJson, ApiError> {
    let ip = state.ip(id).await?;
    let schedule = schedule_of(&state.store, &[id]).await?;
    Ok(IpJson::of(ip, schedule.get(&id), state.options.schedule.max_retries, admin))
}
