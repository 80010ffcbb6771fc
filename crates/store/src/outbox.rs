//! Messages to people, written in the transaction of what they tell; sent afterwards, at least once.

use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use crate::list::list;
use crate::row::Row;
use model::{NoticeKind, Severity, Timestamp};
use std::collections::HashMap;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number.
    pub id: i64,
    /// What makes it the same message: alert, kind of notice, instant.
    pub dedup: String,
    /// The alert it tells of.
    pub alert_id: i64,
    /// `fired`, `reminder`, `recovered`.
    pub notice: String,
    /// Of the alert.
    pub severity: String,
    /// One line.
    pub title: String,
    /// What happened.
    pub message: String,
    /// `waiting`, later `sent` or `dead`.
    pub state: String,
    /// When it was written.
    pub created_at: Timestamp,
}

pub(crate) struct Draft<'a> {
    pub alert_id: i64,
    pub notice: NoticeKind,
    pub severity: Severity,
    pub title: &'a str,
    pub message: &'a str,
}

pub(crate) async fn put(tx: &mut Tx, draft: &Draft<'_>, now: Timestamp) -> Result<(), StoreError> {
    let dedup = format!("{}:{}:{}", draft.alert_id, draft.notice.as_str(), now.millis());
    let origin = tx.origin().map(str::to_owned);
    tx.exec(
        "INSERT INTO outbox (dedup, alert_id, notice, severity, title, message, state, attempts, created_at, \
         next_attempt_at, traceparent) VALUES (?, ?, ?, ?, ?, ?, 'waiting', 0, ?, ?, ?)",
        args![
            dedup,
            draft.alert_id,
            draft.notice.as_str(),
            draft.severity.as_str(),
            draft.title,
            draft.message,
            now,
            now,
            origin
        ],
    )
    .await?;
    Ok(())
}

const ROW: &str = "SELECT id, dedup, alert_id, notice, severity, title, message, state, created_at FROM outbox";

fn outbox_row(r: &Row) -> Result<OutboxRow, StoreError> {
    Ok(OutboxRow {
        id: r.int(0)?,
        dedup: r.text(1)?,
        alert_id: r.int(2)?,
        notice: r.text(3)?,
        severity: r.text(4)?,
        title: r.text(5)?,
        message: r.text(6)?,
        state: r.text(7)?,
        created_at: r.time(8)?,
    })
}

/// The newest `limit` messages.
pub async fn list_outbox(store: &Store, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
    let rows = store.query(&format!("{ROW} ORDER BY id DESC LIMIT ?"), args![limit]).await?;
    rows.iter().map(outbox_row).collect()
}

/// The newest `limit` messages about one alert that are still kept, newest first.
pub async fn outbox_of(store: &Store, alert_id: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
    let rows =
        store.query(&format!("{ROW} WHERE alert_id = ? ORDER BY id DESC LIMIT ?"), args![alert_id, limit]).await?;
    rows.iter().map(outbox_row).collect()
}

/// How many messages there are about each of the alerts; those without any are left out.
pub async fn notice_counts(store: &Store, alerts: &[i64]) -> Result<HashMap<i64, u64>, StoreError> {
    let sql = "SELECT alert_id, COUNT(*) FROM outbox WHERE alert_id IN (@LIST@) GROUP BY alert_id";
    let rows = store.query_listed(sql, args![], list(alerts)).await?;
    rows.iter().map(|r| Ok((r.int(0)?, r.int(1)?.unsigned_abs()))).collect()
}

/// Messages that wait to be sent.
pub async fn outbox_depth(store: &Store) -> Result<u64, StoreError> {
    let row = store.query_one("SELECT COUNT(*) FROM outbox WHERE state = 'waiting'", args![]).await?;
    row.map_or(Ok(0), |r| Ok(u64::try_from(r.int(0)?).unwrap_or(0)))
}
