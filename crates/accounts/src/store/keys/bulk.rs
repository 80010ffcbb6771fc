//! Changing many keys, in steps that keep no other writer waiting. Each step is whole: what a crash leaves undone is
//! done by asking again.

use super::select::Chosen;
use crate::keys::Selection;
use crate::store::accounts::{json, to_json};
use model::{Timestamp, WatchKind};
use std::collections::BTreeMap;
use store::{StoreError, Tx, args, list};

/// Numbers of up to `limit` of the chosen keys after the number `after`.
pub async fn ids_after(tx: &mut Tx, selection: &Selection, after: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
    let chosen = Chosen::of(WatchKind::Key, selection).and("id > ?", args![after]);
    let sql = format!("SELECT id FROM accounts WHERE {} ORDER BY id LIMIT ?", chosen.sql);
    tx.query(&sql, chosen.values_and(args![limit])).await?.iter().map(|r| r.int(0)).collect()
}

/// Deletes keys with their places in the schedule and their history, and ends their alerts without telling anybody.
/// Answers how many there were.
pub async fn delete_keys(tx: &mut Tx, ids: &[i64], now: Timestamp) -> Result<u64, StoreError> {
    let kind = WatchKind::Key.as_str();
    let deleted =
        tx.exec_listed("DELETE FROM accounts WHERE kind = ? AND id IN (@LIST@)", args![kind], list(ids)).await?;
    if deleted == 0 {
        return Ok(0);
    }
    let resolve = "UPDATE alerts SET status = 'resolved', resolved_at = ?, open_key = NULL \
         WHERE kind = ? AND ref_id IN (@LIST@) AND open_key IS NOT NULL";
    tx.exec_listed(resolve, args![now, kind], list(ids)).await?;
    tx.exec_listed("DELETE FROM targets WHERE kind = ? AND ref_id IN (@LIST@)", args![kind], list(ids)).await?;
    // An id that is a balance's has kept its row above, and keeps its history.
    let forget = "DELETE FROM readings WHERE account IN (@LIST@) \
         AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = readings.account)";
    tx.exec_listed(forget, args![], list(ids)).await?;
    Ok(deleted)
}

/// Adds labels to keys and takes labels from them; answers how many keys changed.
pub async fn tag_keys(
    tx: &mut Tx,
    ids: &[i64],
    (add, remove): (&[String], &[String]),
    now: Timestamp,
) -> Result<u64, StoreError> {
    // Many keys have the same labels: one statement changes all that have.
    let mut alike: BTreeMap<Vec<String>, Vec<i64>> = BTreeMap::new();
    let sql = "SELECT id, tags FROM accounts WHERE kind = ? AND id IN (@LIST@)";
    for row in tx.query_listed(sql, args![WatchKind::Key.as_str()], list(ids)).await? {
        alike.entry(json(&row, 1)?).or_default().push(row.int(0)?);
    }
    let mut changed = 0;
    for (tags, ids) in alike {
        let mut after: Vec<String> = tags.iter().filter(|t| !remove.contains(t)).chain(add).cloned().collect();
        after.sort();
        after.dedup();
        if after == tags {
            continue;
        }
        let text = to_json(&after)?;
        let sql = "UPDATE accounts SET tags = ?, updated_at = ? WHERE id IN (@LIST@)";
        changed += tx.exec_listed(sql, args![&text, now], list(&ids)).await?;
    }
    Ok(changed)
}
