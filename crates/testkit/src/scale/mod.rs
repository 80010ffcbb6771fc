//! Several processes over Redis and MariaDB that are killed, starved and cut off; at the end the ledger of the truth.

mod drill;
mod fault;
mod part;
mod run;

pub use drill::{Outcome, Plan, drill};
pub use fault::Fault;
pub use part::{Part, Role, live};

/// What went wrong with a run itself.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
