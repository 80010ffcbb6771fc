//! Alert rows. The life itself is [`model::step`]; here it is loaded, stepped, written, and told to the outbox, all in
//! the caller's transaction.

use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
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

const LIFE: &str = "id, status, failures, successes, opened_at, told_at, snoozed_until, resolved_at";

fn life(r: &Row, from: usize) -> Result<AlertLife, StoreError> {
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
                update(tx, id, &open_key, &life, condition, wording).await?;
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
    life: &AlertLife,
    condition: Condition,
    wording: &Wording,
) -> Result<(), StoreError> {
    let key = (life.status != AlertStatus::Resolved).then_some(open_key);
    tx.exec(
        "UPDATE alerts SET status = ?, failures = ?, successes = ?, told_at = ?, snoozed_until = ?, resolved_at = ?, \
         open_key = ? WHERE id = ?",
        args![
            life.status.as_str(),
            life.failures,
            life.successes,
            life.told_at,
            life.snoozed_until,
            life.resolved_at,
            key,
            id,
        ],
    )
    .await?;
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

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// Only this watch.
    pub kind: Option<WatchKind>,
    /// Only this row of the watch.
    pub ref_id: Option<i64>,
    /// Only this severity.
    pub severity: Option<Severity>,
    /// Only those a person has (not) seen.
    pub acknowledged: Option<bool>,
    /// Rows to pass over.
    pub offset: u32,
    /// Rows at most.
    pub limit: u32,
}

/// Alerts, newest first, and how many there are in all.
pub async fn list_alerts(store: &Store, filter: &AlertFilter) -> Result<(Vec<AlertRow>, u64), StoreError> {
    let mut conditions = vec!["status <> 'pending'".to_owned()];
    let mut values = args![];
    let mut add = |sql: &str, value: crate::Value| {
        conditions.push(sql.to_owned());
        values.push(value);
    };
    if let Some(kind) = filter.kind {
        add("kind = ?", kind.as_str().into());
    }
    if let Some(ref_id) = filter.ref_id {
        add("ref_id = ?", ref_id.into());
    }
    if let Some(severity) = filter.severity {
        add("severity = ?", severity.as_str().into());
    }
    match filter.acknowledged {
        Some(true) => conditions.push("acked_at IS NOT NULL".to_owned()),
        Some(false) => conditions.push("acked_at IS NULL".to_owned()),
        None => {}
    }
    let conditions = conditions.join(" AND ");
    let total = store.query_one(&format!("SELECT COUNT(*) FROM alerts WHERE {conditions}"), values.clone()).await?;
    let total = total.map_or(Ok(0), |r| r.int(0))?;
    values.extend(args![filter.limit, filter.offset]);
    let sql = format!(
        "SELECT {LIFE}, kind, ref_id, alert_type, alert_window, severity, acked_at, acked_by, title, message, value \
         FROM alerts WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?"
    );
    let rows = store.query(&sql, values).await?;
    let rows = rows.iter().map(alert_row).collect::<Result<Vec<_>, _>>()?;
    Ok((rows, u64::try_from(total).unwrap_or(0)))
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

/// Marks an alert as seen by `actor`; answers false when there is no such alert. Seen twice is seen once.
pub async fn ack(tx: &mut Tx, id: i64, actor: &str, now: Timestamp) -> Result<bool, StoreError> {
    let Some(row) = tx.query_one("SELECT status, acked_at FROM alerts WHERE id = ?", args![id]).await? else {
        return Ok(false);
    };
    if row.opt_time(1)?.is_some() {
        return Ok(true);
    }
    tx.exec("UPDATE alerts SET acked_at = ?, acked_by = ? WHERE id = ?", args![now, actor, id]).await?;
    if row.text(0)? != AlertStatus::Resolved.as_str() {
        tx.exec("UPDATE alerts SET status = ? WHERE id = ?", args![AlertStatus::Acked.as_str(), id]).await?;
    }
    Ok(true)
}
