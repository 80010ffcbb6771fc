//! Deliveries as people see them: what waits, what was sent, what is dead and may be sent after all.

use super::marks;
use ::store::{Row, Store, StoreError, Tx, Value, args};
use model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be sent.
    Waiting,
    /// The channel has it.
    Sent,
    /// Refused, or tried too often.
    Dead,
    /// Its channel is gone.
    Dropped,
}

impl DeliveryState {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }

    /// Reads what [`DeliveryState::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Sent, Self::Dead, Self::Dropped].into_iter().find(|s| s.as_str() == text)
    }
}

/// One message for one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct DeliveryRow {
    /// Its number.
    pub id: i64,
    /// The message.
    pub outbox_id: i64,
    /// The channel.
    pub channel_id: i64,
    /// Where it stands.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is due, while it waits.
    pub next_attempt_at: Timestamp,
    /// When it was last tried.
    pub last_attempt_at: Option<Timestamp>,
    /// When the channel took it.
    pub sent_at: Option<Timestamp>,
    /// What went wrong last, free of secrets.
    pub last_error: Option<String>,
    /// The channel's name; `None` when it is gone.
    pub channel: Option<String>,
    /// The alert it tells of; `None` when the message is gone.
    pub alert_id: Option<i64>,
    /// `fired`, `reminder`, `recovered`; `None` when the message is gone.
    pub notice: Option<String>,
    /// The message's title; `None` when the message is gone.
    pub title: Option<String>,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// Only this channel.
    pub channel_id: Option<i64>,
    /// Only these.
    pub state: Option<DeliveryState>,
    /// Only those of messages about this alert.
    pub alert_id: Option<i64>,
    /// Rows to pass over.
    pub offset: u32,
    /// Rows at most.
    pub limit: u32,
}

impl DeliveryFilter {
    fn conditions(&self) -> (String, Vec<Value>) {
        let mut conditions = vec!["1 = 1"];
        let mut values = args![];
        if let Some(channel) = self.channel_id {
            conditions.push("channel_id = ?");
            values.push(channel.into());
        }
        if let Some(state) = self.state {
            conditions.push("state = ?");
            values.push(state.as_str().into());
        }
        if let Some(alert) = self.alert_id {
            conditions.push("outbox_id IN (SELECT id FROM outbox WHERE alert_id = ?)");
            values.push(alert.into());
        }
        (conditions.join(" AND "), values)
    }
}

fn select(conditions: &str) -> String {
    format!(
        "SELECT d.id, d.outbox_id, d.channel_id, d.state, d.attempts, d.created_at, d.next_attempt_at, d.sent_at, \
         d.last_error, o.title, d.last_attempt_at, c.name, o.alert_id, o.notice FROM \
         (SELECT * FROM deliveries WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?) d \
         LEFT JOIN outbox o ON o.id = d.outbox_id LEFT JOIN channels c ON c.id = d.channel_id ORDER BY d.id DESC"
    )
}

/// Deliveries, newest first, and how many there are in all.
pub async fn list_deliveries(store: &Store, filter: &DeliveryFilter) -> Result<(Vec<DeliveryRow>, u64), StoreError> {
    let (conditions, mut values) = filter.conditions();
    let count = format!("SELECT COUNT(*) FROM deliveries WHERE {conditions}");
    let total = store.query_one(&count, values.clone()).await?.map_or(Ok(0), |r| r.int(0))?;
    values.extend(args![filter.limit, filter.offset]);
    let rows = store.query(&select(&conditions), values).await?;
    let rows = rows.iter().map(delivery_row).collect::<Result<Vec<_>, _>>()?;
    Ok((rows, u64::try_from(total).unwrap_or(0)))
}

/// One delivery.
pub async fn get_delivery(store: &Store, id: i64) -> Result<Option<DeliveryRow>, StoreError> {
    let row = store.query_one(&select("id = ?"), args![id, 1_u32, 0_u32]).await?;
    row.as_ref().map(delivery_row).transpose()
}

fn delivery_row(r: &Row) -> Result<DeliveryRow, StoreError> {
    let state = r.text(3)?;
    Ok(DeliveryRow {
        id: r.int(0)?,
        outbox_id: r.int(1)?,
        channel_id: r.int(2)?,
        state: DeliveryState::parse(&state).ok_or(StoreError::Decode { column: 3, message: state })?,
        attempts: u32::try_from(r.int(4)?.max(0)).unwrap_or(u32::MAX),
        created_at: r.time(5)?,
        next_attempt_at: r.time(6)?,
        last_attempt_at: r.opt_time(10)?,
        sent_at: r.opt_time(7)?,
        last_error: r.opt_text(8)?,
        channel: r.opt_text(11)?,
        alert_id: r.opt_int(12)?,
        notice: r.opt_text(13)?,
        title: r.opt_text(9)?,
    })
}

const AGAIN: &str = "UPDATE deliveries SET state = 'waiting', attempts = 0, next_attempt_at = ? \
     WHERE state = 'dead' AND channel_id IN (SELECT id FROM channels)";

/// Lets a dead delivery be tried anew, with all its tries; answers false when there is no dead one of this number or
/// its channel is gone.
pub async fn resend(tx: &mut Tx, id: i64, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(&format!("{AGAIN} AND id = ?"), args![now, id]).await? > 0)
}

/// Lets all dead deliveries of the filter be tried anew, whatever page it asks for; answers how many.
pub async fn resend_all(tx: &mut Tx, filter: &DeliveryFilter, now: Timestamp) -> Result<u64, StoreError> {
    let (conditions, more) = filter.conditions();
    let mut values = args![now];
    values.extend(more);
    tx.exec(&format!("{AGAIN} AND {conditions}"), values).await
}

/// How much is where, for metrics and health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Depths {
    /// Messages nobody has looked at yet.
    pub unfanned: u64,
    /// Deliveries to be sent.
    pub waiting: u64,
    /// Deliveries given up.
    pub dead: u64,
    /// When the oldest waiting delivery was made.
    pub oldest_waiting: Option<Timestamp>,
}

/// Counts what waits and what is dead.
pub async fn depths(store: &Store) -> Result<Depths, StoreError> {
    let mut depths = Depths::default();
    let unfanned = store.query_one("SELECT COUNT(*) FROM outbox WHERE state = 'waiting'", args![]).await?;
    depths.unfanned = unfanned.map_or(Ok(0), |r| r.int(0))?.unsigned_abs();
    let sql =
        "SELECT state, COUNT(*), MIN(created_at) FROM deliveries WHERE state IN ('waiting', 'dead') GROUP BY state";
    for row in store.query(sql, args![]).await? {
        let count = row.int(1)?.unsigned_abs();
        if row.text(0)? == "dead" {
            depths.dead = count;
        } else {
            (depths.waiting, depths.oldest_waiting) = (count, row.opt_time(2)?);
        }
    }
    Ok(depths)
}

/// Forgets at most `limit` messages of before `before` for which nothing waits any more, with their deliveries; answers
/// how many. Dead ones go too: what nobody re-sent by then nobody misses.
pub async fn sweep(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let done = "SELECT id FROM outbox WHERE state = 'fanned' AND created_at < ? AND NOT EXISTS \
         (SELECT 1 FROM deliveries d WHERE d.outbox_id = outbox.id AND d.state = 'waiting') ORDER BY id LIMIT ?";
    let rows = tx.query(done, args![before, limit]).await?;
    let ids = rows.iter().map(|r| r.int(0).map(Value::Int)).collect::<Result<Vec<_>, _>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    tx.exec(&format!("DELETE FROM deliveries WHERE outbox_id IN ({})", marks(&ids)), ids.clone()).await?;
    tx.exec(&format!("DELETE FROM outbox WHERE id IN ({})", marks(&ids)), ids).await
}
