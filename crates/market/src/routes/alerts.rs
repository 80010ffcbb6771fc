//! The market's alerts; never public.

use super::{MarketState, audit};
use crate::store::{alert_acked_at, names_of};
use api::{Admin, ApiError, Data, List, Params, Path};
use axum::extract::State;
use model::{AlertStatus, Severity, Timestamp, WatchKind};
use serde::Serialize;
use std::collections::HashMap;
use store::{AlertFilter, AlertRow};

#[derive(Serialize)]
pub(super) struct AlertJson {
    id: i64,
    ip_id: i64,
    ip_name: Option<String>,
    alert_type: String,
    severity: String,
    status: AlertStatus,
    title: String,
    message: String,
    value: Option<f64>,
    opened_at: Timestamp,
    told_at: Option<Timestamp>,
    snoozed_until: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    acknowledged: bool,
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<String>,
}

impl AlertJson {
    fn of(row: AlertRow, names: &HashMap<i64, String>) -> Self {
        Self {
            id: row.id,
            ip_id: row.ref_id,
            ip_name: names.get(&row.ref_id).cloned(),
            alert_type: row.alert_type,
            severity: row.severity,
            status: row.life.status,
            title: row.title,
            message: row.message,
            value: row.value,
            opened_at: row.life.opened_at,
            told_at: row.life.told_at,
            snoozed_until: row.life.snoozed_until,
            resolved_at: row.life.resolved_at,
            acknowledged: row.acked_at.is_some(),
            acknowledged_at: row.acked_at,
            acknowledged_by: row.acked_by,
        }
    }
}

const SEVERITIES: &[(&str, Severity)] =
    &[("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];

pub(super) async fn list(
    _admin: Admin,
    State(state): State<MarketState>,
    params: Params,
) -> Result<List<AlertJson>, ApiError> {
    params.only(&["ip_id", "severity", "acknowledged", "page", "page_size"])?;
    let paging = params.paging()?;
    let filter = AlertFilter {
        kind: Some(WatchKind::Market),
        ref_id: params.number("ip_id", 1..=i64::MAX)?,
        severity: params.choice("severity", SEVERITIES)?,
        acknowledged: params.choice("acknowledged", &[("true", true), ("false", false)])?,
        offset: paging.offset(),
        limit: paging.page_size,
    };
    let (rows, total) = store::list_alerts(&state.store, &filter).await?;
    let ids: Vec<i64> = rows.iter().map(|r| r.ref_id).collect();
    let names = names_of(&state.store, &ids).await?;
    let rows = rows.into_iter().map(|row| AlertJson::of(row, &names)).collect();
    Ok(List::of(rows, total, paging))
}

#[derive(Serialize)]
pub(super) struct Acked {
    id: i64,
    acknowledged: bool,
    acknowledged_at: Timestamp,
}

/// Seen twice is seen once: the first time stays.
pub(super) async fn ack(
    admin: Admin,
    State(state): State<MarketState>,
    Path(id): Path<i64>,
) -> Result<Data<Acked>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let Some(acked_at) = alert_acked_at(&mut tx, id).await? else {
        return Err(ApiError::not_found(format!("alert {id}")));
    };
    if acked_at.is_none() {
        store::ack(&mut tx, id, admin.name, now).await?;
        audit(&mut tx, admin, "alert.ack", format!("alert:{id}"), now).await?;
        tx.commit().await?;
    }
    Ok(Data::of(Acked { id, acknowledged: true, acknowledged_at: acked_at.unwrap_or(now) }))
}
