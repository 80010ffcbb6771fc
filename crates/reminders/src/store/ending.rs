//! Ending alerts without a word: of what is not watched any more, and of mails, which are never "over".

use ::store::{StoreError, Tx, args};
use model::{Timestamp, WatchKind};

/// Ends the open alerts of a target that were opened before `before`; of one type, or of all.
pub async fn end_alerts(
    tx: &mut Tx,
    (kind, ref_id): (WatchKind, i64),
    alert_type: Option<&str>,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut sql = "UPDATE alerts SET status = 'resolved', resolved_at = ?, snoozed_until = NULL, open_key = NULL \
         WHERE kind = ? AND ref_id = ? AND open_key IS NOT NULL AND opened_at <= ?"
        .to_owned();
    let mut values = args![now, kind.as_str(), ref_id, before];
    if let Some(alert_type) = alert_type {
        sql.push_str(" AND alert_type = ?");
        values.extend(args![alert_type]);
    }
    tx.exec(&sql, values).await
}
