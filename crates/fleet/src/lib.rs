//! Several processes that work as one, over Redis: work handed out and brought back ([`Remote`], [`record`], [`work`]),
//! one pace and one count for all ([`Shared`]), what is told going on to the others ([`relay`]), and who is there
//! ([`Roster`]). The database stays the only truth: whatever is lost here costs time (decision 008).

mod error;
mod link;
mod queue;
mod recorder;
mod relay;
mod remote;
mod renewed;
mod roster;
mod shared;
mod taking;
mod worker;

pub use error::FleetError;
pub use link::Link;
pub use queue::{DeadLetter, Entry, Lengths, Queue, Reader};
pub use recorder::{Recorder, record};
pub use relay::relay;
pub use remote::Remote;
pub use roster::{Member, Roster};
pub use shared::Shared;
pub use worker::{Load, Worker, work};
