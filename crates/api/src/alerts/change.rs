//! What people answer to an alert. Each answer is audited in its own transaction.

use super::AlertsState;
use crate::{ApiError, Data, Json, Operator, Path};
use axum::extract::State;
use engine::Event;
use model::{AlertStatus, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use settings::Span;
use std::time::Duration;
use store::{AuditEntry, Tx};

/// The longest snooze: what is silent for longer is forgotten.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Where the alert stands; only what people were told of can be answered.
async fn standing(tx: &mut Tx, id: i64) -> Result<(AlertStatus, Option<Timestamp>), ApiError> {
    match store::alert_standing(tx, id).await? {
        None => Err(ApiError::not_found(format!("alert {id}"))),
        Some((AlertStatus::Pending, _)) => {
            Err(ApiError::conflict(format!("alert {id} is pending: nobody was told of it yet")))
        }
        Some(standing) => Ok(standing),
    }
}

impl AlertsState {
    /// Writes who did it, ends the transaction and tells listeners.
    async fn done(
        &self,
        mut tx: Tx,
        operator: Operator,
        action: &str,
        id: i64,
        status: AlertStatus,
    ) -> Result<(), ApiError> {
        let entry = AuditEntry {
            at: self.now(),
            actor: operator.name.to_owned(),
            action: format!("alert.{action}"),
            subject: format!("alert:{id}"),
        };
        store::audit(&mut tx, &entry).await?;
        tx.commit().await?;
        self.engine.tell(&[Event { name: "alert_changed".into(), data: json!({ "id": id, "status": status }) }]);
        Ok(())
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertAcked")]
pub(super) struct Acked {
    id: i64,
    acknowledged: bool,
    acknowledged_at: Timestamp,
}

/// Seen twice is seen once: the first time stays.
pub(super) async fn ack(
    operator: Operator,
    State(state): State<AlertsState>,
    Path(id): Path<i64>,
) -> Result<Data<Acked>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let (status, acked_at) = standing(&mut tx, id).await?;
    if acked_at.is_none() {
        store::ack(&mut tx, id, operator.name, now).await?;
        let status = if status == AlertStatus::Resolved { status } else { AlertStatus::Acked };
        state.done(tx, operator, "ack", id, status).await?;
    }
    Ok(Data::of(Acked { id, acknowledged: true, acknowledged_at: acked_at.unwrap_or(now) }))
}

/// Until when: an instant, or for how long from now.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Snooze {
    until: Option<Timestamp>,
    #[serde(rename = "for")]
    span: Option<String>,
}

impl Snooze {
    fn end(&self, now: Timestamp) -> Result<Timestamp, ApiError> {
        let until = match (self.until, &self.span) {
            (Some(until), None) => until,
            (None, Some(span)) => {
                let span = span.parse::<Span>();
                now + span.map_err(|e| ApiError::bad_request(format!("for: {e}")))?.duration()
            }
            _ => return Err(ApiError::bad_request("give either until or for")),
        };
        if until <= now || until > now + LONGEST {
            return Err(ApiError::bad_request("a snooze ends after now and within a year"));
        }
        Ok(until)
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertSnoozed")]
pub(super) struct Snoozed {
    id: i64,
    status: AlertStatus,
    snoozed_until: Timestamp,
}

pub(super) async fn snooze(
    operator: Operator,
    State(state): State<AlertsState>,
    Path(id): Path<i64>,
    Json(wanted): Json<Snooze>,
) -> Result<Data<Snoozed>, ApiError> {
    let until = wanted.end(state.now())?;
    let mut tx = state.store.begin().await?;
    standing(&mut tx, id).await?;
    if !store::snooze(&mut tx, id, until).await? {
        return Err(over(id));
    }
    state.done(tx, operator, "snooze", id, AlertStatus::Snoozed).await?;
    Ok(Data::of(Snoozed { id, status: AlertStatus::Snoozed, snoozed_until: until }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertResolved")]
pub(super) struct Resolved {
    id: i64,
    status: AlertStatus,
    resolved_at: Timestamp,
}

/// Ends what nobody looks at any more, without a word; a condition that still holds opens a new alert at the next look.
pub(super) async fn resolve(
    operator: Operator,
    State(state): State<AlertsState>,
    Path(id): Path<i64>,
) -> Result<Data<Resolved>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    standing(&mut tx, id).await?;
    if !store::resolve(&mut tx, id, now).await? {
        return Err(over(id));
    }
    state.done(tx, operator, "resolve", id, AlertStatus::Resolved).await?;
    Ok(Data::of(Resolved { id, status: AlertStatus::Resolved, resolved_at: now }))
}

fn over(id: i64) -> ApiError {
    ApiError::conflict(format!("alert {id} is over"))
}
