//! The listings of an IP.

use super::MarketState;
use crate::detect::KnownStatus;
use crate::store::{ItemFilter, ItemRow, list_items};
use api::{ApiError, List, Params, Path};
use axum::extract::State;

pub(super) async fn list(
    State(state): State<MarketState>,
    Path(id): Path<i64>,
    params: Params,
) -> Result<List<ItemRow>, ApiError> {
    params.only(&["status", "page", "page_size"])?;
    let paging = params.paging()?;
    let status = params.choice("status", &[("on_sale", KnownStatus::OnSale), ("sold", KnownStatus::Sold)])?;
    state.ip(id).await?;
    let filter = ItemFilter { status, offset: paging.offset(), limit: paging.page_size };
    let (items, total) = list_items(&state.store, id, filter).await?;
    Ok(List::of(items, u64::try_from(total).unwrap_or(0), paging))
}
