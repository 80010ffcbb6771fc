//! Rows of `accounts`: what is watched, and the latest of it.

use crate::forecast::Forecast;
use crate::provider::Params;
use crate::reading::Reading;
use crate::threshold::Threshold;
use model::{TargetState, Timestamp, WatchKind};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::time::Duration;
use store::{Row, Store, StoreError, Tx, args, list};

/// An account or a key, with the latest of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its number.
    pub id: i64,
    /// A balance, or a key of the pool.
    pub kind: WatchKind,
    /// What people call it; unique among balances.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// The project or team it belongs to; may be empty.
    pub group: String,
    /// Free labels.
    pub tags: Vec<String>,
    /// `balance`, `credits` or `tokens`.
    pub amount: String,
    /// The sealed secret; `None` where the provider needs none.
    pub secret: Option<String>,
    /// `abcd...wxyz`.
    pub mask: String,
    /// What the provider's file asks for beside the secret.
    pub params: Params,
    /// What people want to be told of.
    pub thresholds: Vec<Threshold>,
    /// Time between two looks.
    pub interval: Duration,
    /// Active or paused.
    pub state: TargetState,
    /// `config`, `ui` or `import`.
    pub origin: String,
    /// The organisation whose allowance it shares, once learnt.
    pub org: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its settings changed last.
    pub updated_at: Timestamp,
    /// When it was looked at last.
    pub checked_at: Option<Timestamp>,
    /// What became of the last look; `new` before the first.
    pub status: String,
    /// Why the last look gave no numbers, or a warning beside them.
    pub error: Option<String>,
    /// When the numbers were true.
    pub good_at: Option<Timestamp>,
    /// The first look that gave the numbers it still has.
    pub run_at: Option<Timestamp>,
    /// The last good reading.
    pub reading: Option<Reading>,
    /// The forecast made of it, as JSON.
    pub forecast: Option<Forecast>,
}

pub(super) const COLUMNS: &str = "id, kind, name, provider, owner_group, tags, amount, secret, mask, params, \
     thresholds, interval_ms, state, origin, org, created_at, updated_at, checked_at, status, error, good_at, run_at, \
     reading, forecast";

pub(super) fn json<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, StoreError> {
    parsed(&row.text(column)?, column)
}

fn parsed<T: DeserializeOwned>(text: &str, column: usize) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Decode { column, message: e.to_string() })
}

/// A value as it is stored.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Decode { column: 0, message: e.to_string() })
}

impl Account {
    pub(super) fn of(r: &Row) -> Result<Self, StoreError> {
        let kind = r.text(1)?;
        let state = r.text(12)?;
        let optional = |column: usize| r.opt_text(column);
        Ok(Self {
            id: r.int(0)?,
            kind: WatchKind::parse(&kind).ok_or(StoreError::Decode { column: 1, message: kind })?,
            name: r.text(2)?,
            provider: r.text(3)?,
            group: r.text(4)?,
            tags: json(r, 5)?,
            amount: r.text(6)?,
            secret: optional(7)?,
            mask: r.text(8)?,
            params: json(r, 9)?,
            thresholds: json(r, 10)?,
            interval: Duration::from_millis(r.int(11)?.unsigned_abs()),
            state: TargetState::parse(&state).ok_or(StoreError::Decode { column: 12, message: state })?,
            origin: r.text(13)?,
            org: optional(14)?,
            created_at: r.time(15)?,
            updated_at: r.time(16)?,
            checked_at: r.opt_time(17)?,
            status: r.text(18)?,
            error: optional(19)?,
            good_at: r.opt_time(20)?,
            run_at: r.opt_time(21)?,
            reading: optional(22)?.map(|text| parsed(&text, 22)).transpose()?,
            forecast: optional(23)?.map(|text| parsed(&text, 23)).transpose()?,
        })
    }

    /// The account, in the caller's transaction.
    pub async fn load(tx: &mut Tx, id: i64) -> Result<Option<Self>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM accounts WHERE id = ?");
        tx.query_one(&sql, args![id]).await?.as_ref().map(Self::of).transpose()
    }
}

/// The account of this number.
pub async fn get_account(store: &Store, id: i64) -> Result<Option<Account>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE id = ?");
    store.query_one(&sql, args![id]).await?.as_ref().map(Account::of).transpose()
}

/// The balance of this name.
pub async fn find_account_by_name(tx: &mut Tx, name: &str) -> Result<Option<Account>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE name_key = ?");
    tx.query_one(&sql, args![name_key(name)]).await?.as_ref().map(Account::of).transpose()
}

/// Names of accounts or keys.
pub async fn names_of(store: &Store, kind: WatchKind, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
    let mut names = HashMap::new();
    let sql = "SELECT id, name FROM accounts WHERE kind = ? AND id IN (@LIST@)";
    for row in store.query_listed(sql, args![kind.as_str()], list(ids)).await? {
        names.insert(row.int(0)?, row.text(1)?);
    }
    Ok(names)
}

/// An account to be added.
#[derive(Clone, Debug)]
pub struct AccountDraft {
    /// A balance, or a key of the pool.
    pub kind: WatchKind,
    /// What people call it.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// The project or team it belongs to.
    pub group: String,
    /// Free labels.
    pub tags: Vec<String>,
    /// `balance`, `credits` or `tokens`.
    pub amount: String,
    /// The sealed secret.
    pub secret: Option<String>,
    /// Its fingerprint.
    pub secret_hash: Option<String>,
    /// `abcd...wxyz`.
    pub mask: String,
    /// What the provider's file asks for beside the secret.
    pub params: Params,
    /// What people want to be told of.
    pub thresholds: Vec<Threshold>,
    /// Time between two looks.
    pub interval: Duration,
    /// Whether it is looked at.
    pub state: TargetState,
    /// `config`, `ui` or `import`.
    pub origin: &'static str,
}

fn millis(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(i64::MAX)
}

/// Names that differ only by case or by spaces at the ends would be one to the databases that compare so.
fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Adds an account and puts it into the schedule, due at once. `Conflict` when the name or the secret is taken.
pub async fn add_account(tx: &mut Tx, draft: &AccountDraft, now: Timestamp) -> Result<i64, StoreError> {
    let key = (draft.kind == WatchKind::Account).then(|| name_key(&draft.name));
    let id = tx
        .insert_id(
            "INSERT INTO accounts (kind, name, name_key, provider, owner_group, tags, amount, secret, secret_hash, \
             mask, params, thresholds, interval_ms, state, origin, created_at, updated_at, status) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'new')",
            args![
                draft.kind.as_str(),
                &draft.name,
                key,
                &draft.provider,
                &draft.group,
                to_json(&draft.tags)?,
                &draft.amount,
                draft.secret.clone(),
                draft.secret_hash.clone(),
                &draft.mask,
                to_json(&draft.params)?,
                to_json(&draft.thresholds)?,
                millis(draft.interval),
                draft.state.as_str(),
                draft.origin,
                now,
                now,
            ],
        )
        .await?;
    store::add_target(tx, draft.kind, id, now, draft.interval).await?;
    if draft.state != TargetState::Active {
        store::set_target_state(tx, draft.kind, id, draft.state).await?;
    }
    Ok(id)
}

/// What to change of an account; `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountPatch {
    /// What people call it.
    pub name: Option<String>,
    /// The project or team it belongs to.
    pub group: Option<String>,
    /// Free labels.
    pub tags: Option<Vec<String>>,
    /// The sealed secret, its fingerprint and its masked form.
    pub secret: Option<(String, String, String)>,
    /// What the provider's file asks for beside the secret.
    pub params: Option<Params>,
    /// What people want to be told of.
    pub thresholds: Option<Vec<Threshold>>,
    /// Time between two looks.
    pub interval: Option<Duration>,
    /// Whether it is looked at.
    pub state: Option<TargetState>,
}

/// Changes an account. A new secret or new parameters make it due at once; what the old ones gave stays shown, with
/// its age.
pub async fn update_account(
    tx: &mut Tx,
    account: &Account,
    patch: &AccountPatch,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut sets = vec!["updated_at = ?"];
    let mut values = args![now];
    let mut set = |sql: &'static str, value: store::Value| {
        sets.push(sql);
        values.push(value);
    };
    if let Some(name) = &patch.name {
        set("name = ?", name.into());
        if account.kind == WatchKind::Account {
            set("name_key = ?", name_key(name).into());
        }
    }
    if let Some(group) = &patch.group {
        set("owner_group = ?", group.into());
    }
    if let Some(tags) = &patch.tags {
        set("tags = ?", to_json(tags)?.into());
    }
    if let Some((sealed, hash, mask)) = &patch.secret {
        set("secret = ?", sealed.into());
        set("secret_hash = ?", hash.into());
        set("mask = ?", mask.into());
        // Another key may be another organisation's.
        set("org = ?", store::Value::NullText);
    }
    if let Some(params) = &patch.params {
        set("params = ?", to_json(params)?.into());
    }
    if let Some(thresholds) = &patch.thresholds {
        set("thresholds = ?", to_json(thresholds)?.into());
    }
    if let Some(interval) = patch.interval {
        set("interval_ms = ?", millis(interval).into());
    }
    if let Some(state) = patch.state {
        set("state = ?", state.as_str().into());
    }
    values.push(account.id.into());
    tx.exec(&format!("UPDATE accounts SET {} WHERE id = ?", sets.join(", ")), values).await?;
    if let Some(state) = patch.state {
        store::set_target_state(tx, account.kind, account.id, state).await?;
    }
    let active = patch.state.unwrap_or(account.state) == TargetState::Active;
    let anew =
        patch.secret.is_some() || patch.params.is_some() || patch.thresholds.is_some() || patch.interval.is_some();
    if active && (anew || patch.state.is_some()) {
        store::trigger(tx, account.kind, account.id, now).await?;
    }
    Ok(())
}

/// Number and name of the accounts that the configuration keeps.
pub async fn kept_accounts(tx: &mut Tx) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = tx.query("SELECT id, name FROM accounts WHERE origin = 'config' ORDER BY id", Vec::new()).await?;
    rows.iter().map(|r| Ok((r.int(0)?, r.text(1)?))).collect()
}

/// Says who keeps an account: `config`, `ui` or `import`.
pub async fn adopt(tx: &mut Tx, id: i64, origin: &str) -> Result<(), StoreError> {
    tx.exec("UPDATE accounts SET origin = ? WHERE id = ?", args![origin, id]).await?;
    Ok(())
}

/// Removes an account, its place in the schedule and its history, and ends its alerts without telling anybody.
pub async fn remove_account(tx: &mut Tx, account: &Account, now: Timestamp) -> Result<(), StoreError> {
    let (kind, id) = (account.kind.as_str(), account.id);
    tx.exec(
        "UPDATE alerts SET status = 'resolved', resolved_at = ?, open_key = NULL \
         WHERE kind = ? AND ref_id = ? AND open_key IS NOT NULL",
        args![now, kind, id],
    )
    .await?;
    tx.exec("DELETE FROM targets WHERE kind = ? AND ref_id = ?", args![kind, id]).await?;
    tx.exec("DELETE FROM readings WHERE account = ?", args![id]).await?;
    tx.exec("DELETE FROM accounts WHERE id = ?", args![id]).await?;
    Ok(())
}
