//! The reminder watch: renewals that are due by the calendar, and mailboxes with bills.
//!
//! [`cycle`] and [`standing`] say when something is renewed and told of, [`scan`] what a mail says about money (all
//! pure); [`imap`] reads mailboxes, [`store`] keeps it all, [`SubscriptionWatch`] and [`MailboxWatch`] tie it together
//! for the engine.

pub mod ahead;
pub mod cycle;
pub mod imap;
mod mailbox_watch;
mod options;
pub mod routes;
pub mod scan;
pub mod standing;
pub mod store;
mod subscription_watch;
mod tell;
mod zone;

pub use mailbox_watch::MailboxWatch;
pub use options::{MailboxOptions, SubscriptionOptions};
pub use store::MIGRATIONS;
pub use subscription_watch::SubscriptionWatch;
pub use zone::Zone;
