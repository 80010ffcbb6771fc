//! The market over HTTP.

mod archive;
mod bulk;
mod ips;
mod items;
mod manage;
mod names;
mod numbers;
mod ranking;
mod rollups;
mod scheduler;
mod shapes;

pub use names::MarketNames;
pub(crate) use numbers::complete_until;
pub use scheduler::MarketProbe;

use crate::MarketOptions;
use crate::leaderboard::Leaderboard;
use crate::store::{Ip, get_ip};
use api::{Admin, ApiError, Auth, closed_unless_public};
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use engine::Engine;
use model::Timestamp;
use std::sync::Arc;
use store::{AuditEntry, Store, StoreError, Tx};

/// What the market's handlers share. Cheap to clone.
#[derive(Clone)]
pub struct MarketState {
    /// The database.
    pub store: Store,
    /// Clock, events, the scheduler's bell.
    pub engine: Arc<Engine>,
    /// How the market is watched.
    pub options: Arc<MarketOptions>,
    /// The leaderboards.
    pub board: Leaderboard,
    /// Who may do what, and whether reading is public.
    pub auth: Auth,
    /// The data is simulated, and the page says so.
    pub demo: bool,
    /// Whether the plain pages are served: they stand in for the page that was not built.
    pub plain_pages: bool,
}

impl FromRef<MarketState> for Auth {
    fn from_ref(state: &MarketState) -> Self {
        state.auth.clone()
    }
}

/// Everything of the market: reads that are public unless the configuration closes them, and what is the
/// administrator's.
pub fn router(state: MarketState) -> Router {
    let reads = Router::new()
        .route("/ips", get(ips::list))
        .route("/ips/{id}", get(ips::one))
        .route("/ips/{id}/liquidity", get(numbers::liquidity))
        .route("/ips/{id}/stats/hourly", get(numbers::hourly))
        .route("/ips/{id}/stats/daily", get(rollups::daily))
        .route("/ips/{id}/stats/weekly", get(rollups::weekly))
        .route("/ips/{id}/stats/monthly", get(rollups::monthly))
        .route("/ips/{id}/items", get(items::list))
        .route("/leaderboard", get(ranking::leaderboard));
    let admin = Router::new()
        .route("/ips", post(manage::create))
        .route("/ips/{id}", axum::routing::put(manage::update).delete(manage::delete))
        .route("/ips/{id}/trigger", post(manage::trigger))
        .route("/system/scheduler", get(scheduler::schedule))
        .route("/admin/import", post(bulk::bulk))
        .route("/admin/archive/daily", post(archive::daily))
        .route("/admin/archive/weekly", post(archive::weekly));
    let mut reads = Router::new().nest("/api/v1", reads);
    if state.plain_pages {
        reads = reads.merge(crate::page::routes());
    }
    closed_unless_public(reads, &state.auth).merge(Router::new().nest("/api/v1", admin)).with_state(state)
}

impl MarketState {
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    /// The IP, deleted ones too, or 404.
    pub(crate) async fn ip(&self, id: i64) -> Result<Ip, ApiError> {
        get_ip(&self.store, id).await?.ok_or_else(|| ApiError::not_found(format!("IP {id}")))
    }
}

/// Writes in the transaction of a change who made it.
async fn audit(tx: &mut Tx, admin: Admin, action: &str, subject: String, at: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry { at, actor: admin.name.to_owned(), action: action.to_owned(), subject };
    store::audit(tx, &entry).await
}
