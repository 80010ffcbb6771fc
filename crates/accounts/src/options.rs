//! How accounts and keys are watched.

use model::AlertPolicy;
use std::time::Duration;

/// All settings of the account watch.
#[derive(Clone, Debug)]
pub struct AccountOptions {
    /// Time between two looks at an account that has no interval of its own.
    pub interval: Duration,
    /// Time between two looks at a key of the pool.
    pub key_interval: Duration,
    /// Balances looked at the same time.
    pub max_concurrent_checks: usize,
    /// Keys looked at the same time.
    pub max_workers: usize,
    /// Looks in a row without an answer before people are told that an account cannot be read.
    pub unreachable_after: u32,
    /// How often is often enough to tell people of a threshold.
    pub policy: AlertPolicy,
    /// How long single readings are kept.
    pub raw: Duration,
    /// How long one reading an hour is kept; one a day is kept for good.
    pub hourly: Duration,
}

impl Default for AccountOptions {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            interval: Duration::from_secs(3600),
            key_interval: Duration::from_secs(3600),
            max_concurrent_checks: 20,
            max_workers: 100,
            unreachable_after: 3,
            policy: AlertPolicy::default(),
            raw: Duration::from_secs(30 * DAY),
            hourly: Duration::from_secs(365 * DAY),
        }
    }
}
