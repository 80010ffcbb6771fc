//! Why Redis was of no use.

use redis::{ErrorKind, RedisError};

/// What went wrong with Redis; never with its URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetError {
    /// It does not answer, or not in time.
    #[error("Redis does not answer: {0}")]
    Unreachable(String),
    /// It answered with a refusal.
    #[error("Redis refused: {0}")]
    Refused(String),
    /// The settings cannot be used.
    #[error("{0}")]
    Unusable(String),
}

impl From<RedisError> for FleetError {
    fn from(e: RedisError) -> Self {
        let is_answer =
            e.kind() == ErrorKind::AuthenticationFailed || (e.code().is_some() && !e.is_connection_dropped());
        if is_answer { Self::Refused(e.to_string()) } else { Self::Unreachable(e.to_string()) }
    }
}
