//! Refreshes: many looks asked for at once. The schedule does them; a row here says which belong together, so that a
//! restart loses nothing.

use super::keys::Chosen;
use crate::keys::Selection;
use model::{Timestamp, WatchKind};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;
use store::{Row, Store, StoreError, Tx, args};

/// A refresh and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refresh {
    /// Its number.
    pub id: i64,
    /// `account` or `key`.
    pub kind: String,
    /// How many are to be looked at: the active ones of the selection.
    pub total: i64,
    /// How many of them have been looked at, were deleted, or belong to a later refresh by now.
    pub done: i64,
    /// How many of them were read.
    pub ok: i64,
    /// How many of them could not be read.
    pub failed: i64,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A refresh without a look for so long is over: what it waits for will not come soon.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How long refreshes are remembered.
const MEMORY: Duration = Duration::from_secs(30 * 86_400);

/// Makes the active ones of the selection due now and begins to count. Those that are being looked at stay with their
/// worker.
pub async fn start(
    tx: &mut Tx,
    kind: WatchKind,
    selection: &Selection,
    by: &str,
    now: Timestamp,
) -> Result<Refresh, StoreError> {
    let id = tx
        .insert_id(
            "INSERT INTO refreshes (kind, started_at, total, started_by) VALUES (?, ?, 0, ?)",
            args![kind.as_str(), now, by],
        )
        .await?;
    let chosen = Chosen::of(kind, selection).and("state = 'active'", args![]);
    let mut values = args![id];
    values.extend(chosen.values);
    let total = tx.exec(&format!("UPDATE accounts SET job = ? WHERE {}", chosen.sql), values).await?;
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    tx.exec(
        "UPDATE targets SET next_due = ?, claimable_at = ? WHERE kind = ? AND state = 'active' \
         AND (lease_until IS NULL OR lease_until <= ?) AND ref_id IN (SELECT id FROM accounts WHERE job = ?)",
        args![now, now, kind.as_str(), now, id],
    )
    .await?;
    let finished = (total == 0).then_some(now);
    tx.exec("UPDATE refreshes SET total = ?, finished_at = ? WHERE id = ?", args![total, finished, id]).await?;
    Ok(Refresh {
        id,
        kind: kind.as_str().to_owned(),
        total,
        done: 0,
        ok: 0,
        failed: 0,
        started_at: now,
        finished_at: finished,
    })
}

const COLUMNS: &str = "id, kind, total, started_at, finished_at";

impl Refresh {
    fn of(r: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: r.int(0)?,
            kind: r.text(1)?,
            total: r.int(2)?,
            done: 0,
            ok: 0,
            failed: 0,
            started_at: r.time(3)?,
            finished_at: r.opt_time(4)?,
        })
    }

    /// Counts how far it is.
    async fn counted(mut self, store: &Store) -> Result<Self, StoreError> {
        // Whoever was due when it began and still is has not been looked at; a look puts the next one later.
        let rows = store
            .query(
                "SELECT status, waits, COUNT(*) FROM (SELECT a.status AS status, CAST(CASE WHEN t.state = 'active' \
                 AND t.next_due <= ? THEN 1 ELSE 0 END AS @INT@) AS waits FROM accounts a \
                 JOIN targets t ON t.kind = a.kind AND t.ref_id = a.id WHERE a.job = ?) looks GROUP BY status, waits",
                args![self.started_at, self.id],
            )
            .await?;
        let mut waiting = 0;
        for r in &rows {
            let n = r.int(2)?;
            match (r.int(1)?, r.text(0)?.as_str()) {
                (1, _) => waiting += n,
                (_, "ok") => self.ok += n,
                _ => self.failed += n,
            }
        }
        self.done = (self.total - waiting).max(0);
        Ok(self)
    }
}

/// The refresh of this number, with how far it is.
pub async fn get(store: &Store, id: i64) -> Result<Option<Refresh>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM refreshes WHERE id = ?");
    match store.query_one(&sql, args![id]).await? {
        Some(row) => Ok(Some(Refresh::of(&row)?.counted(store).await?)),
        None => Ok(None),
    }
}

/// The refreshes that are not over, with how far they are.
pub async fn unfinished(store: &Store) -> Result<Vec<Refresh>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM refreshes WHERE finished_at IS NULL ORDER BY id");
    let mut all = Vec::new();
    for row in store.query(&sql, args![]).await? {
        all.push(Refresh::of(&row)?.counted(store).await?);
    }
    Ok(all)
}

/// Ends a refresh of which all is done, or nothing has been done for half an hour; answers it as it then is.
pub async fn finish(store: &Store, refresh: Refresh, now: Timestamp) -> Result<Refresh, StoreError> {
    if refresh.finished_at.is_some() || (refresh.done < refresh.total && !stands(store, &refresh, now).await?) {
        return Ok(refresh);
    }
    let mut tx = store.begin().await?;
    tx.exec("UPDATE refreshes SET finished_at = ? WHERE id = ? AND finished_at IS NULL", args![now, refresh.id])
        .await?;
    tx.commit().await?;
    Ok(Refresh { finished_at: Some(now), ..refresh })
}

async fn stands(store: &Store, refresh: &Refresh, now: Timestamp) -> Result<bool, StoreError> {
    if now.since(refresh.started_at) < PATIENCE {
        return Ok(false);
    }
    let row = store.query_one("SELECT MAX(checked_at) FROM accounts WHERE job = ?", args![refresh.id]).await?;
    let last = row.map(|r| r.opt_time(0)).transpose()?.flatten();
    Ok(last.is_none_or(|last| now.since(last) >= PATIENCE))
}

/// Forgets refreshes and imports of long ago. The newest stays: its number must not be given again.
pub async fn forget(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    let newest = tx.query_one("SELECT MAX(id) FROM refreshes", args![]).await?;
    let newest = newest.map(|r| r.opt_int(0)).transpose()?.flatten().unwrap_or(0);
    tx.exec(
        "DELETE FROM refreshes WHERE finished_at IS NOT NULL AND finished_at < ? AND id < ?",
        args![now - MEMORY, newest],
    )
    .await
}
