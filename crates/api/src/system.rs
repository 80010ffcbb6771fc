//! `/api/v1/system/status`: the state of each part with its numbers, for viewers.

use crate::health::Health;
use crate::server::Shared;
use crate::{ApiError, Data, Reader};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SystemStatus")]
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

#[derive(Serialize, JsonSchema)]
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
