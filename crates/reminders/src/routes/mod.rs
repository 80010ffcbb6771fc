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
        .get("/subscriptions", Who::Viewer, "What is renewed, and when next.", subscriptions::list)
        .post("/subscriptions", Who::Operator, "Adds a subscription.", subscriptions::create)
        .get("/subscriptions/{id}", Who::Viewer, "One subscription.", subscriptions::one)
        .put("/subscriptions/{id}", Who::Operator, "Changes a subscription.", subscriptions::update)
        .delete("/subscriptions/{id}", Who::Operator, "Removes a subscription.", subscriptions::delete)
        .post("/subscriptions/{id}/renewed", Who::Operator, "It was renewed.", subscriptions::renewed)
        .get("/calendar", Who::Viewer, "Renewals day by day, with what they cost.", calendar::calendar)
        .get("/mailboxes", Who::Viewer, "Mailboxes that are read for bills.", mailboxes::list)
        .post("/mailboxes", Who::Operator, "Adds a mailbox.", mailboxes::create)
        .put("/mailboxes/{id}", Who::Operator, "Changes a mailbox; a secret left out stays.", mailboxes::update)
        .get("/mailboxes/{id}", Who::Viewer, "One mailbox, without its secret.", mailboxes::one)
        .delete("/mailboxes/{id}", Who::Operator, "Removes a mailbox.", mailboxes::delete)
        .post("/mailboxes/{id}/scan", Who::Operator, "Reads a mailbox now.", mailboxes::scan)
        .get("/mailboxes/{id}/hits", Who::Viewer, "Mails with billing words, newest first.", mailboxes::hits);
    let legacy = Routes::new(auth)
        .get("/subscriptions", Who::Viewer, "What is renewed, and when next.", legacy::subscriptions)
        .post("/subscription/add", Who::Operator, "Adds a subscription.", legacy::add)
        .post("/subscription/delete", Who::Operator, "Removes a subscription by its name.", legacy::delete)
        .delete("/subscription/delete", Who::Operator, "Removes a subscription by its name.", legacy::delete)
        .post("/subscription/renewed", Who::Operator, "It was renewed.", legacy::renewed)
        .get("/config/emails", Who::Viewer, "Mailboxes that are read for bills.", legacy::emails)
        .post("/config/email", Who::Operator, "Adds a mailbox, or changes the one of this name.", legacy::save_email)
        .post("/config/email/delete", Who::Operator, "Removes a mailbox by its name.", legacy::delete_email);
    Routes::new(auth).nest("/api/v1/reminders", reminders).nest("/api", legacy).with_state(state)
}

/// Writes in the transaction of a change who made it.
async fn audit(tx: &mut Tx, actor: &str, action: &str, subject: String, at: Timestamp) -> Result<(), StoreError> {
    let entry = AuditEntry { at, actor: actor.to_owned(), action: action.to_owned(), subject };
    store::audit(tx, &entry).await
}
