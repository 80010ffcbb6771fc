//! From one message in the outbox to one delivery for each channel that wants it.

use super::marks;
use ::store::{OnConflict, Store, StoreError, Value, args};
use model::{Severity, Timestamp};
use std::time::Duration;

/// Makes deliveries of at most `limit` waiting messages, all in one transaction; answers how many messages were taken.
/// Whoever does it at the same time takes others or waits, and the unique key lets nothing be made twice. `gather` is how
/// long messages are gathered for a channel that does not say so itself.
pub async fn fan_out(store: &Store, now: Timestamp, limit: u32, gather: Duration) -> Result<usize, StoreError> {
    // Most of the time there is nothing, and the one writer of SQLite is not to be kept from its work for that.
    if store.query_one("SELECT id FROM outbox WHERE state = 'waiting' LIMIT 1", args![]).await?.is_none() {
        return Ok(0);
    }
    let mut tx = store.begin().await?;
    let waiting = "SELECT id, severity FROM outbox WHERE state = 'waiting' ORDER BY id LIMIT ? @SKIP@";
    let rows = tx.query(waiting, args![limit]).await?;
    let messages = rows.iter().map(|r| Ok((r.int(0)?, r.text(1)?))).collect::<Result<Vec<_>, StoreError>>()?;
    if messages.is_empty() {
        return Ok(0);
    }
    let channels = "SELECT id, severity_floor, gather_ms FROM channels WHERE enabled = 1 ORDER BY id";
    let default = i64::try_from(gather.as_millis()).unwrap_or(i64::MAX);
    let mut deliveries = Vec::new();
    for channel in tx.query(channels, args![]).await? {
        let (id, gather) = (channel.int(0)?, channel.opt_int(2)?.unwrap_or(default));
        let floor = Severity::parse(&channel.text(1)?).unwrap_or(Severity::Info);
        // Who comes while others are being gathered goes with them. What waits longer than that waits for the end of
        // quiet hours and is no company for what may be critical.
        let open = "SELECT MIN(next_attempt_at) FROM deliveries WHERE channel_id = ? AND state = 'waiting' \
             AND attempts = 0 AND next_attempt_at > ? AND next_attempt_at <= ?";
        let open = tx.query_one(open, args![id, now, now.plus(gather)]).await?;
        let due = open.map_or(Ok(None), |r| r.opt_time(0))?.unwrap_or_else(|| now.plus(gather));
        // A word this version does not know is told rather than lost.
        let wanted = messages.iter().filter(|(_, s)| Severity::parse(s).is_none_or(|severity| severity >= floor));
        deliveries.extend(wanted.map(|(message, _)| args![*message, id, "waiting", 0_i64, now, due]));
    }
    let columns = ["outbox_id", "channel_id", "state", "attempts", "created_at", "next_attempt_at"];
    tx.insert_many("deliveries", &columns, deliveries, OnConflict::Keep(&["outbox_id", "channel_id"])).await?;
    let sql = format!("UPDATE outbox SET state = 'fanned' WHERE id IN ({})", marks(&messages));
    tx.exec(&sql, messages.iter().map(|(id, _)| Value::Int(*id)).collect()).await?;
    tx.commit().await?;
    Ok(messages.len())
}
