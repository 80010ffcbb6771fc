//! Renewals and mailboxes.

use anyhow::Context;
use api::Auth;
use engine::{Engine, Registered};
use notify::Sealer;
use reminders::imap::Reader;
use reminders::routes::RemindersState;
use reminders::{MailboxOptions, MailboxWatch, SubscriptionOptions, SubscriptionWatch};
use std::sync::Arc;

/// What reminders are watched with.
pub struct Reminders {
    sealer: Arc<dyn Sealer>,
    subscriptions: SubscriptionOptions,
    mailboxes: MailboxOptions,
}

impl Reminders {
    /// With the defaults of the part.
    pub fn new(sealer: Arc<dyn Sealer>) -> Self {
        Self { sealer, subscriptions: SubscriptionOptions::default(), mailboxes: MailboxOptions::default() }
    }

    /// The two watches. Fails when TLS cannot be set up.
    pub fn watches(&self) -> anyhow::Result<Vec<Arc<dyn Registered>>> {
        let reader =
            Reader::new(self.mailboxes.clone(), Arc::clone(&self.sealer)).context("the reader of mailboxes")?;
        Ok(vec![Arc::new(SubscriptionWatch::new(self.subscriptions.clone())), Arc::new(MailboxWatch::new(reader))])
    }

    /// What their routes need.
    pub fn state(&self, engine: &Arc<Engine>, auth: Auth) -> RemindersState {
        RemindersState {
            store: engine.store.clone(),
            engine: Arc::clone(engine),
            auth,
            sealer: Arc::clone(&self.sealer),
            subscriptions: Arc::new(self.subscriptions.clone()),
            mailboxes: Arc::new(self.mailboxes.clone()),
        }
    }
}
