//! What is watched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A target's number in the store.
pub type TargetId = i64;

/// Which watch a target belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WatchKind {
    /// An IP on a marketplace.
    Market,
    /// A balance at a provider.
    Account,
    /// A key of the pool: an account too, looked at in its own lane so that neither starves the other.
    Key,
    /// A renewal that is due by the calendar.
    Subscription,
    /// A mailbox with bills.
    Mailbox,
}

impl WatchKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Market, Self::Account, Self::Key, Self::Subscription, Self::Mailbox];

    /// The word in tables, JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Account => "account",
            Self::Key => "key",
            Self::Subscription => "subscription",
            Self::Mailbox => "mailbox",
        }
    }

    /// Reads what [`WatchKind::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Market, Self::Account, Self::Key, Self::Subscription, Self::Mailbox]
            .into_iter()
            .find(|k| k.as_str() == text)
    }
}

/// Whether a target is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    /// Scheduled.
    Active,
    /// Kept, not scheduled.
    Paused,
    /// Gone for the user; its rows stay.
    Deleted,
}

impl TargetState {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Deleted => "deleted",
        }
    }

    /// Reads what [`TargetState::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::Deleted].into_iter().find(|s| s.as_str() == text)
    }
}
