//! Pages of keys, sums of them, and one key.

use super::reveal;
use super::shapes::KeyJson;
use crate::keys::{KeyFilter, Selection, UnitTotals};
use crate::routes::AccountsState;
use crate::store::keys::{KeyOrder, KeyQuery, count_by_status, get_key, list_keys, tally};
use api::{Admin, ApiError, Data, List, Operator, Paging, Params, Path, Reader};
use axum::extract::State;
use axum::http::{HeaderName, header};
use model::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

const FILTER: &[&str] =
    &["q", "tag", "provider", "status", "org", "remaining_min", "remaining_max", "ratio_min", "ratio_max"];

/// An answer that holds a key stays out of every cache.
pub(super) const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

fn filter(params: &Params) -> Result<KeyFilter, ApiError> {
    let text = |name: &str| params.text(name).map(str::to_owned);
    let number = |name: &str| match params.text(name).map(str::trim).filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Some(n)),
            _ => Err(ApiError::bad_request(format!("{name} must be a number"))),
        },
    };
    let filter = KeyFilter {
        q: text("q"),
        tag: text("tag"),
        provider: text("provider"),
        status: text("status"),
        org: text("org"),
        remaining_min: number("remaining_min")?,
        remaining_max: number("remaining_max")?,
        ratio_min: number("ratio_min")?,
        ratio_max: number("ratio_max")?,
    };
    filter.checked().map_err(ApiError::bad_request)
}

pub(super) async fn list(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params,
) -> Result<List<KeyJson>, ApiError> {
    params.only(&[FILTER, &["sort", "order", "page", "page_size"]].concat())?;
    let page = params.number("page", 1..=1_000_000)?.unwrap_or(1);
    let page_size = params.number("page_size", 1..=1000)?.unwrap_or(20);
    let paging = Paging { page: u32::try_from(page).unwrap_or(1), page_size: u32::try_from(page_size).unwrap_or(20) };
    let query = KeyQuery {
        filter: filter(&params)?,
        order: params.choice("sort", KeyOrder::WORDS)?.unwrap_or_default(),
        descending: params.choice("order", &[("asc", false), ("desc", true)])?.unwrap_or(false),
        offset: paging.offset(),
        limit: paging.page_size,
    };
    let (keys, total) = list_keys(&state.store, &query).await?;
    Ok(List::of(keys.into_iter().map(KeyJson::from).collect(), total, paging))
}

#[derive(Serialize)]
pub(super) struct Summary {
    count: i64,
    by_status: Map<String, Value>,
    orgs: u64,
    totals: Vec<UnitTotals>,
    unknown: u64,
    checked_oldest: Option<Timestamp>,
    checked_newest: Option<Timestamp>,
}

pub(super) async fn summary(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params,
) -> Result<Data<Summary>, ApiError> {
    params.only(FILTER)?;
    let selection = Selection::Filter(filter(&params)?);
    let by_status = count_by_status(&state.store, &selection).await?;
    let (sums, oldest, newest) = tally(&state.store, &selection).await?;
    Ok(Data::of(Summary {
        count: by_status.iter().map(|(_, n)| n).sum(),
        by_status: by_status.into_iter().map(|(status, n)| (status, n.into())).collect(),
        orgs: sums.orgs,
        totals: sums.totals,
        unknown: sums.unknown,
        checked_oldest: oldest,
        checked_newest: newest,
    }))
}

pub(super) async fn one(
    _: Reader,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<Data<KeyJson>, ApiError> {
    let found = get_key(&state.store, id).await?.ok_or_else(|| ApiError::not_found(format!("key {id}")))?;
    Ok(Data::of(found.into()))
}

#[derive(Serialize)]
pub(super) struct Full {
    id: i64,
    key: String,
}

pub(super) async fn full(
    admin: Admin,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<([(HeaderName, &'static str); 1], Data<Full>), ApiError> {
    let key = reveal(&state, admin, id).await?;
    Ok((NO_STORE, Data::of(Full { id, key })))
}

#[derive(Serialize)]
pub(super) struct Deleted {
    id: i64,
    deleted: bool,
}

pub(super) async fn delete(
    operator: Operator,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<Data<Deleted>, ApiError> {
    match super::delete_chosen(&state, operator, &Selection::Ids(vec![id])).await? {
        0 => Err(ApiError::not_found(format!("key {id}"))),
        _ => Ok(Data::of(Deleted { id, deleted: true })),
    }
}
