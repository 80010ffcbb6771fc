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
pub(crate) use ranking::AskedBoard;
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
        .get("/ips", Who::Market, "IPs that are tracked.", ips::list)
        .get("/ips/{id}", Who::Market, "One IP with its schedule.", ips::one)
        .get("/ips/{id}/liquidity", Who::Market, "Its latest complete hour.", numbers::liquidity)
        .get("/ips/{id}/stats/hourly", Who::Market, "Its complete hours, newest first.", numbers::hourly)
        .get("/ips/{id}/stats/daily", Who::Market, "Its days, newest first.", rollups::daily)
        .get("/ips/{id}/stats/weekly", Who::Market, "Its weeks from Monday, newest first.", rollups::weekly)
        .get("/ips/{id}/stats/monthly", Who::Market, "Its months, newest first.", rollups::monthly)
        .get("/ips/{id}/items", Who::Market, "Its listings, newest seen first.", items::list)
        .get("/leaderboard", Who::Market, "IPs by what moved in a rolling window of hours.", ranking::leaderboard)
        .post("/ips", Who::Operator, "Tracks an IP.", manage::create)
        .put("/ips/{id}", Who::Operator, "Changes an IP; what is left out stays.", manage::update)
        .delete("/ips/{id}", Who::Operator, "Stops tracking an IP; its numbers stay.", manage::delete)
        .post("/ips/{id}/trigger", Who::Operator, "Crawls an IP now.", manage::trigger)
        .get("/system/scheduler", Who::Viewer, "When which IP is crawled.", scheduler::schedule)
        .post("/admin/import", Who::Admin, "Adds or changes many IPs; a bad entry fails alone.", bulk::bulk)
        .post("/admin/archive/daily", Who::Admin, "Computes the roll-up of a day again.", archive::daily)
        .post("/admin/archive/weekly", Who::Admin, "Computes the roll-up of a week again.", archive::weekly);
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
