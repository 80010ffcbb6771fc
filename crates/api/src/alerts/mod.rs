//! Alerts of every watch over HTTP; never public.

mod change;
mod read;
mod shapes;

use crate::{ApiError, Auth, Routes, Who};
use async_trait::async_trait;
use engine::Engine;
use model::{Timestamp, WatchKind};
use std::collections::HashMap;
use std::sync::Arc;
use store::{AlertRow, Store, StoreError};

/// Says what the rows of a watch are called.
#[async_trait]
pub trait TargetNames: Send + Sync + 'static {
    /// Names of the rows `ids` of the watch `kind`; those it does not know, also all of another watch, are left out.
    async fn names(&self, store: &Store, kind: WatchKind, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError>;
}

/// What the handlers of alerts share. Cheap to clone.
#[derive(Clone)]
pub struct AlertsState {
    /// The database.
    pub store: Store,
    /// Clock and events.
    pub engine: Arc<Engine>,
    /// Who may do what.
    pub auth: Auth,
    /// Who knows what is watched by name.
    pub names: Vec<Arc<dyn TargetNames>>,
}

/// Lists, explains and answers alerts.
pub fn router(state: AlertsState) -> Routes {
    let routes = Routes::new(&state.auth)
        .get("/alerts", Who::Viewer, "Alerts, newest first; without `status` all that people were told of.", read::list)
        .get("/alerts/summary", Who::Viewer, "How many alerts are open, by severity, watch and status.", read::summary)
        .get("/alerts/{id}", Who::Viewer, "One alert, why it was raised, and who was told of it.", read::one)
        .post("/alerts/{id}/ack", Who::Operator, "Somebody has seen it: no more reminders.", change::ack)
        .post("/alerts/{id}/snooze", Who::Operator, "No more reminders for a while.", change::snooze)
        .post("/alerts/{id}/resolve", Who::Operator, "Ends an alert nobody looks at any more.", change::resolve);
    Routes::new(&state.auth).nest("/api/v1", routes).with_state(state)
}

/// What is watched, by kind and number.
type Names = HashMap<(WatchKind, i64), String>;

impl AlertsState {
    fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    /// The names of what the alerts are about.
    async fn names_of(&self, rows: &[AlertRow]) -> Result<Names, ApiError> {
        let mut wanted = HashMap::<WatchKind, Vec<i64>>::new();
        for row in rows {
            if let Some(kind) = WatchKind::parse(&row.kind) {
                wanted.entry(kind).or_default().push(row.ref_id);
            }
        }
        let mut names = Names::new();
        for (kind, mut ids) in wanted {
            ids.sort_unstable();
            ids.dedup();
            for watch in &self.names {
                let known = watch.names(&self.store, kind, &ids).await?;
                names.extend(known.into_iter().map(|(id, name)| ((kind, id), name)));
            }
        }
        Ok(names)
    }
}
