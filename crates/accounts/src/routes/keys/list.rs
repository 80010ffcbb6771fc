//! Pages of keys, sums of them, and one key.

use super::reveal;
use super::shapes::KeyJson;
use crate::keys::{KeyFilter, STATUSES, Selection, UnitTotals};
use crate::routes::AccountsState;
use crate::store::keys::{KeyOrder, KeyQuery, count_by_status, get_key, list_keys, tally};
use api::openapi::{Declared, Parameter};
use api::{Admin, ApiError, Data, List, Operator, Params, Path, Reader, words};
use axum::extract::State;
use axum::http::{HeaderName, header};
use model::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

const FILTER: [Parameter; 9] = [
    Parameter::text("q", 191, "A part of the name or of the masked key."),
    Parameter::text("tag", 191, "With this label."),
    Parameter::text("provider", 191, "At this provider."),
    Parameter::word("status", STATUSES, "As the last look ended; `failed` for all but ok and new."),
    Parameter::text("org", 191, "Of this organisation."),
    Parameter::decimal("remaining_min", "At least so much is left."),
    Parameter::decimal("remaining_max", "At most so much is left."),
    Parameter::decimal("ratio_min", "At least this part is used, 0 to 1."),
    Parameter::decimal("ratio_max", "At most this part is used, 0 to 1."),
];
const DIRECTIONS: [(&str, bool); 2] = [("asc", false), ("desc", true)];

/// Which keys.
pub(super) struct Filtered;

impl Declared for Filtered {
    const PARAMETERS: &'static [Parameter] = &FILTER;
}

/// Which keys, in which order.
pub(super) struct AskedPage;

impl Declared for AskedPage {
    const PARAMETERS: &'static [Parameter] = &[
        FILTER[0],
        FILTER[1],
        FILTER[2],
        FILTER[3],
        FILTER[4],
        FILTER[5],
        FILTER[6],
        FILTER[7],
        FILTER[8],
        Parameter::word("sort", &words(&KeyOrder::WORDS), "Ordered by."),
        Parameter::word("order", &words(&DIRECTIONS), "Smallest first, or largest."),
        Parameter::PAGE,
        Parameter::number("page_size", 1, 1000, Some(20), "Rows of a page."),
    ];
}

/// An answer that holds a key stays out of every cache.
pub(super) const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

fn filter<Q: Declared>(params: &Params<Q>) -> Result<KeyFilter, ApiError> {
    let text = |name: &str| params.text(name).map(str::to_owned);
    let number = |name: &str| params.text(name).and_then(|text| text.parse::<f64>().ok());
    let filter = KeyFilter {
        q: text("q"),
        tag: text("tag"),
        provider: text("provider"),
        status: text("status"),
        org: text("org"),
        remaining_min: number("remaining_min"),
        remaining_max: number("remaining_max"),
        ratio_min: number("ratio_min"),
        ratio_max: number("ratio_max"),
    };
    filter.checked().map_err(ApiError::bad_request)
}

pub(super) async fn list(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params<AskedPage>,
) -> Result<List<KeyJson>, ApiError> {
    let paging = params.paging();
    let query = KeyQuery {
        filter: filter(&params)?,
        order: params.choice("sort", &KeyOrder::WORDS).unwrap_or_default(),
        descending: params.choice("order", &DIRECTIONS).unwrap_or(false),
        offset: paging.offset(),
        limit: paging.page_size,
    };
    let (keys, total) = list_keys(&state.store, &query).await?;
    Ok(List::of(keys.into_iter().map(KeyJson::from).collect(), total, paging))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeySummary")]
pub(super) struct Summary {
    count: i64,
    by_status: BTreeMap<String, i64>,
    orgs: u64,
    totals: Vec<UnitTotals>,
    unknown: u64,
    checked_oldest: Option<Timestamp>,
    checked_newest: Option<Timestamp>,
}

pub(super) async fn summary(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params<Filtered>,
) -> Result<Data<Summary>, ApiError> {
    let selection = Selection::Filter(filter(&params)?);
    let by_status = count_by_status(&state.store, &selection).await?;
    let (sums, oldest, newest) = tally(&state.store, &selection).await?;
    Ok(Data::of(Summary {
        count: by_status.iter().map(|(_, n)| n).sum(),
        by_status: by_status.into_iter().collect(),
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

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeyFull")]
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

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeyDeleted")]
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
