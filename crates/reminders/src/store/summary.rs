//! What the metrics say of reminders.

use super::{list_mailboxes, list_subscriptions};
use ::store::{Store, StoreError};
use model::Timestamp;
use rust_decimal::Decimal;
use std::time::Duration;

/// One subscription in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionFigures {
    /// Its name.
    pub name: String,
    /// `weekly`, `monthly`, `yearly`.
    pub cycle_type: &'static str,
    /// Days until the renewal; `None` when it has ended.
    pub days: Option<i64>,
    /// What a renewal costs.
    pub amount: Option<Decimal>,
    /// Of the amount.
    pub currency: String,
    /// Nothing is to be done: paid for, or not yet to be told of.
    pub fine: bool,
    /// When the watch last looked.
    pub checked_at: Option<Timestamp>,
}

/// One mailbox in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct MailboxFigures {
    /// Its name.
    pub name: String,
    /// Scans that could read it.
    pub scans: i64,
    /// Scans that could not.
    pub failed: i64,
    /// Messages read.
    pub scanned: i64,
    /// Messages with billing words.
    pub hits: i64,
    /// How long the last good scan took.
    pub took: Option<Duration>,
    /// Whether the last scan could read it; `None` before the first.
    pub readable: Option<bool>,
    /// The last scan.
    pub last_at: Option<Timestamp>,
}

/// Everything in figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Subscriptions that are told of.
    pub subscriptions: Vec<SubscriptionFigures>,
    /// Mailboxes that are scanned.
    pub mailboxes: Vec<MailboxFigures>,
}

/// The figures of all that is switched on, as of `now`.
pub async fn summary(store: &Store, now: Timestamp) -> Result<Summary, StoreError> {
    let mut summary = Summary::default();
    for row in list_subscriptions(store).await?.into_iter().filter(|s| s.draft.enabled) {
        let Some(standing) = row.standing(now) else { continue };
        summary.subscriptions.push(SubscriptionFigures {
            name: row.draft.name,
            cycle_type: row.draft.terms.cycle.kind().as_str(),
            days: standing.days,
            amount: row.draft.amount,
            currency: row.draft.currency,
            fine: standing.reminder.is_none(),
            checked_at: row.checked_at,
        });
    }
    for row in list_mailboxes(store).await?.into_iter().filter(|m| m.draft.enabled) {
        summary.mailboxes.push(MailboxFigures {
            name: row.draft.name,
            scans: row.scan.scans,
            failed: row.scan.failed,
            scanned: row.scan.scanned,
            hits: row.scan.hits,
            took: row.scan.took,
            readable: row.scan.last_at.map(|_| row.scan.error.is_none()),
            last_at: row.scan.last_at,
        });
    }
    Ok(summary)
}
