//! Mailboxes. Every change is in the audit log; a secret goes in and never comes out.

use super::mailbox_fields::{MailboxFields, NewMailbox};
use super::shapes::{HitJson, MailboxJson};
use super::{RemindersState, audit};
use crate::store::{
    Mailbox, add_mailbox, delete_mailbox, find_mailbox, get_mailbox, hold_mailbox, list_hits, list_mailboxes,
    update_mailbox,
};
use api::openapi::{Created, Declared, Parameter};
use api::{ApiError, Data, Json, List, Operator, Paging, Params, Path, Reader};
use axum::extract::State;
use model::{Timestamp, WatchKind};
use schemars::JsonSchema;
use serde::Serialize;
use store::Tx;

pub(super) async fn list(
    _: Reader,
    State(state): State<RemindersState>,
    _: Params<()>,
) -> Result<List<MailboxJson>, ApiError> {
    let mut shown = Vec::new();
    for row in list_mailboxes(&state.store).await? {
        shown.push(with_target(&state, row).await?);
    }
    let total = u64::try_from(shown.len()).unwrap_or(u64::MAX);
    let all = Paging { page: 1, page_size: u32::try_from(shown.len()).unwrap_or(u32::MAX) };
    Ok(List::of(shown, total, all))
}

pub(super) async fn one(
    _: Reader,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
) -> Result<Data<MailboxJson>, ApiError> {
    shown(&state, id).await.map(Data::of)
}

pub(super) async fn create(
    operator: Operator,
    State(state): State<RemindersState>,
    Json(NewMailbox(fields)): Json<NewMailbox>,
) -> Result<Created<Data<MailboxJson>>, ApiError> {
    let mut tx = state.store.begin().await?;
    let id = add(operator, &state, &mut tx, fields).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(Created(Data::of(shown(&state, id).await?)))
}

pub(super) async fn update(
    operator: Operator,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
    Json(fields): Json<MailboxFields>,
) -> Result<Data<MailboxJson>, ApiError> {
    let mut tx = state.store.begin().await?;
    change(operator, &state, &mut tx, id, fields).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(Data::of(shown(&state, id).await?))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MailboxDeleted")]
pub(super) struct Deleted {
    id: i64,
    deleted: bool,
}

pub(super) async fn delete(
    operator: Operator,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
) -> Result<Data<Deleted>, ApiError> {
    let mut tx = state.store.begin().await?;
    remove(operator, &state, &mut tx, id).await?;
    tx.commit().await?;
    Ok(Data::of(Deleted { id, deleted: true }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MailboxTriggered")]
pub(super) struct Triggered {
    id: i64,
    /// False when a scan is already under way.
    triggered: bool,
    next_scan_at: Option<Timestamp>,
}

pub(super) async fn scan(
    operator: Operator,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
) -> Result<Data<Triggered>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let mailbox = hold_mailbox(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    if !mailbox.draft.enabled {
        return Err(ApiError::conflict("the mailbox is not enabled"));
    }
    let triggered = store::trigger(&mut tx, WatchKind::Mailbox, id, now).await?;
    if triggered {
        audit(&mut tx, operator.name, "mailbox.scan", format!("mailbox:{id}"), now).await?;
        tx.commit().await?;
        state.engine.wake();
    } else {
        tx.rollback().await?;
    }
    let target = store::get_target(&state.store, WatchKind::Mailbox, id).await?;
    Ok(Data::of(Triggered { id, triggered, next_scan_at: target.map(|t| t.next_due) }))
}

/// Which page.
pub(super) struct Pages;

impl Declared for Pages {
    const PARAMETERS: &'static [Parameter] = &[Parameter::PAGE, Parameter::PAGE_SIZE];
}

pub(super) async fn hits(
    _: Reader,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
    params: Params<Pages>,
) -> Result<List<HitJson>, ApiError> {
    let paging = params.paging();
    get_mailbox(&state.store, id).await?.ok_or_else(|| not_found(id))?;
    let (rows, total) = list_hits(&state.store, id, (paging.offset(), paging.page_size)).await?;
    Ok(List::of(rows.into_iter().map(HitJson::from).collect(), total, paging))
}

/// Adds a mailbox in the caller's transaction; answers its number.
pub(super) async fn add(
    operator: Operator,
    state: &RemindersState,
    tx: &mut Tx,
    fields: MailboxFields,
) -> Result<i64, ApiError> {
    let now = state.now();
    let draft = fields.draft(&state.mailboxes, state.sealer.as_ref()).map_err(ApiError::bad_request)?;
    name_is_free(tx, &draft.name, None).await?;
    let id = add_mailbox(tx, &draft, now).await?;
    audit(tx, operator.name, "mailbox.create", format!("mailbox:{id}"), now).await?;
    Ok(id)
}

/// Changes a mailbox in the caller's transaction.
pub(super) async fn change(
    operator: Operator,
    state: &RemindersState,
    tx: &mut Tx,
    id: i64,
    fields: MailboxFields,
) -> Result<(), ApiError> {
    let now = state.now();
    let before = hold_mailbox(tx, id).await?.ok_or_else(|| not_found(id))?;
    let draft = fields.over(before.draft.clone(), state.sealer.as_ref()).map_err(ApiError::bad_request)?;
    if draft != before.draft {
        name_is_free(tx, &draft.name, Some(id)).await?;
        update_mailbox(tx, id, &draft, now).await?;
        if !draft.enabled {
            crate::store::end_alerts(tx, (WatchKind::Mailbox, id), Some("unreadable"), now, now).await?;
        }
        audit(tx, operator.name, "mailbox.update", format!("mailbox:{id}"), now).await?;
    }
    Ok(())
}

/// Deletes a mailbox in the caller's transaction.
pub(super) async fn remove(operator: Operator, state: &RemindersState, tx: &mut Tx, id: i64) -> Result<(), ApiError> {
    let now = state.now();
    if !delete_mailbox(tx, id, now).await? {
        return Err(not_found(id));
    }
    audit(tx, operator.name, "mailbox.delete", format!("mailbox:{id}"), now).await?;
    Ok(())
}

fn not_found(id: i64) -> ApiError {
    ApiError::not_found(format!("mailbox {id}"))
}

async fn name_is_free(tx: &mut Tx, name: &str, own: Option<i64>) -> Result<(), ApiError> {
    match find_mailbox(tx, name).await? {
        Some(id) if Some(id) != own => Err(ApiError::conflict(format!("mailbox {id} has this name"))),
        _ => Ok(()),
    }
}

async fn shown(state: &RemindersState, id: i64) -> Result<MailboxJson, ApiError> {
    let row = get_mailbox(&state.store, id).await?.ok_or_else(|| not_found(id))?;
    with_target(state, row).await
}

async fn with_target(state: &RemindersState, row: Mailbox) -> Result<MailboxJson, ApiError> {
    let target = store::get_target(&state.store, WatchKind::Mailbox, row.id).await?;
    Ok(MailboxJson::of(row, target.as_ref()))
}
