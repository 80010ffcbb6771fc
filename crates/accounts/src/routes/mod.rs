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
use api::{Admin, Auth};
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
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

impl FromRef<AccountsState> for Auth {
    fn from_ref(state: &AccountsState) -> Self {
        state.auth.clone()
    }
}

impl AccountsState {
    pub(crate) fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }
}

/// Everything of accounts and keys.
pub fn router(state: AccountsState) -> Router {
    let modern = Router::new()
        .route("/accounts", get(accounts::list).post(accounts::create))
        .route("/accounts/summary", get(accounts::summary))
        .route("/accounts/test", post(accounts::test))
        .route("/accounts/refresh", post(refresh::many))
        .route("/accounts/{id}/refresh", post(refresh::one))
        .route("/accounts/{id}", get(accounts::one).put(accounts::update).delete(accounts::delete))
        .route("/accounts/{id}/readings", get(readings::readings))
        .route("/providers", get(providers::list));
    let old = Router::new()
        .route("/credits", get(old::credits))
        .route("/refresh", get(old::refresh).post(old::refresh_named))
        .route("/config/projects", get(old::projects))
        .route("/config/threshold", post(old::threshold))
        .route("/history/balance", get(old::history_balance))
        .route("/history/trend/{id}", get(old::history_trend))
        .route("/history/alerts", get(old::history_alerts))
        .route("/history/stats", get(old::history_stats));
    let (modern, old) = (modern.merge(keys::routes()), old.merge(old_keys::routes()));
    Router::new().nest("/api/v1", modern).nest("/api", old).with_state(state)
}

/// Writes in the transaction of a change who made it.
async fn audit(tx: &mut Tx, admin: Admin, action: &str, subject: String, at: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry { at, actor: admin.name.to_owned(), action: action.to_owned(), subject };
    store::audit(tx, &entry).await
}
