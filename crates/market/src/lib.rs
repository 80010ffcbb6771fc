//! The market watch: how goods of an IP (a franchise) move on Mercari Japan.
//!
//! [`fetch`] reads search pages, [`detect`] says what they mean (pure), [`store`] keeps it, [`MarketWatch`] ties them
//! together for the engine.

pub mod detect;
pub mod fetch;
mod housekeeping;
pub mod import;
pub mod judge;
pub mod leaderboard;
mod message;
mod options;
mod page;
pub mod routes;
pub mod schedule;
pub mod statistics;
pub mod store;
pub mod thresholds;
mod watch;

pub use options::{AlertOptions, Attribution, MarketOptions, RetentionOptions, ScheduleOptions};
pub use store::MIGRATIONS;
pub use watch::MarketWatch;
