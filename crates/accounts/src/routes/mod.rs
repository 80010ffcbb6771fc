//! What the API says of accounts and keys. Nothing here is public.

mod accounts;
mod keys;
mod old;
mod old_keys;
mod providers;
mod readings;
mod refresh;
mod shapes;

use crate::fetch::Fetcher;
use crate::options::AccountOptions;
use crate::provider::Catalog;
use api::{Auth, Rate, Routes, Who};
use engine::Engine;
use model::Timestamp;
use std::sync::Arc;
use store::{AuditEntry, Keyring, Store, StoreError, Tx};

/// What the routes need.
#[derive(Clone)]
pub struct AccountsState {
    /// The database.
    pub store: Store,
    /// The schedule and the events.
    pub engine: Arc<Engine>,
    /// Who may do what.
    pub auth: Auth,
    /// Seals secrets.
    pub keyring: Arc<Keyring>,
    /// The providers there are.
    pub providers: Arc<Catalog>,
    /// Asks them.
    pub fetcher: Arc<Fetcher>,
    /// How accounts are watched.
    pub options: Arc<AccountOptions>,
}

impl AccountsState {
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }
}

/// Everything of accounts and keys.
pub fn router(state: AccountsState) -> Routes {
    let auth = &state.auth;
    let modern = Routes::new(auth)
        .get("/accounts", Who::Viewer, accounts::list)
        .post("/accounts", Who::Operator, accounts::create)
        .get("/accounts/summary", Who::Viewer, accounts::summary)
        .post("/accounts/test", Who::Operator, accounts::test)
        .post("/accounts/refresh", Who::Operator, refresh::many)
        .post("/accounts/{id}/refresh", Who::Operator, refresh::one)
        .get("/accounts/{id}", Who::Viewer, accounts::one)
        .put("/accounts/{id}", Who::Operator, accounts::update)
        .delete("/accounts/{id}", Who::Operator, accounts::delete)
        .get("/accounts/{id}/readings", Who::Viewer, readings::readings)
        .get("/providers", Who::Viewer, providers::list);
    let old = Routes::new(auth)
        .get("/credits", Who::Viewer.at(Rate::Credits), old::credits)
        .get("/refresh", Who::Operator.at(Rate::Refresh), old::refresh)
        .post("/refresh", Who::Operator.at(Rate::Refresh), old::refresh_named)
        .get("/config/projects", Who::Viewer, old::projects)
        .post("/config/threshold", Who::Operator, old::threshold)
        .get("/history/balance", Who::Viewer, old::history_balance)
        .get("/history/trend/{id}", Who::Viewer, old::history_trend)
        .get("/history/alerts", Who::Viewer, old::history_alerts)
        .get("/history/stats", Who::Viewer, old::history_stats);
    let (modern, old) = (modern.merge(keys::routes(auth)), old.merge(old_keys::routes(auth)));
    Routes::new(auth).nest("/api/v1", modern).nest("/api", old).with_state(state)
}

/// Writes in the transaction of a change who made it.
async fn audit(tx: &mut Tx, actor: &str, action: &str, subject: String, at: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry { at, actor: actor.to_owned(), action: action.to_owned(), subject };
    store::audit(tx, &entry).await
}
