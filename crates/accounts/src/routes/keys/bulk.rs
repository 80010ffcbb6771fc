//! Doing something to many keys, chosen by number, by filter, or all of them.

use super::note;
use crate::keys::{KeyFilter, Selection};
use crate::routes::{AccountsState, audit};
use crate::store::keys::{delete_keys, ids_after, tag_keys};
use crate::store::refreshes::{self, Refresh};
use api::{ApiError, Data, Json, Operator, Path, Reader};
use axum::extract::State;
use model::WatchKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Keys of one transaction.
const STEP: usize = 2000;
const MOST_TAGS: usize = 20;
const LONGEST_TAG: usize = 64;

/// A body that only chooses.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KeyChoice")]
pub(super) struct Choice {
    ids: Option<Vec<i64>>,
    filter: Option<KeyFilter>,
    all: Option<bool>,
}

/// The selection of a body.
pub(in crate::routes) fn chosen(
    ids: Option<Vec<i64>>,
    filter: Option<KeyFilter>,
    all: Option<bool>,
) -> Result<Selection, ApiError> {
    Selection::of(ids, filter, all).map_err(ApiError::bad_request)
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeysDeleted")]
pub(super) struct Deleted {
    deleted: u64,
}

pub(super) async fn delete(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(body): Json<Choice>,
) -> Result<Data<Deleted>, ApiError> {
    let selection = chosen(body.ids, body.filter, body.all)?;
    Ok(Data::of(Deleted { deleted: delete_chosen(&state, operator, &selection).await? }))
}

/// Deletes what is selected, noted in the audit log; answers how many there were.
pub(in crate::routes) async fn delete_chosen(
    state: &AccountsState,
    operator: Operator,
    selection: &Selection,
) -> Result<u64, ApiError> {
    note(state, operator.name, "key.delete", selection.described()).await?;
    let (now, mut after, mut deleted) = (state.now(), i64::MIN, 0);
    loop {
        let mut tx = state.store.begin().await?;
        let ids = ids_after(&mut tx, selection, after, STEP).await?;
        let Some(last) = ids.last() else { return Ok(deleted) };
        after = *last;
        deleted += delete_keys(&mut tx, &ids, now).await?;
        tx.commit().await?;
    }
}

/// A selection and the labels to add and to take away.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "KeyTagging")]
pub(super) struct Tagging {
    ids: Option<Vec<i64>>,
    filter: Option<KeyFilter>,
    all: Option<bool>,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "KeysTagged")]
pub(super) struct Tagged {
    changed: u64,
}

pub(super) async fn tag(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(body): Json<Tagging>,
) -> Result<Data<Tagged>, ApiError> {
    let selection = chosen(body.ids, body.filter, body.all)?;
    let (add, remove) = (tags(body.add)?, tags(body.remove)?);
    if add.is_empty() && remove.is_empty() {
        return Err(ApiError::bad_request("give labels in add, in remove, or in both"));
    }
    note(&state, operator.name, "key.tag", selection.described()).await?;
    let (now, mut after, mut changed) = (state.now(), i64::MIN, 0);
    loop {
        let mut tx = state.store.begin().await?;
        let ids = ids_after(&mut tx, &selection, after, STEP).await?;
        let Some(last) = ids.last() else { return Ok(Data::of(Tagged { changed })) };
        after = *last;
        changed += tag_keys(&mut tx, &ids, (&add, &remove), now).await?;
        tx.commit().await?;
    }
}

/// Labels without blanks around them, each once.
pub(super) fn tags(given: Vec<String>) -> Result<Vec<String>, ApiError> {
    let mut tags: Vec<String> = given.iter().map(|tag| tag.trim().to_owned()).filter(|t| !t.is_empty()).collect();
    tags.sort();
    tags.dedup();
    if tags.len() > MOST_TAGS {
        return Err(ApiError::bad_request(format!("more than {MOST_TAGS} tags")));
    }
    if tags.iter().any(|t| t.chars().count() > LONGEST_TAG || t.chars().any(char::is_control)) {
        return Err(ApiError::bad_request(format!(
            "a tag is longer than {LONGEST_TAG} characters or has a line break"
        )));
    }
    Ok(tags)
}

pub(super) async fn refresh(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(body): Json<Choice>,
) -> Result<Data<Refresh>, ApiError> {
    let selection = chosen(body.ids, body.filter, body.all)?;
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let refresh = refreshes::start(&mut tx, WatchKind::Key, &selection, operator.name, now).await?;
    audit(&mut tx, operator.name, "key.refresh", selection.described(), now).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(Data::of(refresh))
}

pub(super) async fn progress(
    _: Reader,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<Data<Refresh>, ApiError> {
    let found = refreshes::get(&state.store, id).await?.filter(|r| r.kind != "import");
    Ok(Data::of(found.ok_or_else(|| ApiError::not_found(format!("refresh {id}")))?))
}
