//! The reminders' tables. All of their SQL is in this folder.

mod ending;
mod hits;
mod mailboxes;
mod subscriptions;
mod summary;

pub use ending::end_alerts;
pub use hits::{Hit, HitRow, add_hit, known_hits, list_hits};
pub use mailboxes::{
    Auth, Mailbox, MailboxDraft, Mark, Scan, Tls, add_mailbox, delete_mailbox, find_mailbox, get_mailbox, hold_mailbox,
    list_mailboxes, update_mailbox, write_failed_scan, write_scan,
};
pub use subscriptions::{
    Subscription, SubscriptionDraft, Told, add_subscription, delete_subscription, find_subscription, get_subscription,
    hold_subscription, list_subscriptions, update_subscription, write_checked, write_renewed,
};
pub use summary::{MailboxFigures, SubscriptionFigures, Summary, summary};

pub(crate) use subscriptions::DAILY;

use ::store::{Migration, Sealed, Store, StoreError, args, list};
use jiff::civil::Date;
use model::WatchKind;
use std::collections::HashMap;

/// The reminders' tables.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "reminders/001-first", sql: include_str!("../../migrations/001-first.sql") }];

fn date(text: Option<String>, column: usize) -> Result<Option<Date>, StoreError> {
    text.map(|t| t.parse().map_err(|_| StoreError::Decode { column, message: t })).transpose()
}

/// Where secrets of mailboxes are kept.
pub const SEALED: &[Sealed] = &[Sealed { table: "mailboxes", column: "secret", fingerprint: None }];

/// Names of subscriptions or mailboxes.
pub async fn names_of(store: &Store, kind: WatchKind, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
    let table = if kind == WatchKind::Mailbox { "mailboxes" } else { "subscriptions" };
    let mut names = HashMap::new();
    let sql = format!("SELECT id, name FROM {table} WHERE id IN (@LIST@)");
    for row in store.query_listed(&sql, args![], list(ids)).await? {
        names.insert(row.int(0)?, row.text(1)?);
    }
    Ok(names)
}
