//! The schedule, which is the queue: a target is due when `claimable_at` has passed; a claim pushes `claimable_at` to
//! the end of the lease, so that a process that dies only makes the target due again later. Whoever holds the lease
//! token may settle the task; everybody else writes nothing.

use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use crate::row::Row;
use model::{TargetId, TargetState, Timestamp, WatchKind};
use std::time::Duration;

/// A claimed target: what one check works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The claim's own number, the key under which the outcome is recorded: lease token and target.
    pub task_id: String,
    /// The target.
    pub target: TargetId,
    /// Its watch.
    pub kind: WatchKind,
    /// The watch's own row.
    pub ref_id: i64,
    /// When it was due.
    pub due: Timestamp,
    /// Failures in a row before this attempt.
    pub failures: u32,
    /// The interval in force.
    pub interval: Duration,
    /// When the lease ends.
    pub lease_until: Timestamp,
    /// The last good check.
    pub last_success: Option<Timestamp>,
    /// The lease token, shared by the targets of one claim.
    pub lease_token: String,
}

/// What to claim.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// Watches this process runs.
    pub kinds: &'a [WatchKind],
    /// How many at most.
    pub limit: usize,
    /// How long they are ours.
    pub lease: Duration,
    /// A token nobody else has.
    pub token: &'a str,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Observed and recorded.
    Success {
        /// When to look again.
        next_due: Timestamp,
        /// The interval from now on.
        interval: Duration,
    },
    /// Nothing was observed.
    Failure {
        /// When to try again.
        next_due: Timestamp,
        /// The class of the error, a closed set.
        class: &'static str,
        /// What was said, free of secrets.
        error: String,
    },
}

/// A target's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRow {
    /// Its number.
    pub id: TargetId,
    /// Its watch.
    pub kind: WatchKind,
    /// The watch's own row.
    pub ref_id: i64,
    /// Whether it is scheduled.
    pub state: TargetState,
    /// When it is due.
    pub next_due: Timestamp,
    /// The interval in force.
    pub interval: Duration,
    /// Failures in a row.
    pub failures: u32,
    /// Until when somebody works on it.
    pub lease_until: Option<Timestamp>,
    /// The last try.
    pub last_attempt: Option<Timestamp>,
    /// The last good one.
    pub last_success: Option<Timestamp>,
    /// What went wrong last, cleared by a success.
    pub last_error: Option<String>,
    /// Its class.
    pub last_error_class: Option<String>,
}

const ROW: &str = "id, kind, ref_id, state, next_due, interval_ms, failures, lease_until, last_attempt_at, \
     last_success_at, last_error, last_error_class";

fn target_row(r: &Row) -> Result<TargetRow, StoreError> {
    let kind = r.text(1)?;
    let state = r.text(3)?;
    Ok(TargetRow {
        id: r.int(0)?,
        kind: WatchKind::parse(&kind).ok_or(StoreError::Decode { column: 1, message: kind })?,
        ref_id: r.int(2)?,
        state: TargetState::parse(&state).ok_or(StoreError::Decode { column: 3, message: state })?,
        next_due: r.time(4)?,
        interval: span(r.int(5)?),
        failures: count(r.int(6)?),
        lease_until: r.opt_time(7)?,
        last_attempt: r.opt_time(8)?,
        last_success: r.opt_time(9)?,
        last_error: r.opt_text(10)?,
        last_error_class: r.opt_text(11)?,
    })
}

pub(crate) fn span(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn count(n: i64) -> u32 {
    u32::try_from(n.max(0)).unwrap_or(u32::MAX)
}

/// Adds a target, due at `due`; answers its number.
pub async fn add_target(
    tx: &mut Tx,
    kind: WatchKind,
    ref_id: i64,
    due: Timestamp,
    interval: Duration,
) -> Result<TargetId, StoreError> {
    tx.insert_id(
        "INSERT INTO targets (kind, ref_id, state, next_due, claimable_at, interval_ms, failures) \
         VALUES (?, ?, 'active', ?, ?, ?, 0)",
        args![kind.as_str(), ref_id, due, due, millis(interval)],
    )
    .await
}

/// Prolongs a lease that is still ours.
pub async fn renew(store: &Store, task: &Task, until: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let n = tx
        .exec(
            "UPDATE targets SET lease_until = ?, claimable_at = ? WHERE id = ? AND lease_token = ?",
            args![until, until, task.target, &task.lease_token],
        )
        .await?;
    if n == 0 {
        return Err(StoreError::LeaseLost(task.task_id.clone()));
    }
    tx.commit().await
}

/// Gives a task back untried: due again at `until`, no attempt counted.
pub async fn postpone(store: &Store, task: &Task, until: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    tx.exec(
        "UPDATE targets SET lease_token = NULL, lease_until = NULL, claimable_at = ? WHERE id = ? AND lease_token = ?",
        args![until, task.target, &task.lease_token],
    )
    .await?;
    tx.commit().await
}

/// Ends a task in the transaction that writes its effects. Errs with [`StoreError::LeaseLost`] when the lease is not
/// ours any more (it ran out and somebody else has it, or this very result was recorded before): the caller then
/// drops the transaction, and nothing of it is written.
pub async fn settle(tx: &mut Tx, task: &Task, outcome: &Outcome, now: Timestamp) -> Result<(), StoreError> {
    let n = match outcome {
        Outcome::Success { next_due, interval } => {
            tx.exec(
                "UPDATE targets SET lease_token = NULL, lease_until = NULL, next_due = ?, claimable_at = ?, \
                 interval_ms = ?, failures = 0, last_task = ?, last_attempt_at = ?, last_success_at = ?, \
                 last_error = NULL, last_error_class = NULL WHERE id = ? AND lease_token = ?",
                args![*next_due, *next_due, millis(*interval), &task.task_id, now, now, task.target, &task.lease_token],
            )
            .await?
        }
        Outcome::Failure { next_due, class, error } => {
            tx.exec(
                "UPDATE targets SET lease_token = NULL, lease_until = NULL, next_due = ?, claimable_at = ?, \
                 failures = failures + 1, last_task = ?, last_attempt_at = ?, last_error = ?, last_error_class = ? \
                 WHERE id = ? AND lease_token = ?",
                args![*next_due, *next_due, &task.task_id, now, error, *class, task.target, &task.lease_token],
            )
            .await?
        }
    };
    if n == 0 { Err(StoreError::LeaseLost(task.task_id.clone())) } else { Ok(()) }
}

/// When the next target can be claimed, if any is scheduled.
pub async fn earliest_claimable(store: &Store, kinds: &[WatchKind]) -> Result<Option<Timestamp>, StoreError> {
    let mut earliest: Option<Timestamp> = None;
    for kind in kinds {
        let row = store
            .query_one(
                "SELECT claimable_at FROM targets WHERE state = 'active' AND kind = ? \
                 ORDER BY claimable_at, id LIMIT 1",
                args![kind.as_str()],
            )
            .await?;
        if let Some(row) = row {
            let at = row.time(0)?;
            earliest = Some(earliest.map_or(at, |e| e.min(at)));
        }
    }
    Ok(earliest)
}

/// Targets that are due and not claimed.
pub async fn due_depth(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let row = store
        .query_one("SELECT COUNT(*) FROM targets WHERE state = 'active' AND claimable_at <= ?", args![now])
        .await?;
    row.map_or(Ok(0), |r| Ok(u64::try_from(r.int(0)?).unwrap_or(0)))
}

/// What is due of one watch and not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// How many targets.
    pub count: u64,
    /// Since when the oldest is due; `None` when nothing is.
    pub oldest: Option<Timestamp>,
}

/// What is due of a watch and not claimed: one range of the index that claims use.
pub async fn backlog(store: &Store, kind: WatchKind, now: Timestamp) -> Result<Backlog, StoreError> {
    let sql = "SELECT COUNT(*), MIN(claimable_at) FROM targets WHERE state = 'active' AND kind = ? \
               AND claimable_at <= ?";
    let Some(row) = store.query_one(sql, args![kind.as_str(), now]).await? else {
        return Ok(Backlog { count: 0, oldest: None });
    };
    Ok(Backlog { count: row.int(0)?.unsigned_abs(), oldest: row.opt_time(1)? })
}

/// Makes a target due now. One that is being worked on stays with its worker; answers whether it was moved.
pub async fn trigger(tx: &mut Tx, kind: WatchKind, ref_id: i64, now: Timestamp) -> Result<bool, StoreError> {
    let n = tx
        .exec(
            "UPDATE targets SET next_due = ?, claimable_at = ? WHERE kind = ? AND ref_id = ? AND state = 'active' \
             AND (lease_until IS NULL OR lease_until <= ?)",
            args![now, now, kind.as_str(), ref_id, now],
        )
        .await?;
    Ok(n > 0)
}

/// Changes whether a target is scheduled.
pub async fn set_target_state(tx: &mut Tx, kind: WatchKind, ref_id: i64, state: TargetState) -> Result<(), StoreError> {
    tx.exec("UPDATE targets SET state = ? WHERE kind = ? AND ref_id = ?", args![state.as_str(), kind.as_str(), ref_id])
        .await?;
    Ok(())
}

/// One target by its watch's row.
pub async fn get_target(store: &Store, kind: WatchKind, ref_id: i64) -> Result<Option<TargetRow>, StoreError> {
    let sql = format!("SELECT {ROW} FROM targets WHERE kind = ? AND ref_id = ?");
    store.query_one(&sql, args![kind.as_str(), ref_id]).await?.as_ref().map(target_row).transpose()
}

/// The scheduled targets of a watch, next due first.
pub async fn list_schedule(store: &Store, kind: WatchKind, limit: u32) -> Result<Vec<TargetRow>, StoreError> {
    let sql =
        format!("SELECT {ROW} FROM targets WHERE state = 'active' AND kind = ? ORDER BY claimable_at, id LIMIT ?");
    store.query(&sql, args![kind.as_str(), limit]).await?.iter().map(target_row).collect()
}

/// Ends every lease. Only for a process that knows it is alone on this database (it holds the data directory's lock):
/// whoever held them is dead.
pub async fn release_all_leases(store: &Store) -> Result<u64, StoreError> {
    let mut tx = store.begin().await?;
    let n = tx
        .exec(
            "UPDATE targets SET lease_token = NULL, lease_until = NULL, claimable_at = next_due \
             WHERE lease_token IS NOT NULL",
            args![],
        )
        .await?;
    tx.commit().await?;
    Ok(n)
}

/// Scheduled targets of a watch whose last success is more than `intervals` of their intervals ago, 500 at most.
pub async fn silent(
    store: &Store,
    kind: WatchKind,
    intervals: u32,
    now: Timestamp,
) -> Result<Vec<TargetRow>, StoreError> {
    let sql = format!(
        "SELECT {ROW} FROM targets WHERE state = 'active' AND kind = ? AND last_success_at IS NOT NULL \
         AND last_success_at + interval_ms * ? < ? ORDER BY id LIMIT 500"
    );
    let rows = store.query(&sql, args![kind.as_str(), intervals, now]).await?;
    rows.iter().map(target_row).collect()
}
