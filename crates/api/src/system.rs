//! `/api/v1/system/status`: the state of each part with its numbers, for viewers; `/api/v1/system/audit`: who did what,
//! for administrators.

use crate::health::Health;
use crate::server::Shared;
use crate::{Admin, ApiError, Data, Params, Reader};
use axum::extract::State;
use model::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Status {
    #[serde(flatten)]
    health: Health,
    uptime_seconds: u64,
    connections: Connections,
    /// Targets that are due and not claimed.
    schedule_depth: u64,
    /// Messages that wait to be sent.
    outbox_depth: u64,
    /// Listeners of server-sent events.
    listeners: usize,
}

#[derive(Serialize)]
struct Connections {
    active: u32,
    idle: u32,
}

pub(crate) async fn status(_: Reader, State(shared): State<Shared>) -> Result<Data<Status>, ApiError> {
    let engine = &shared.engine;
    let (active, idle) = engine.store.connections();
    Ok(Data::of(Status {
        health: Health::look(&shared).await,
        uptime_seconds: shared.scraped.uptime().as_secs(),
        connections: Connections { active, idle },
        schedule_depth: store::due_depth(&engine.store, engine.clock.now()).await?,
        outbox_depth: store::outbox_depth(&engine.store).await?,
        listeners: shared.options.max_listeners.saturating_sub(shared.listeners.available_permits()),
    }))
}

#[derive(Serialize)]
pub(crate) struct Deed {
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
}

/// The newest entries of the audit log, the newest first.
pub(crate) async fn audit(_: Admin, State(shared): State<Shared>, params: Params) -> Result<Data<Vec<Deed>>, ApiError> {
    params.only(&["limit"])?;
    let limit = params.number("limit", 1..=1_000)?.unwrap_or(100);
    let entries = store::audit_log(&shared.engine.store, u32::try_from(limit).unwrap_or(100)).await?;
    let deeds = entries.into_iter().map(|e| Deed { at: e.at, actor: e.actor, action: e.action, subject: e.subject });
    Ok(Data::of(deeds.collect()))
}
