//! Adding, changing, listing and checking balances. Every change is in the audit log.

use super::shapes::{AccountJson, shown};
use super::{AccountsState, audit};
use crate::draft::Stated;
use crate::fetch::status_of;
use crate::reading::Reading;
use crate::store::{
    Account, AccountFilter, StatusFilter, add_account, count_accounts, find_account_by_name, get_account,
    list_accounts, remove_account, update_account,
};
use crate::watch::Asked;
use api::openapi::{Created, Declared, Parameter};
use api::{ApiError, Data, Json, List, Operator, Params, Path, Reader, words};
use axum::extract::State;
use model::{TargetState, WatchKind};
use schemars::JsonSchema;
use serde::Serialize;
use settings::Secret;
use std::collections::BTreeMap;
use std::time::Duration;
use store::{StoreError, Tx};

const STATES: [(&str, TargetState); 2] = [("active", TargetState::Active), ("paused", TargetState::Paused)];

/// Balances without a good reading for so long are stale.
const STALE: Duration = Duration::from_secs(3 * 3600);

/// What the list may be asked.
pub(super) struct AskedList;

impl Declared for AskedList {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::text("q", 191, "A part of the name."),
        Parameter::text("group", 191, "Of this project or team; empty for those of none."),
        Parameter::text("provider", 191, "At this provider."),
        Parameter::text("tag", 191, "With this label."),
        Parameter::text("status", 40, "As the last look ended; `failed` for all but ok, `stale` for old readings."),
        Parameter::word("state", &words(&STATES), "Whether they are looked at."),
        Parameter::PAGE,
        Parameter::PAGE_SIZE,
    ];
}

pub(super) async fn list(
    _: Reader,
    State(state): State<AccountsState>,
    params: Params<AskedList>,
) -> Result<List<AccountJson>, ApiError> {
    let paging = params.paging();
    let text = |name: &str| params.trimmed(name).map(str::to_owned);
    let filter = AccountFilter {
        text: text("q"),
        group: params.text("group").map(str::to_owned),
        provider: text("provider"),
        tag: text("tag"),
        state: params.choice("state", &STATES),
        status: text("status").map(|word| match word.as_str() {
            "failed" => StatusFilter::Failed,
            "stale" => StatusFilter::Stale(state.now() - STALE),
            _ => StatusFilter::Is(word),
        }),
        offset: paging.offset(),
        limit: paging.page_size,
    };
    let (accounts, total) = list_accounts(&state.store, &filter).await?;
    Ok(List::of(shown(&state, accounts).await?, total, paging))
}

pub(super) async fn one(
    _: Reader,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<Data<AccountJson>, ApiError> {
    Ok(Data::of(json(&state, balance(&state, id).await?).await?))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountSummary")]
pub(super) struct Summary {
    count: i64,
    by_status: BTreeMap<String, i64>,
    groups: Vec<Counted>,
    providers: Vec<Counted>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountCount")]
struct Counted {
    name: String,
    title: String,
    count: i64,
}

pub(super) async fn summary(_: Reader, State(state): State<AccountsState>) -> Result<Data<Summary>, ApiError> {
    let [by_status, groups, providers] = count_accounts(&state.store).await?;
    Ok(Data::of(Summary {
        count: by_status.iter().map(|(_, count)| count).sum(),
        by_status: by_status.into_iter().collect(),
        groups: groups.into_iter().map(|(name, count)| Counted { title: name.clone(), name, count }).collect(),
        providers: providers
            .into_iter()
            .map(|(name, count)| Counted { title: state.title(&name), name, count })
            .collect(),
    }))
}

pub(super) async fn create(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(stated): Json<Stated>,
) -> Result<Created<Data<AccountJson>>, ApiError> {
    let draft = stated.draft(&state.providers, &state.keyring, &state.options, "ui").map_err(ApiError::bad_request)?;
    let now = state.now();
    let mut tx = state.store.begin().await?;
    name_is_free(&mut tx, &draft.name, None).await?;
    let id = add_account(&mut tx, &draft, now).await.map_err(taken)?;
    audit(&mut tx, operator.name, "account.create", format!("account:{id}"), now).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(Created(Data::of(json(&state, balance(&state, id).await?).await?)))
}

fn taken(e: StoreError) -> ApiError {
    match e {
        StoreError::Conflict(_) => ApiError::conflict("another account has this secret"),
        e => e.into(),
    }
}

pub(super) async fn update(
    operator: Operator,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
    Json(stated): Json<Stated>,
) -> Result<Data<AccountJson>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let account = load(&mut tx, id).await?;
    let opened = account.secret.as_deref().map(|sealed| state.keyring.open(sealed)).transpose();
    let secret = Secret::new(opened.map_err(|e| ApiError::conflict(e.to_string()))?.unwrap_or_default());
    let known = (account.provider.as_str(), &secret, &account.params);
    let patch = stated.patch(&state.providers, &state.keyring, known).map_err(ApiError::bad_request)?;
    if let Some(name) = &patch.name {
        name_is_free(&mut tx, name, Some(id)).await?;
    }
    update_account(&mut tx, &account, &patch, now).await.map_err(taken)?;
    audit(&mut tx, operator.name, "account.update", format!("account:{id}"), now).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(Data::of(json(&state, balance(&state, id).await?).await?))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountDeleted")]
pub(super) struct Deleted {
    id: i64,
    deleted: bool,
}

pub(super) async fn delete(
    operator: Operator,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<Data<Deleted>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let account = load(&mut tx, id).await?;
    if account.origin == "config" {
        return Err(ApiError::conflict("the configuration keeps this account; take it out there, or pause it here"));
    }
    remove_account(&mut tx, &account, now).await?;
    audit(&mut tx, operator.name, "account.delete", format!("account:{id} {}", account.name), now).await?;
    tx.commit().await?;
    Ok(Data::of(Deleted { id, deleted: true }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccountTested")]
pub(super) struct Tested {
    #[serde(flatten)]
    reading: Reading,
}

/// Asks once for an account that is not stored.
pub(super) async fn test(
    _: Operator,
    State(state): State<AccountsState>,
    Json(stated): Json<Stated>,
) -> Result<Data<Tested>, ApiError> {
    let reading = match stated.asked(&state.providers).map_err(ApiError::bad_request)? {
        Asked::Manual(manual) => manual.reading(state.now()),
        Asked::Provider(inquiry) => state
            .fetcher
            .fetch(&inquiry)
            .await
            .unwrap_or_else(|e| Reading::failed(status_of(&e), inquiry.redactor().note(&e.to_string()))),
    };
    Ok(Data::of(Tested { reading }))
}

async fn json(state: &AccountsState, account: Account) -> Result<AccountJson, ApiError> {
    let shown = shown(state, vec![account]).await?;
    shown.into_iter().next().ok_or_else(|| ApiError::internal("an account was lost on its way"))
}

/// The balance, or 404.
pub(super) async fn balance(state: &AccountsState, id: i64) -> Result<Account, ApiError> {
    let found = get_account(&state.store, id).await?.filter(|a| a.kind == WatchKind::Account);
    found.ok_or_else(|| ApiError::not_found(format!("account {id}")))
}

async fn load(tx: &mut Tx, id: i64) -> Result<Account, ApiError> {
    let found = Account::load(tx, id).await?.filter(|a| a.kind == WatchKind::Account);
    found.ok_or_else(|| ApiError::not_found(format!("account {id}")))
}

async fn name_is_free(tx: &mut Tx, name: &str, own: Option<i64>) -> Result<(), ApiError> {
    match find_account_by_name(tx, name).await? {
        Some(account) if Some(account.id) != own => {
            Err(ApiError::conflict(format!("account {} has this name", account.id)))
        }
        _ => Ok(()),
    }
}
