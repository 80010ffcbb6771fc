//! The whole product on a simulated market and simulated providers: two days of history made in seconds, then life over HTTP, faster than real.

mod clock;
mod furnish;
mod history;
mod ips;
pub mod marker;
mod pages;
mod providers;
mod replay;

pub use clock::DemoClock;
pub use history::History;
pub use ips::{ips_of, keywords};
pub use pages::MarketPages;
pub use providers::Providers;
pub use replay::{Recorded, Replayed};
