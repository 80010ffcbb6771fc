//! Alerts as people see and answer them.

use crate::alerts::{LIFE, life};
use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use crate::row::Row;
use crate::value::Value;
use model::{AlertLife, AlertStatus, Severity, Timestamp, WatchKind};

/// An alert as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// Its number.
    pub id: i64,
    /// The watch.
    pub kind: String,
    /// The watch's own row.
    pub ref_id: i64,
    /// `high_outflow`, `stale` …
    pub alert_type: String,
    /// The allowance window, empty where there is none.
    pub window: String,
    /// How bad.
    pub severity: String,
    /// Its life.
    pub life: AlertLife,
    /// When a person saw it.
    pub acked_at: Option<Timestamp>,
    /// Who.
    pub acked_by: Option<String>,
    /// One line.
    pub title: String,
    /// What was found.
    pub message: String,
    /// The number judged.
    pub value: Option<f64>,
}

/// Which part of their lives the listed alerts are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertStage {
    /// Everything people were told of, also what is over.
    #[default]
    Told,
    /// What people were told of and is not over: firing, acked or snoozed.
    Open,
    /// Everything, also what is pending.
    All,
    /// Exactly this status.
    Only(AlertStatus),
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// Only these.
    pub stage: AlertStage,
    /// Only this watch.
    pub kind: Option<WatchKind>,
    /// Only this row of the watch.
    pub ref_id: Option<i64>,
    /// Only this severity.
    pub severity: Option<Severity>,
    /// Only those a person has (not) seen.
    pub acknowledged: Option<bool>,
    /// Only those with this in type, title or message, in whatever case.
    pub text: Option<String>,
    /// Rows to pass over.
    pub offset: u32,
    /// Rows at most.
    pub limit: u32,
}

impl AlertFilter {
    fn conditions(&self) -> (String, Vec<Value>) {
        let mut conditions = vec!["1 = 1"];
        let mut values = args![];
        match self.stage {
            AlertStage::Told => conditions.push("status <> 'pending'"),
            AlertStage::Open => conditions.push("status IN ('firing', 'acked', 'snoozed')"),
            AlertStage::All => {}
            AlertStage::Only(status) => {
                conditions.push("status = ?");
                values.push(status.as_str().into());
            }
        }
        if let Some(kind) = self.kind {
            conditions.push("kind = ?");
            values.push(kind.as_str().into());
        }
        if let Some(ref_id) = self.ref_id {
            conditions.push("ref_id = ?");
            values.push(ref_id.into());
        }
        if let Some(severity) = self.severity {
            conditions.push("severity = ?");
            values.push(severity.as_str().into());
        }
        match self.acknowledged {
            Some(true) => conditions.push("acked_at IS NOT NULL"),
            Some(false) => conditions.push("acked_at IS NULL"),
            None => {}
        }
        if let Some(text) = &self.text {
            conditions.push(
                "(LOWER(title) LIKE ? ESCAPE '!' OR LOWER(message) LIKE ? ESCAPE '!' OR alert_type LIKE ? ESCAPE '!')",
            );
            let escaped = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
            let pattern = format!("%{escaped}%");
            values.extend(args![&pattern, &pattern, &pattern]);
        }
        (conditions.join(" AND "), values)
    }
}

const REST: &str = "kind, ref_id, alert_type, alert_window, severity, acked_at, acked_by, title, message, value";

/// Alerts, newest first, and how many there are in all.
pub async fn list_alerts(store: &Store, filter: &AlertFilter) -> Result<(Vec<AlertRow>, u64), StoreError> {
    let (conditions, mut values) = filter.conditions();
    let total = store.query_one(&format!("SELECT COUNT(*) FROM alerts WHERE {conditions}"), values.clone()).await?;
    let total = total.map_or(Ok(0), |r| r.int(0))?;
    values.extend(args![filter.limit, filter.offset]);
    let sql = format!("SELECT {LIFE}, {REST} FROM alerts WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?");
    let rows = store.query(&sql, values).await?;
    let rows = rows.iter().map(alert_row).collect::<Result<Vec<_>, _>>()?;
    Ok((rows, u64::try_from(total).unwrap_or(0)))
}

/// One alert, in whatever part of its life.
pub async fn get_alert(store: &Store, id: i64) -> Result<Option<AlertRow>, StoreError> {
    let row = store.query_one(&format!("SELECT {LIFE}, {REST} FROM alerts WHERE id = ?"), args![id]).await?;
    row.as_ref().map(alert_row).transpose()
}

fn alert_row(r: &Row) -> Result<AlertRow, StoreError> {
    Ok(AlertRow {
        id: r.int(0)?,
        life: life(r, 1)?,
        kind: r.text(8)?,
        ref_id: r.int(9)?,
        alert_type: r.text(10)?,
        window: r.text(11)?,
        severity: r.text(12)?,
        acked_at: r.opt_time(13)?,
        acked_by: r.opt_text(14)?,
        title: r.text(15)?,
        message: r.text(16)?,
        value: r.opt_real(17)?,
    })
}

/// How many alerts of one watch, severity and status are not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertCount {
    /// The watch.
    pub kind: String,
    /// How bad.
    pub severity: String,
    /// `pending`, `firing`, `acked` or `snoozed`.
    pub status: String,
    /// How many.
    pub count: u64,
}

/// Counts what is not over.
pub async fn count_alerts(store: &Store) -> Result<Vec<AlertCount>, StoreError> {
    let sql = "SELECT kind, severity, status, COUNT(*) FROM alerts WHERE open_key IS NOT NULL \
         GROUP BY kind, severity, status ORDER BY kind, severity, status";
    let rows = store.query(sql, args![]).await?;
    rows.iter()
        .map(|r| {
            let count = r.int(3)?.unsigned_abs();
            Ok(AlertCount { kind: r.text(0)?, severity: r.text(1)?, status: r.text(2)?, count })
        })
        .collect()
}

/// Where an alert stands and when it was seen, as read in the caller's transaction; `None` without such an alert.
pub async fn alert_standing(tx: &mut Tx, id: i64) -> Result<Option<(AlertStatus, Option<Timestamp>)>, StoreError> {
    let row = tx.query_one("SELECT status, acked_at FROM alerts WHERE id = ?", args![id]).await?;
    row.map(|r| {
        let status = r.text(0)?;
        let status = AlertStatus::parse(&status).ok_or(StoreError::Decode { column: 0, message: status })?;
        Ok((status, r.opt_time(1)?))
    })
    .transpose()
}

/// Marks an alert as seen by `actor`; answers false when there is no such alert. Seen twice is seen once.
pub async fn ack(tx: &mut Tx, id: i64, actor: &str, now: Timestamp) -> Result<bool, StoreError> {
    // The row is locked by what is written first; what is read afterwards holds.
    tx.exec("UPDATE alerts SET acked_at = ?, acked_by = ? WHERE id = ? AND acked_at IS NULL", args![now, actor, id])
        .await?;
    tx.exec(
        "UPDATE alerts SET status = 'acked', snoozed_until = NULL WHERE id = ? \
         AND status IN ('pending', 'firing', 'snoozed')",
        args![id],
    )
    .await?;
    Ok(alert_standing(tx, id).await?.is_some())
}

/// Silences a firing, acked or snoozed alert until an instant; then it fires anew, so nobody has seen it. Answers false
/// when there is no such alert.
pub async fn snooze(tx: &mut Tx, id: i64, until: Timestamp) -> Result<bool, StoreError> {
    let changed = tx
        .exec(
            "UPDATE alerts SET status = 'snoozed', snoozed_until = ?, acked_at = NULL, acked_by = NULL WHERE id = ? \
             AND status IN ('firing', 'acked', 'snoozed')",
            args![until, id],
        )
        .await?;
    Ok(changed > 0)
}

/// Ends an alert without a word: for what nobody looks at any more. A condition that still holds opens a new one at the
/// next look. Answers false when there is no such alert or it is over.
pub async fn resolve(tx: &mut Tx, id: i64, now: Timestamp) -> Result<bool, StoreError> {
    let changed = tx
        .exec(
            "UPDATE alerts SET status = 'resolved', resolved_at = ?, snoozed_until = NULL, open_key = NULL \
             WHERE id = ? AND open_key IS NOT NULL",
            args![now, id],
        )
        .await?;
    Ok(changed > 0)
}
