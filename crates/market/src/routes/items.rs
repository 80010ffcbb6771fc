//! The listings of an IP.

use super::MarketState;
use crate::detect::KnownStatus;
use crate::store::{ItemFilter, ItemRow, list_items};
use api::openapi::{Declared, Parameter};
use api::{ApiError, List, Params, Path, words};
use axum::extract::State;

const STATES: [(&str, KnownStatus); 2] = [("on_sale", KnownStatus::OnSale), ("sold", KnownStatus::Sold)];

/// What the list may be asked.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::word("status", &words(&STATES), "As they were last seen."), Parameter::PAGE, Parameter::PAGE_SIZE];
}

pub(super) async fn list(
    State(state): State<MarketState>,
    Path(id): Path<i64>,
    params: Params<Asked>,
) -> Result<List<ItemRow>, ApiError> {
    let paging = params.paging();
    let status = params.choice("status", &STATES);
    state.ip(id).await?;
    let filter = ItemFilter { status, offset: paging.offset(), limit: paging.page_size };
    let (items, total) = list_items(&state.store, id, filter).await?;
    Ok(List::of(items, u64::try_from(total).unwrap_or(0), paging))
}
