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
use api::{ApiError, Auth, Routes, Who};
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

/// Everything of the market: reads that are public unless the configuration closes them, and what changes it.
pub fn router(state: MarketState) -> Routes {
    let auth = &state.auth;
    let routes = Routes::new(auth)
        .get("/ips", Who::Market, ips::list)
        .get("/ips/{id}", Who::Market, ips::one)
        .get("/ips/{id}/liquidity", Who::Market, numbers::liquidity)
        .get("/ips/{id}/stats/hourly", Who::Market, numbers::hourly)
        .get("/ips/{id}/stats/daily", Who::Market, rollups::daily)
        .get("/ips/{id}/stats/weekly", Who::Market, rollups::weekly)
        .get("/ips/{id}/stats/monthly", Who::Market, rollups::monthly)
        .get("/ips/{id}/items", Who::Market, items::list)
        .get("/leaderboard", Who::Market, ranking::leaderboard)
        .post("/ips", Who::Operator, manage::create)
        .put("/ips/{id}", Who::Operator, manage::update)
        .delete("/ips/{id}", Who::Operator, manage::delete)
        .post("/ips/{id}/trigger", Who::Operator, manage::trigger)
        .get("/system/scheduler", Who::Viewer, scheduler::schedule)
        .post("/admin/import", Who::Admin, bulk::bulk)
        .post("/admin/archive/daily", Who::Admin, archive::daily)
        .post("/admin/archive/weekly", Who::Admin, archive::weekly);
    let mut all = Routes::new(auth).nest("/api/v1", routes);
    if state.plain_pages {
        all = all.merge(crate::page::routes(auth));
    }
    all.with_state(state)
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
async fn audit(tx: &mut Tx, actor: &str, action: &str, subject: String, at: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry { at, actor: actor.to_owned(), action: action.to_owned(), subject };
    store::audit(tx, &entry).await
}
