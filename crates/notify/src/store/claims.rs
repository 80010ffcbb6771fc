//! Who sends what. A channel is claimed as a whole: one sender at a time keeps order, digests and rates right however
//! many processes there are. A process that dies only delays its channel until the lease ends.

use super::channels::{COLUMNS, ChannelRow, channel_row, select};
use super::marks;
use crate::message::{Item, MessageKind};
use crate::rate::Recent;
use ::store::{Row, Store, StoreError, Tx, Value, args};
use model::{Severity, Timestamp};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// A channel that is ours until its lease ends.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub channel: ChannelRow,
    pub recent: Recent,
    pub token: String,
    pub lease_until: Timestamp,
}

/// A delivery that is due.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub id: i64,
    pub attempts: u32,
    pub alert_id: i64,
    pub item: Item,
    /// The trace it came from.
    pub origin: Option<String>,
}

/// Claims at most `limit` channels with something due, except those in `busy`.
pub(crate) async fn claim(
    store: &Store,
    token: &str,
    lease_until: Timestamp,
    now: Timestamp,
    limit: usize,
    busy: &[i64],
) -> Result<Vec<Claimed>, StoreError> {
    let due = "SELECT DISTINCT c.id FROM channels c JOIN deliveries d ON d.channel_id = c.id \
         WHERE c.enabled = 1 AND c.paused_until <= ? AND c.lease_until <= ? \
         AND d.state = 'waiting' AND d.next_attempt_at <= ? ORDER BY c.id";
    let rows = store.query(due, args![now, now, now]).await?;
    let ids = rows.iter().map(|r| r.int(0)).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<i64> = ids.into_iter().filter(|id| !busy.contains(id)).take(limit).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = store.begin().await?;
    let free = format!("WHERE id IN ({}) AND enabled = 1 AND paused_until <= ? AND lease_until <= ?", marks(&ids));
    let mut values: Vec<Value> = ids.iter().map(|id| Value::Int(*id)).collect();
    values.extend(args![now, now]);
    let rows = tx.query(&select(&format!("{free} ORDER BY id @SKIP@")), values).await?;
    let mut claimed = Vec::new();
    for row in &rows {
        let (channel, recent) = (channel_row(row)?, Recent::parse(&row.text(COLUMNS)?));
        let sql = "UPDATE channels SET lease_token = ?, lease_until = ? WHERE id = ?";
        tx.exec(sql, args![token, lease_until, channel.id]).await?;
        claimed.push(Claimed { channel, recent, token: token.to_owned(), lease_until });
    }
    tx.commit().await?;
    Ok(claimed)
}

/// What is due for a channel, oldest first.
pub(crate) async fn due(store: &Store, channel: i64, now: Timestamp, limit: u32) -> Result<Vec<Due>, StoreError> {
    let rows = store
        .query(
            "SELECT d.id, d.attempts, o.dedup, o.alert_id, o.notice, o.severity, o.title, o.message, o.created_at, \
             a.kind, a.ref_id, a.alert_type, a.alert_window, a.value, a.opened_at, o.traceparent \
             FROM deliveries d JOIN outbox o ON o.id = d.outbox_id LEFT JOIN alerts a ON a.id = o.alert_id \
             WHERE d.channel_id = ? AND d.state = 'waiting' AND d.next_attempt_at <= ? ORDER BY d.outbox_id LIMIT ?",
            args![channel, now, limit],
        )
        .await?;
    rows.iter().map(due_row).collect()
}

fn due_row(r: &Row) -> Result<Due, StoreError> {
    let (notice, severity) = (r.text(4)?, r.text(5)?);
    let mut labels = BTreeMap::new();
    let mut label = |name: &str, value: Option<String>| {
        labels.extend(value.filter(|v| !v.is_empty()).map(|v| (name.to_owned(), v)));
    };
    label("watch", r.opt_text(9)?);
    label("target", r.opt_int(10)?.map(|id| id.to_string()));
    label("alertname", r.opt_text(11)?);
    label("window", r.opt_text(12)?);
    let (kind, at) = (MessageKind::of_notice(&notice).unwrap_or(MessageKind::Fired), r.time(8)?);
    let over = kind == MessageKind::Recovered;
    let details: Map<String, Json> = r.opt_real(13)?.map(|v| ("value".to_owned(), v.into())).into_iter().collect();
    Ok(Due {
        id: r.int(0)?,
        attempts: u32::try_from(r.int(1)?.max(0)).unwrap_or(u32::MAX),
        alert_id: r.int(3)?,
        origin: r.opt_text(15)?,
        item: Item {
            id: r.text(2)?,
            key: format!("tidewatch/alert/{}", r.int(3)?),
            kind,
            severity: Severity::parse(&severity).unwrap_or(Severity::Critical),
            title: r.text(6)?,
            body: r.text(7)?,
            at,
            labels,
            details,
            link: None,
            lasted: r.opt_time(14)?.filter(|_| over).map(|opened| at.since(opened).as_secs()),
        },
    })
}

/// Puts deliveries off without counting a try.
pub(crate) async fn postpone(store: &Store, ids: &[i64], until: Timestamp) -> Result<(), StoreError> {
    let sql = format!("UPDATE deliveries SET next_attempt_at = ? WHERE state = 'waiting' AND id IN ({})", marks(ids));
    let mut tx = store.begin().await?;
    let mut values = args![until];
    values.extend(ids.iter().map(|id| Value::Int(*id)));
    tx.exec(&sql, values).await?;
    tx.commit().await
}

/// What one try came to.
#[derive(Clone, Debug)]
pub(crate) enum Settlement {
    /// The channel has them.
    Sent(Vec<i64>),
    /// Each is tried again at its time, or is dead where there is none.
    Failed { deliveries: Vec<(i64, Option<Timestamp>)>, why: String },
    /// Nothing was tried.
    Nothing,
}

/// How the channel goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// The end of our lease; an instant that has passed gives it back.
    pub lease_until: Timestamp,
    /// Until when nobody sends to it.
    pub paused_until: Timestamp,
}

/// Writes down a try and what it means for the channel, in one transaction.
pub(crate) async fn settle(
    store: &Store,
    claimed: &Claimed,
    settlement: &Settlement,
    wait: Wait,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    // The channel's row first, as `claim` does: who takes locks in one order waits for nobody in a circle.
    let ours = tx
        .exec(
            "UPDATE channels SET recent = ?, paused_until = ?, lease_until = ? WHERE id = ? AND lease_token = ?",
            args![claimed.recent.to_text(), wait.paused_until, wait.lease_until, claimed.channel.id, &claimed.token],
        )
        .await?
        > 0;
    match settlement {
        // What was answered ok is sent, even if our lease is gone: nobody shall send it again.
        Settlement::Sent(ids) => sent(&mut tx, ids, now).await?,
        Settlement::Failed { deliveries, why } if ours => failed(&mut tx, deliveries, why, now).await?,
        Settlement::Failed { .. } | Settlement::Nothing => {}
    }
    tx.commit().await
}

async fn sent(tx: &mut Tx, ids: &[i64], now: Timestamp) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE deliveries SET state = 'sent', sent_at = ?, last_attempt_at = ?, attempts = attempts + 1, \
         last_error = NULL WHERE state = 'waiting' AND id IN ({})",
        marks(ids)
    );
    let mut values = args![now, now];
    values.extend(ids.iter().map(|id| Value::Int(*id)));
    tx.exec(&sql, values).await.map(drop)
}

async fn failed(
    tx: &mut Tx,
    deliveries: &[(i64, Option<Timestamp>)],
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    for (id, again) in deliveries {
        let state = if again.is_some() { "waiting" } else { "dead" };
        tx.exec(
            "UPDATE deliveries SET state = ?, next_attempt_at = ?, last_attempt_at = ?, attempts = attempts + 1, \
             last_error = ? WHERE id = ? AND state = 'waiting'",
            args![state, again.unwrap_or(now), now, why, *id],
        )
        .await?;
    }
    Ok(())
}

/// When the next delivery can go, as far as the tables know; `None` when nothing waits.
pub(crate) async fn earliest(store: &Store) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT MIN(CASE WHEN d.next_attempt_at > c.paused_until THEN d.next_attempt_at ELSE c.paused_until END) \
         FROM deliveries d JOIN channels c ON c.id = d.channel_id WHERE d.state = 'waiting' AND c.enabled = 1";
    store.query_one(sql, args![]).await?.map_or(Ok(None), |r| r.opt_time(0))
}
