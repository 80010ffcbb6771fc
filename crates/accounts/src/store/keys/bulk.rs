//! Changing many keys, in steps that keep no other writer waiting. Each step is whole: what a crash leaves undone is
//! done by asking again.

use super::select::Chosen;
use crate::keys::Selection;
use crate::store::accounts::{json, to_json};
use model::{Timestamp, WatchKind};
use std::collections::BTreeMap;
use store::{StoreError, Tx, Value, args};

/// Numbers of up to `limit` of the chosen keys after the number `after`.
pub async fn ids_after(tx: &mut Tx, selection: &Selection, after: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
    let chosen = Chosen::of(WatchKind::Key, selection).and("id > ?", args![after]);
    let sql = format!("SELECT id FROM accounts WHERE {} ORDER BY id LIMIT ?", chosen.sql);
    tx.query(&sql, chosen.values_and(args![limit])).await?.iter().map(|r| r.int(0)).collect()
}

/// Ids of one statement.
const PER_STATEMENT: usize = 500;

fn marks(ids: &[i64]) -> String {
    vec!["?"; ids.len()].join(",")
}

fn with_ids(mut values: Vec<Value>, ids: &[i64]) -> Vec<Value> {
    values.extend(ids.iter().map(|id| Value::Int(*id)));
    values
}

/// Deletes keys with their places in the schedule and their history, and ends their alerts without telling anybody.
/// Answers how many there were.
pub async fn delete_keys(tx: &mut Tx, ids: &[i64], now: Timestamp) -> Result<u64, StoreError> {
    let kind = WatchKind::Key.as_str();
    let mut deleted = 0;
    for ids in ids.chunks(PER_STATEMENT) {
        let marks = marks(ids);
        let sql = format!("DELETE FROM accounts WHERE kind = ? AND id IN ({marks})");
        let n = tx.exec(&sql, with_ids(args![kind], ids)).await?;
        if n == 0 {
            continue;
        }
        deleted += n;
        let sql = format!(
            "UPDATE alerts SET status = 'resolved', resolved_at = ?, open_key = NULL \
             WHERE kind = ? AND ref_id IN ({marks}) AND open_key IS NOT NULL"
        );
        tx.exec(&sql, with_ids(args![now, kind], ids)).await?;
        let sql = format!("DELETE FROM targets WHERE kind = ? AND ref_id IN ({marks})");
        tx.exec(&sql, with_ids(args![kind], ids)).await?;
        // An id that is a balance's has kept its row above, and keeps its history.
        let sql = format!(
            "DELETE FROM readings WHERE account IN ({marks}) \
             AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = readings.account)"
        );
        tx.exec(&sql, with_ids(args![], ids)).await?;
    }
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
    for ids in ids.chunks(PER_STATEMENT) {
        let sql = format!("SELECT id, tags FROM accounts WHERE kind = ? AND id IN ({})", marks(ids));
        for row in tx.query(&sql, with_ids(args![WatchKind::Key.as_str()], ids)).await? {
            alike.entry(json(&row, 1)?).or_default().push(row.int(0)?);
        }
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
        for ids in ids.chunks(PER_STATEMENT) {
            let sql = format!("UPDATE accounts SET tags = ?, updated_at = ? WHERE id IN ({})", marks(ids));
            changed += tx.exec(&sql, with_ids(args![&text, now], ids)).await?;
        }
    }
    Ok(changed)
}
