//! What the API says of the pool of keys. No answer holds a key but those that exist to give one, and these are in the
//! audit log.

mod bulk;
mod export;
mod import;
mod list;
mod shapes;

pub(super) use bulk::{chosen, delete_chosen};
pub(super) use import::{options_of, refused};

use super::AccountsState;
use api::{Admin, ApiError};
use axum::Router;
use axum::routing::{get, post};
use store::{AuditEntry, StoreError};

/// The routes under `/api/v1`.
pub(super) fn routes() -> Router<AccountsState> {
    Router::new()
        .route("/keys", get(list::list))
        .route("/keys/summary", get(list::summary))
        .route("/keys/import", post(import::import))
        .route("/keys/delete", post(bulk::delete))
        .route("/keys/tag", post(bulk::tag))
        .route("/keys/refresh", post(bulk::refresh))
        .route("/keys/export", post(export::export))
        .route("/keys/copy", post(export::copy))
        .route("/keys/{id}", get(list::one).delete(list::delete))
        .route("/keys/{id}/full", get(list::full))
        .route("/refreshes/{id}", get(bulk::progress))
}

/// Writes who did what, before it is done: what cannot be written down does not happen.
async fn note(state: &AccountsState, admin: Admin, action: &str, subject: String) -> Result<(), StoreError> {
    let mut tx = state.store.begin().await?;
    let entry = AuditEntry { at: state.now(), actor: admin.name.to_owned(), action: action.to_owned(), subject };
    store::audit(&mut tx, &entry).await?;
    tx.commit().await
}

/// The key of this number as it is, noted in the audit log.
pub(super) async fn reveal(state: &AccountsState, admin: Admin, id: i64) -> Result<String, ApiError> {
    let selection = crate::keys::Selection::Ids(vec![id]);
    let found = crate::store::keys::sealed_after(&state.store, &selection, i64::MIN, 1).await?;
    let (_, sealed) = found.into_iter().next().ok_or_else(|| ApiError::not_found(format!("key {id}")))?;
    note(state, admin, "key.reveal", format!("key:{id}")).await?;
    state.keyring.open(&sealed).map_err(|e| ApiError::conflict(format!("key {id} cannot be opened: {e}")))
}
