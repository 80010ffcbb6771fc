//! What tests and measurements share: a simulated market as a source of search pages, and a whole product around it.
//! Development only; nothing that is shipped depends on it.

pub mod alarms;
mod bench;
pub mod chaos;
mod dice;
pub mod digest;
mod figures;
pub mod forecast;
pub mod naive;
pub mod scale;
mod source;
pub mod truth;
mod world;

pub use bench::Stopwatch;
pub use dice::Dice;
pub use figures::{Figure, Figures};
pub use source::SimPages;
pub use world::{World, WorldOptions, draft_of};
