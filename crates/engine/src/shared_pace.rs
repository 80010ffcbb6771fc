//! One pace for all processes that ask an upstream.

use async_trait::async_trait;
use std::time::Duration;

/// What a request is told. Spans are real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It goes after so long; the slot is taken.
    In(Duration),
    /// Its turn would come later than it wants to wait, or all hold off for so long; no slot was taken.
    TooFar(Duration),
}

/// How a request wants to go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// Between two requests.
    pub interval: Duration,
    /// Requests at once after a pause.
    pub burst: u32,
    /// Added to its instant, and taken out of the budget.
    pub jitter: Duration,
    /// The longest it waits.
    pub max_wait: Duration,
}

/// Slots of an upstream, kept where all processes see them.
#[async_trait]
pub trait SharedPace: Send + Sync {
    /// Takes the next slot. `None` when what is shared cannot be reached: then the process keeps to its own pace.
    async fn reserve(&self, upstream: &str, asked: Asked) -> Option<Turn>;

    /// Nobody asks the upstream for so long. Best effort.
    async fn hold_off(&self, upstream: &str, wait: Duration);
}
