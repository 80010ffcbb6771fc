//! What the API says of accounts and keys. Nothing here is public.

mod accounts;
mod history;
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
        .get("/accounts", Who::Viewer, "Accounts with their last good reading.", accounts::list)
        .post("/accounts", Who::Operator, "Adds an account.", accounts::create)
        .get("/accounts/summary", Who::Viewer, "How many accounts there are, and how they are.", accounts::summary)
        .post("/accounts/test", Who::Operator, "Asks once for an account that is not kept.", accounts::test)
        .post("/accounts/refresh", Who::Operator, "Looks at many accounts now, as a job.", refresh::many)
        .post("/accounts/{id}/refresh", Who::Operator, "Looks at one account now, as a job.", refresh::one)
        .get("/accounts/{id}", Who::Viewer, "One account.", accounts::one)
        .put("/accounts/{id}", Who::Operator, "Changes an account; what is left out stays.", accounts::update)
        .delete("/accounts/{id}", Who::Operator, "Removes an account with its history.", accounts::delete)
        .get("/accounts/{id}/readings", Who::Viewer, "The history of an account.", readings::readings)
        .get("/providers", Who::Viewer, "Whom accounts can be kept at, and what each wants to know.", providers::list);
    let old = Routes::new(auth)
        .get("/credits", Who::Viewer.at(Rate::Credits), "Every balance.", old::credits)
        .get("/refresh", Who::Operator.at(Rate::Refresh), "Looks at every balance now.", old::refresh)
        .post("/refresh", Who::Operator.at(Rate::Refresh), "Looks at one balance or all now.", old::refresh_named)
        .get("/config/projects", Who::Viewer, "What is watched, and its thresholds.", old::projects)
        .post("/config/threshold", Who::Operator, "Changes the threshold of a balance.", old::threshold)
        .get("/history/balance", Who::Viewer, "Levels, newest first.", history::balances)
        .get("/history/trend/{id}", Who::Viewer, "Levels of one balance with their extremes.", history::trend)
        .get("/history/alerts", Who::Viewer, "Alerts, newest first.", history::alerts)
        .get("/history/stats", Who::Viewer, "Extremes and means of every balance.", history::stats);
    let (modern, old) = (modern.merge(keys::routes(auth)), old.merge(old_keys::routes(auth)));
    Routes::new(auth).nest("/api/v1", modern).nest("/api", old).with_state(state)
}

/// Writes in the transaction of a change who made it.
async fn audit(tx: &mut Tx, actor: &str, action: &str, subject: String, at: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry { at, actor: actor.to_owned(), action: action.to_owned(), subject };
    store::audit(tx, &entry).await
}
