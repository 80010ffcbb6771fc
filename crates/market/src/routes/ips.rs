//! Reading IPs.

use super::MarketState;
use super::shapes::IpJson;
use crate::store::{IpFilter, list_ips, schedule_of};
use api::openapi::{Declared, Parameter};
use api::{ApiError, Data, List, Params, Path, Viewer, words};
use axum::extract::State;
use model::TargetState;

const STATES: [(&str, TargetState); 3] =
    [("active", TargetState::Active), ("paused", TargetState::Paused), ("deleted", TargetState::Deleted)];

/// What the list may be asked.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::PAGE,
        Parameter::PAGE_SIZE,
        Parameter::word("status", &words(&STATES), "Whether they are crawled; without it all but the deleted."),
        Parameter::text("category", 191, "Their category."),
        Parameter::text("keyword", 191, "A part of one of their names."),
    ];
}

pub(super) async fn list(
    State(state): State<MarketState>,
    viewer: Viewer,
    params: Params<Asked>,
) -> Result<List<IpJson>, ApiError> {
    let paging = params.paging();
    let text = |name| params.trimmed(name).map(str::to_owned);
    let filter = IpFilter {
        status: params.choice("status", &STATES),
        category: text("category"),
        keyword: text("keyword"),
        offset: paging.offset(),
        limit: paging.page_size,
    };
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
    _: Params<()>,
) -> Result<Data<IpJson>, ApiError> {
    Ok(Data::of(shown(&state, id, viewer.is_known()).await?))
}

/// The IP as it now stands.
pub(super) async fn shown(state: &MarketState, id: i64, admin: bool) -> Result<IpJson, ApiError> {
    let ip = state.ip(id).await?;
    let schedule = schedule_of(&state.store, &[id]).await?;
    Ok(IpJson::of(ip, schedule.get(&id), state.options.schedule.max_retries, admin))
}
