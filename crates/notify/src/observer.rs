//! What is counted of sends, by whoever counts.

use std::time::Duration;

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The other side has it.
    Delivered,
    /// Not now; it is tried again, or was tried too often.
    Failed,
    /// Never, as things are.
    Refused,
}

impl Outcome {
    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// Is told of every try of a real send; tests of a channel are not counted. Called from the sending task, so it must
/// not block.
pub trait Observer: Send + Sync + 'static {
    /// One message went, or did not go, to a channel of `kind` in `took` of real time.
    fn tried(&self, kind: &'static str, outcome: Outcome, took: Duration);
}

/// Counts nothing.
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn tried(&self, _: &'static str, _: Outcome, _: Duration) {}
}
