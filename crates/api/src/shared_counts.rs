//! Counts that all processes share, so that a client has one allowance and a guesser one wait, whoever answers.

use async_trait::async_trait;
use std::time::Duration;

/// What one request left of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Until the allowance is whole.
    pub whole_in: Duration,
    /// Until the next request is let through, when this one is not.
    pub over: Option<Duration>,
}

/// How failed log-ins make the next one wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guessing {
    /// Failures that cost nothing.
    pub free: u32,
    /// The first wait; each failure after it doubles the next.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// After so long without a failure all is forgotten.
    pub forget: Duration,
}

/// Where all processes count. `None` when it cannot be reached: then each counts for itself.
#[async_trait]
pub trait SharedCounts: Send + Sync + 'static {
    /// Takes one request out of the allowance `key` of `limit` in `span` (GCRA).
    async fn ask(&self, key: &str, limit: u32, span: Duration) -> Option<Counted>;

    /// Counts a log-in for its address and its account as failed, or says how long to wait before one is let through.
    async fn begin(&self, address: &str, account: &str, rule: Guessing) -> Option<Result<(), Duration>>;

    /// That log-in was right: the account begins anew, the address takes this one back.
    async fn succeeded(&self, address: &str, account: &str);
}
