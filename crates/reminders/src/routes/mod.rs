//! Reminders over HTTP. Nothing here is public.

mod calendar;
mod fields;
mod legacy;
mod mailbox_fields;
mod mailboxes;
mod shapes;
mod subscriptions;

use crate::options::{MailboxOptions, SubscriptionOptions};
use api::{Auth, Routes, Who};
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

impl RemindersState {
    fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }
}

/// Subscriptions, their calendar and mailboxes; and the shapes of the system replaced.
pub fn router(state: RemindersState) -> Routes {
    let auth = &state.auth;
    let reminders = Routes::new(auth)
        .get("/subscriptions", Who::Viewer, subscriptions::list)
        .post("/subscriptions", Who::Operator, subscriptions::create)
        .get("/subscriptions/{id}", Who::Viewer, subscriptions::one)
        .put("/subscriptions/{id}", Who::Operator, subscriptions::update)
        .delete("/subscriptions/{id}", Who::Operator, subscriptions::delete)
        .post("/subscriptions/{id}/renewed", Who::Operator, subscriptions::renewed)
        .get("/calendar", Who::Viewer, calendar::calendar)
        .get("/mailboxes", Who::Viewer, mailboxes::list)
        .post("/mailboxes", Who::Operator, mailboxes::create)
        .put("/mailboxes/{id}", Who::Operator, mailboxes::update)
        .get("/mailboxes/{id}", Who::Viewer, mailboxes::one)
        .delete("/mailboxes/{id}", Who::Operator, mailboxes::delete)
        .post("/mailboxes/{id}/scan", Who::Operator, mailboxes::scan)
        .get("/mailboxes/{id}/hits", Who::Viewer, mailboxes::hits);
    let legacy = Routes::new(auth)
        .get("/subscriptions", Who::Viewer, legacy::subscriptions)
        .post("/subscription/add", Who::Operator, legacy::add)
        .post("/subscription/delete", Who::Operator, legacy::delete)
        .delete("/subscription/delete", Who::Operator, legacy::delete)
        .post("/subscription/renewed", Who::Operator, legacy::renewed)
        .get("/config/emails", Who::Viewer, legacy::emails)
        .post("/config/email", Who::Operator, legacy::save_email)
        .post("/config/email/delete", Who::Operator, legacy::delete_email);
    Routes::new(auth).nest("/api/v1/reminders", reminders).nest("/api", legacy).with_state(state)
}

/// Writes in the transaction of a change who made it.
async fn audit(tx: &mut Tx, actor: &str, action: &str, subject: String, at: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry { at, actor: actor.to_owned(), action: action.to_owned(), subject };
    store::audit(tx, &entry).await
}
