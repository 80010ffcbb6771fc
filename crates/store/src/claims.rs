//! Claiming targets: who may look at them, and until when.

use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use crate::list::list;
use crate::row::Row;
use crate::targets::{Claim, Task, count, span};
use model::{Timestamp, WatchKind};
use std::time::Duration;

/// Claims up to `limit` due targets in one short transaction.
pub async fn claim(store: &Store, claim: &Claim<'_>, now: Timestamp) -> Result<Vec<Task>, StoreError> {
    if claim.kinds.is_empty() || claim.limit == 0 {
        return Ok(Vec::new());
    }
    let mut tx = store.begin().await?;
    let mut tasks = Vec::new();
    for kind in claim.kinds {
        // One kind at a time, so that the index (state, kind, claimable_at) gives the rows in order without a sort.
        let left = claim.limit - tasks.len();
        if left > 0 {
            select_due(&mut tx, *kind, claim, left, now, &mut tasks).await?;
        }
    }
    if tasks.is_empty() {
        tx.rollback().await?;
        return Ok(tasks);
    }
    let until = now + claim.lease;
    let sql = "UPDATE targets SET lease_token = ?, lease_until = ?, claimable_at = ? WHERE id IN (@LIST@)";
    let targets: Vec<i64> = tasks.iter().map(|t| t.target).collect();
    tx.exec_listed(sql, args![claim.token, until, until], list(&targets)).await?;
    tx.commit().await?;
    Ok(tasks)
}

async fn select_due(
    tx: &mut Tx,
    kind: WatchKind,
    claim: &Claim<'_>,
    limit: usize,
    now: Timestamp,
    tasks: &mut Vec<Task>,
) -> Result<(), StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {TASK} FROM targets WHERE state = 'active' AND kind = ? AND claimable_at <= ? \
                 ORDER BY claimable_at, id LIMIT ? @SKIP@"
            ),
            args![kind.as_str(), now, limit],
        )
        .await?;
    for r in &rows {
        tasks.push(task(r, kind, (claim.token, now + claim.lease))?);
    }
    Ok(())
}

/// Claims these rows of a watch, due or not, but for those somebody works on.
pub async fn claim_these(
    store: &Store,
    kind: WatchKind,
    ids: &[i64],
    (token, lease): (&str, Duration),
    now: Timestamp,
) -> Result<Vec<Task>, StoreError> {
    let mut tx = store.begin().await?;
    let mut tasks = Vec::new();
    let sql = "UPDATE targets SET lease_token = ?, lease_until = ?, claimable_at = ? WHERE kind = ? \
         AND state = 'active' AND (lease_until IS NULL OR lease_until <= ?) AND ref_id IN (@LIST@)";
    tx.exec_listed(sql, args![token, now + lease, now + lease, kind.as_str(), now], list(ids)).await?;
    let rows = tx
        .query(
            &format!("SELECT {TASK} FROM targets WHERE kind = ? AND lease_token = ? ORDER BY id"),
            args![kind.as_str(), token],
        )
        .await?;
    for r in &rows {
        tasks.push(task(r, kind, (token, now + lease))?);
    }
    tx.commit().await?;
    Ok(tasks)
}

/// The task of this id while its lease is held; `None` once it has ended, run out or is somebody else's. The token is
/// looked at again by whatever writes.
pub async fn held(store: &Store, task_id: &str) -> Result<Option<Task>, StoreError> {
    let Some((token, target)) = task_id.rsplit_once(':') else { return Ok(None) };
    let Ok(target) = target.parse::<i64>() else { return Ok(None) };
    let sql = format!("SELECT {TASK}, kind, lease_until FROM targets WHERE id = ? AND lease_token = ?");
    let rows = store.query(&sql, args![target, token]).await?;
    let Some(r) = rows.first() else { return Ok(None) };
    let (kind, until) = (r.text(6)?, r.opt_time(7)?);
    let kind = WatchKind::parse(&kind).ok_or(StoreError::Decode { column: 6, message: kind })?;
    until.map(|until| task(r, kind, (token, until))).transpose()
}

const TASK: &str = "id, ref_id, next_due, failures, interval_ms, last_success_at";

/// A row of [`TASK`] under a lease.
fn task(r: &Row, kind: WatchKind, (token, until): (&str, Timestamp)) -> Result<Task, StoreError> {
    let target = r.int(0)?;
    Ok(Task {
        task_id: format!("{token}:{target}"),
        target,
        kind,
        ref_id: r.int(1)?,
        due: r.time(2)?,
        failures: count(r.int(3)?),
        interval: span(r.int(4)?),
        last_success: r.opt_time(5)?,
        lease_until: until,
        lease_token: token.to_owned(),
    })
}
