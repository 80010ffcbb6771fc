//! Several processes over Redis and MariaDB that are killed, starved and cut off; at the end the ledger of the truth.

mod drill;
mod part;

pub use drill::{Fault, Outcome, Plan, drill};
pub use part::{Part, Role, live};

/// What went wrong with a run itself.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
