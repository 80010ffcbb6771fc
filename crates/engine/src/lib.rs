//! When to look, exactly once, and let the world know.
//!
//! due → admit → fetch → detect → record → notify → serve: [`scheduler`] claims what is due, [`check`] is one look at
//! one target, [`Watch`] is what a kind of target brings. Admission to an upstream is in [`upstream`].

pub mod breaker;
mod check;
mod engine;
mod error;
mod group;
pub mod http;
mod metrics;
pub mod pace;
pub mod proxy;
mod recent;
mod scheduler;
mod shared_pace;
mod simulate;
mod travel;
pub mod upstream;
mod watch;

pub use check::{Checked, check, deliver, fetch};
pub use engine::{Engine, EngineOptions, News, Registered};
pub use error::FetchError;
pub use group::Group;
pub use metrics::EngineMetrics;
pub use recent::Answers;
pub use scheduler::{housekeep, log, run};
pub use shared_pace::{Asked, SharedPace, Turn};
pub use simulate::{Simulated, simulate};
pub use travel::{Errand, Report, Travels, arrived, errand};
pub use watch::{Event, Recorded, Seen, Watch};
