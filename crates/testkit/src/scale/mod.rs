//! Several processes over Redis and MariaDB that are killed, starved and cut off; at the end the ledger of the truth.

mod drill;
mod fault;
mod part;
mod run;
mod soak;

pub use drill::{Outcome, Plan, drill};
pub use fault::Fault;
pub use part::{Part, Role, live};
pub use soak::{Sample, Soak, slope, soak};

/// What went wrong with a run itself.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
