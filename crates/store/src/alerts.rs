//! Alert rows. The life itself is [`model::step`]; here it is loaded, stepped, written, and told to the outbox, all in
//! the caller's transaction.

use crate::args;
use crate::error::StoreError;
use crate::handle::Tx;
use crate::outbox::{self, Draft};
use crate::row::Row;
use model::{AlertLife, AlertPolicy, AlertStatus, Condition, NoticeKind, Severity, Timestamp, WatchKind, step};

/// What makes an alert the same alert. At most one of a key is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertKey<'a> {
    /// The watch.
    pub kind: WatchKind,
    /// The watch's own row.
    pub ref_id: i64,
    /// `high_outflow`, `stale` …
    pub alert_type: &'a str,
    /// The allowance window it belongs to; empty where there is none.
    pub window: &'a str,
}

impl AlertKey<'_> {
    fn open_key(&self) -> String {
        format!("{}:{}:{}:{}", self.kind.as_str(), self.ref_id, self.alert_type, self.window)
    }
}

/// What an alert says, computed anew at each look.
#[derive(Clone, Debug, PartialEq)]
pub struct Wording {
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// What was found against what was expected.
    pub message: String,
    /// The number that was judged, if there is one.
    pub value: Option<f64>,
}

pub(crate) const LIFE: &str = "id, status, failures, successes, opened_at, told_at, snoozed_until, resolved_at";

pub(crate) fn life(r: &Row, from: usize) -> Result<AlertLife, StoreError> {
    let status = r.text(from)?;
    let number = |n: i64| u32::try_from(n.max(0)).unwrap_or(u32::MAX);
    Ok(AlertLife {
        status: AlertStatus::parse(&status).ok_or(StoreError::Decode { column: from, message: status })?,
        failures: number(r.int(from + 1)?),
        successes: number(r.int(from + 2)?),
        opened_at: r.time(from + 3)?,
        told_at: r.opt_time(from + 4)?,
        snoozed_until: r.opt_time(from + 5)?,
        resolved_at: r.opt_time(from + 6)?,
    })
}

/// Moves the alert of `key` by one look and writes what came of it. `wording` is asked only when the condition holds
/// or an open alert changes. Answers what people are told, if anything.
pub async fn step_alert(
    tx: &mut Tx,
    key: &AlertKey<'_>,
    condition: Condition,
    wording: &Wording,
    policy: &AlertPolicy,
    now: Timestamp,
) -> Result<Option<NoticeKind>, StoreError> {
    if condition == Condition::Unknown {
        return Ok(None);
    }
    let open_key = key.open_key();
    let sql = format!("SELECT {LIFE} FROM alerts WHERE open_key = ?");
    let row = tx.query_one(&sql, args![&open_key]).await?;
    let before = row.as_ref().map(|r| Ok::<_, StoreError>((r.int(0)?, life(r, 1)?))).transpose()?;
    let after = step(before.map(|(_, l)| l), condition, now, policy);
    let id = match (before, after.life) {
        (None, None) => return Ok(None),
        (None, Some(life)) => insert(tx, key, &open_key, &life, wording).await?,
        (Some((id, _)), None) => {
            tx.exec("DELETE FROM alerts WHERE id = ?", args![id]).await?;
            id
        }
        (Some((id, old)), Some(life)) => {
            if life != old {
                update(tx, id, &open_key, (old, life), condition, wording).await?;
            }
            id
        }
    };
    if let Some(notice) = after.tell {
        let draft = Draft {
            alert_id: id,
            notice,
            severity: wording.severity,
            title: &wording.title,
            message: &wording.message,
        };
        outbox::put(tx, &draft, now).await?;
    }
    Ok(after.tell)
}

async fn insert(
    tx: &mut Tx,
    key: &AlertKey<'_>,
    open_key: &str,
    life: &AlertLife,
    wording: &Wording,
) -> Result<i64, StoreError> {
    tx.insert_id(
        "INSERT INTO alerts (kind, ref_id, alert_type, alert_window, open_key, severity, status, failures, \
         successes, opened_at, told_at, title, message, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            key.kind.as_str(),
            key.ref_id,
            key.alert_type,
            key.window,
            open_key,
            wording.severity.as_str(),
            life.status.as_str(),
            life.failures,
            life.successes,
            life.opened_at,
            life.told_at,
            &wording.title,
            &wording.message,
            wording.value,
        ],
    )
    .await
}

async fn update(
    tx: &mut Tx,
    id: i64,
    open_key: &str,
    (old, life): (AlertLife, AlertLife),
    condition: Condition,
    wording: &Wording,
) -> Result<(), StoreError> {
    let key = (life.status != AlertStatus::Resolved).then_some(open_key);
    let changed = tx
        .exec(
            "UPDATE alerts SET status = ?, failures = ?, successes = ?, told_at = ?, snoozed_until = ?, \
             resolved_at = ?, open_key = ? WHERE id = ? AND status = ?",
            args![
                life.status.as_str(),
                life.failures,
                life.successes,
                life.told_at,
                life.snoozed_until,
                life.resolved_at,
                key,
                id,
                old.status.as_str(),
            ],
        )
        .await?;
    if changed == 0 {
        // A person acknowledged or snoozed it since it was read: their word must not be overwritten, so look again.
        return Err(StoreError::Busy(format!("alert {id} changed meanwhile")));
    }
    if condition == Condition::Bad {
        // The words follow the newest finding; those of a recovery stay what they were when it was bad.
        tx.exec(
            "UPDATE alerts SET severity = ?, title = ?, message = ?, value = ? WHERE id = ?",
            args![wording.severity.as_str(), &wording.title, &wording.message, wording.value, id],
        )
        .await?;
    }
    Ok(())
}

/// The types of the alerts of one watch row that are open.
pub async fn open_alerts_of(tx: &mut Tx, kind: WatchKind, ref_id: i64) -> Result<Vec<String>, StoreError> {
    let rows = tx
        .query(
            "SELECT alert_type FROM alerts WHERE kind = ? AND ref_id = ? AND open_key IS NOT NULL ORDER BY id",
            args![kind.as_str(), ref_id],
        )
        .await?;
    rows.iter().map(|r| r.text(0)).collect()
}

/// Type and window of each open alert of a target.
pub async fn open_windows_of(tx: &mut Tx, kind: WatchKind, ref_id: i64) -> Result<Vec<(String, String)>, StoreError> {
    let rows = tx
        .query(
            "SELECT alert_type, alert_window FROM alerts WHERE kind = ? AND ref_id = ? AND open_key IS NOT NULL \
             ORDER BY id",
            args![kind.as_str(), ref_id],
        )
        .await?;
    rows.iter().map(|r| Ok((r.text(0)?, r.text(1)?))).collect()
}
