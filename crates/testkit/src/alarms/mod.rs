//! No alert lost or doubled: the whole program between simulated providers and a receiver that fails half the time,
//! killed over and over; afterwards the database is held against what the receiver took and what the providers had.

mod compare;
mod drill;
mod process;
mod receiver;
mod rows;
mod scene;

pub use compare::{Kill, Told, told};
pub use drill::{Outcome, Plan, drill};
pub(crate) use receiver::Receiver;
pub use receiver::{Fate, Post};
pub use rows::{Lives, Notice};
pub(crate) use rows::{Slack, lives, notices, unsent, waiting};
pub use scene::{Pace, Scene, live};
pub(crate) use scene::{accounts, tell, watch};

/// What a run may fail with.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
