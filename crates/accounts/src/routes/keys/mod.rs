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
use api::{Admin, ApiError, Auth, Routes, Who};
use store::{AuditEntry, StoreError};

/// The routes under `/api/v1`.
pub(super) fn routes(auth: &Auth) -> Routes<AccountsState> {
    Routes::new(auth)
        .get("/keys", Who::Viewer, "A page of the pool, in any order.", list::list)
        .get("/keys/summary", Who::Viewer, "Sums over the pool; shared allowances count once.", list::summary)
        .post(
            "/keys/import",
            Who::Operator,
            "Adds keys from lines, CSV or JSON; those there already stay.",
            import::import,
        )
        .post("/keys/delete", Who::Operator, "Deletes keys by id, by filter, or all.", bulk::delete)
        .post("/keys/tag", Who::Operator, "Adds and takes away labels.", bulk::tag)
        .post("/keys/refresh", Who::Operator, "Looks at keys now, as a job.", bulk::refresh)
        .post(
            "/keys/export",
            Who::Viewer,
            "The selected keys as a file; with secrets for administrators.",
            export::export,
        )
        .post("/keys/copy", Who::Admin, "The selected keys themselves, one in a line.", export::copy)
        .get("/keys/{id}", Who::Viewer, "One key, masked.", list::one)
        .delete("/keys/{id}", Who::Operator, "Deletes a key.", list::delete)
        .get("/keys/{id}/full", Who::Admin, "A key as it is; noted in the audit log.", list::full)
        .get("/refreshes/{id}", Who::Viewer, "How far a job is.", bulk::progress)
}

/// Writes who did what, before it is done: what cannot be written down does not happen.
async fn note(state: &AccountsState, actor: &str, action: &str, subject: String) -> Result<(), StoreError> {
    let mut tx = state.store.begin().await?;
    let entry = AuditEntry { at: state.now(), actor: actor.to_owned(), action: action.to_owned(), subject };
    store::audit(&mut tx, &entry).await?;
    tx.commit().await
}

/// The key of this number as it is, noted in the audit log.
pub(super) async fn reveal(state: &AccountsState, admin: Admin, id: i64) -> Result<String, ApiError> {
    let selection = crate::keys::Selection::Ids(vec![id]);
    let found = crate::store::keys::sealed_after(&state.store, &selection, i64::MIN, 1).await?;
    let (_, sealed) = found.into_iter().next().ok_or_else(|| ApiError::not_found(format!("key {id}")))?;
    note(state, admin.name, "key.reveal", format!("key:{id}")).await?;
    state.keyring.open(&sealed).map_err(|e| ApiError::conflict(format!("key {id} cannot be opened: {e}")))
}
