//! Reminders over HTTP. Everything here is the administrator's.

mod calendar;
mod fields;
mod legacy;
mod mailbox_fields;
mod mailboxes;
mod shapes;
mod subscriptions;

use crate::options::{MailboxOptions, SubscriptionOptions};
use api::{Admin, Auth};
use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post, put};
use engine::Engine;
use model::Timestamp;
use notify::Sealer;
use std::sync::Arc;
use store::{AuditEntry, Store, StoreError, Tx};

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct RemindersState {
    /// The database.
    pub store: Store,
    /// Clock, events, the scheduler's bell.
    pub engine: Arc<Engine>,
    /// Who may do what.
    pub auth: Auth,
    /// Seals the secrets of mailboxes.
    pub sealer: Arc<dyn Sealer>,
    /// What a subscription is that does not say otherwise.
    pub subscriptions: Arc<SubscriptionOptions>,
    /// What a mailbox is that does not say otherwise.
    pub mailboxes: Arc<MailboxOptions>,
}

impl FromRef<RemindersState> for Auth {
    fn from_ref(state: &RemindersState) -> Self {
        state.auth.clone()
    }
}

impl RemindersState {
    fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }
}

/// Subscriptions, their calendar and mailboxes; and the shapes of the system replaced.
pub fn router(state: RemindersState) -> Router {
    let reminders = Router::new()
        .route("/subscriptions", get(subscriptions::list).post(subscriptions::create))
        .route("/subscriptions/{id}", get(subscriptions::one).put(subscriptions::update).delete(subscriptions::delete))
        .route("/subscriptions/{id}/renewed", post(subscriptions::renewed))
        .route("/calendar", get(calendar::calendar))
        .route("/mailboxes", get(mailboxes::list).post(mailboxes::create))
        .route("/mailboxes/{id}", put(mailboxes::update).get(mailboxes::one).delete(mailboxes::delete))
        .route("/mailboxes/{id}/scan", post(mailboxes::scan))
        .route("/mailboxes/{id}/hits", get(mailboxes::hits));
    let legacy = Router::new()
        .route("/subscriptions", get(legacy::subscriptions))
        .route("/subscription/add", post(legacy::add))
        .route("/subscription/delete", post(legacy::delete).delete(legacy::delete))
        .route("/subscription/renewed", post(legacy::renewed))
        .route("/config/emails", get(legacy::emails))
        .route("/config/email", post(legacy::save_email))
        .route("/config/email/delete", post(legacy::delete_email));
    Router::new().nest("/api/v1/reminders", reminders).nest("/api", legacy).with_state(state)
}

/// Writes in the transaction of a change who made it.
async fn audit(tx: &mut Tx, admin: Admin, action: &str, subject: String, at: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry { at, actor: admin.name.to_owned(), action: action.to_owned(), subject };
    store::audit(tx, &entry).await
}
