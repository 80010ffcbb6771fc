//! Days, weeks and months of an IP.

use super::MarketState;
use super::numbers::{END, START, stretch};
use super::shapes::{PeriodJson, StatsJson};
use crate::store::list_rollups;
use api::openapi::{Declared, Parameter};
use api::{ApiError, Data, Params, Path};
use axum::extract::State;
use model::{Period, Timestamp};

/// Which periods.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] =
        &[START, END, Parameter::number("limit", 1, 366, Some(30), "So many at most.")];
}

type Answer = Result<Data<StatsJson<PeriodJson>>, ApiError>;

pub(super) async fn daily(State(state): State<MarketState>, Path(id): Path<i64>, params: Params<Asked>) -> Answer {
    list(&state, id, &params, Period::Daily).await
}

pub(super) async fn weekly(State(state): State<MarketState>, Path(id): Path<i64>, params: Params<Asked>) -> Answer {
    list(&state, id, &params, Period::Weekly).await
}

pub(super) async fn monthly(State(state): State<MarketState>, Path(id): Path<i64>, params: Params<Asked>) -> Answer {
    list(&state, id, &params, Period::Monthly).await
}

async fn list(state: &MarketState, id: i64, params: &Params<Asked>, period: Period) -> Answer {
    let limit = params.count("limit");
    let (start, end) = stretch(params)?;
    let (start, end) = (start.unwrap_or(Timestamp(i64::MIN)), end.unwrap_or(Timestamp(i64::MAX)));
    let ip = state.ip(id).await?;
    let rows = list_rollups(&state.store, id, period, start, end, limit).await?;
    let include_shops = state.options.include_shops;
    let stats = rows.into_iter().map(|row| PeriodJson::of(row, include_shops)).collect();
    Ok(Data::of(StatsJson::of(ip, stats)))
}
