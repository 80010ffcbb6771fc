//! Messages to people, written in the transaction of what they tell; sent afterwards, at least once.

use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use model::{NoticeKind, Severity, Timestamp};

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
    tx.exec(
        "INSERT INTO outbox (dedup, alert_id, notice, severity, title, message, state, attempts, created_at, \
         next_attempt_at) VALUES (?, ?, ?, ?, ?, ?, 'waiting', 0, ?, ?)",
        args![
            dedup,
            draft.alert_id,
            draft.notice.as_str(),
            draft.severity.as_str(),
            draft.title,
            draft.message,
            now,
            now
        ],
    )
    .await?;
    Ok(())
}

/// The newest `limit` messages.
pub async fn list_outbox(store: &Store, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
    let rows = store
        .query(
            "SELECT id, dedup, alert_id, notice, severity, title, message, state, created_at FROM outbox \
             ORDER BY id DESC LIMIT ?",
            args![limit],
        )
        .await?;
    rows.iter()
        .map(|r| {
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
        })
        .collect()
}

/// Messages that wait to be sent.
pub async fn outbox_depth(store: &Store) -> Result<u64, StoreError> {
    let row = store.query_one("SELECT COUNT(*) FROM outbox WHERE state = 'waiting'", args![]).await?;
    row.map_or(Ok(0), |r| Ok(u64::try_from(r.int(0)?).unwrap_or(0)))
}
