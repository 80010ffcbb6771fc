//! Why a fetch gave nothing, said as what happens next.

use std::time::Duration;

/// A fetch that gave no observation. The last good numbers stay; the variant says when to look again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Worth another try soon: connection, time-out, 5xx.
    #[error("{0}")]
    Transient(String),
    /// The upstream asked for a pause; `retry_after` is what it said, if it said anything (429, 503).
    #[error("limited by the upstream: {message}")]
    Limited {
        /// The upstream's own words for how long.
        retry_after: Option<Duration>,
        /// What was answered.
        message: String,
    },
    /// The upstream shut us out (challenge page, 403 HTML): a long pause, and another way in.
    #[error("blocked by the upstream: {0}")]
    Blocked(String),
    /// Our request or credential was refused; trying again changes nothing.
    #[error("refused by the upstream: {0}")]
    Rejected(String),
    /// The answer could not be understood, so nothing of it is believed.
    #[error("answer not understood: {0}")]
    Malformed(String),
    /// Not tried: the limiter or the breaker says not now. No attempt was made and none is counted.
    #[error("postponed for {0:?}")]
    Postponed(Duration),
}

impl FetchError {
    /// The class in metrics and logs, a closed set.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Transient(_) => "transient",
            Self::Limited { .. } => "limited",
            Self::Blocked(_) => "blocked",
            Self::Rejected(_) => "rejected",
            Self::Malformed(_) => "malformed",
            Self::Postponed(_) => "postponed",
        }
    }
}
