//! Several processes over Redis and MariaDB that are killed, starved and cut off; at the end the ledger of the truth.

mod drill;
mod fault;
mod part;
mod run;
mod soak;

pub use drill::{Outcome, Plan, drill};
pub use fault::Fault;
pub use part::{Part, Role, child};
pub use soak::{Sample, Soak, slope, soak};

/// What went wrong with a run itself.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a variable of the environment says, or what it is without one. An error names the variable and what it holds.
pub fn setting<T: std::str::FromStr>(name: &str, default: T) -> Result<T, Failure> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name}={text}: not a number").into()),
        Err(_) => Ok(default),
    }
}
