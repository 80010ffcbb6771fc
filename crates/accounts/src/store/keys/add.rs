//! Taking keys in, some thousand in a transaction.

use model::{Timestamp, WatchKind};
use std::collections::HashSet;
use std::time::Duration;
use store::{OnConflict, Store, StoreError, Tx, args, list};

/// A key as it is stored.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// The sealed key.
    pub sealed: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its masked form.
    pub mask: String,
}

/// What the keys of an import have in common.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// The import, as [`open_import`] gave it.
    pub import: i64,
    /// The provider's name.
    pub provider: &'a str,
    /// `balance`, `credits` or `tokens`.
    pub amount: &'a str,
    /// Free labels, as JSON.
    pub tags: &'a str,
    /// What the provider's file asks for beside the key, as JSON.
    pub params: &'a str,
    /// Time between two looks.
    pub interval: Duration,
    /// Keys of the import that were added before these.
    pub ahead: u64,
    /// Now.
    pub now: Timestamp,
}

/// Time between the first looks at two keys that came together: all at once they would keep the others of their lane
/// waiting.
const APART_MS: i64 = 2;

/// Begins an import; answers its number.
pub async fn open_import(tx: &mut Tx, by: &str, now: Timestamp) -> Result<i64, StoreError> {
    // Numbers of refreshes and imports mark rows of `accounts` and must not meet: they come from one table.
    tx.insert_id(
        "INSERT INTO refreshes (kind, started_at, finished_at, total, started_by) VALUES ('import', ?, ?, 0, ?)",
        args![now, now, by],
    )
    .await
}

/// Those of the fingerprints that keys have.
pub async fn known_fingerprints(store: &Store, fingerprints: &[String]) -> Result<HashSet<String>, StoreError> {
    let mut known = HashSet::new();
    let sql = "SELECT secret_hash FROM accounts WHERE kind = ? AND secret_hash IN (@LIST@)";
    for row in store.query_listed(sql, args![WatchKind::Key.as_str()], list(fingerprints)).await? {
        known.insert(row.text(0)?);
    }
    Ok(known)
}

const COLUMNS: &[&str] = &[
    "kind",
    "name",
    "provider",
    "owner_group",
    "tags",
    "amount",
    "secret",
    "secret_hash",
    "mask",
    "params",
    "thresholds",
    "interval_ms",
    "state",
    "origin",
    "job",
    "created_at",
    "updated_at",
    "status",
];

/// Adds keys and puts them into the schedule. Those whose fingerprint is taken stay as they are; answers how many were
/// added.
pub async fn add_keys(tx: &mut Tx, batch: &Batch<'_>, keys: &[NewKey]) -> Result<u64, StoreError> {
    let kind = WatchKind::Key.as_str();
    let interval = i64::try_from(batch.interval.as_millis()).unwrap_or(i64::MAX);
    let ahead = i64::try_from(batch.ahead).unwrap_or(i64::MAX);
    let due = batch.now.plus(ahead.saturating_mul(APART_MS));
    let newest = tx.query_one("SELECT MAX(id) FROM accounts", args![]).await?;
    let newest = newest.map(|r| r.opt_int(0)).transpose()?.flatten().unwrap_or(0);
    let row = |key: &NewKey| {
        args![
            kind,
            &key.name,
            batch.provider,
            "",
            batch.tags,
            batch.amount,
            &key.sealed,
            &key.fingerprint,
            &key.mask,
            batch.params,
            "[]",
            interval,
            "active",
            "import",
            batch.import,
            batch.now,
            batch.now,
            "new",
        ]
    };
    let rows = keys.iter().map(row).collect();
    tx.insert_many("accounts", COLUMNS, rows, OnConflict::Keep(&["kind", "secret_hash"])).await?;
    // The mark tells our rows from those that somebody else adds at this moment.
    let added = tx
        .exec(
            "INSERT INTO targets (kind, ref_id, state, next_due, claimable_at, interval_ms, failures) \
             SELECT kind, id, 'active', ? + (id - ?) * ?, ? + (id - ?) * ?, interval_ms, 0 FROM accounts \
             WHERE job = ? AND checked_at IS NULL AND id > ?",
            args![due, newest, APART_MS, due, newest, APART_MS, batch.import, newest],
        )
        .await?;
    tx.exec("UPDATE refreshes SET total = total + ? WHERE id = ?", args![added as i64, batch.import]).await?;
    Ok(added)
}
