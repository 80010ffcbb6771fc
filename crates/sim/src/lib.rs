//! Truthful stand-ins. For Mercari Japan's web API: a market that is a pure function of (seed, profiles, time), the
//! answers Mercari would give about it over HTTP, faults on demand, and a ledger of what really happened. For account
//! providers: [`accounts`]. For receivers of messages: [`sinks`].

pub mod accounts;
mod answer;
mod book;
mod control;
mod diurnal;
pub mod dpop;
pub mod faults;
mod ids;
mod item;
mod ledger;
mod legacy;
mod life;
mod market;
pub mod profiles;
pub mod replay;
mod request;
mod rng;
mod row;
mod search;
mod server;
pub mod sinks;
mod spoil;
mod web;
mod wire;

pub use item::{Change, ItemTruth, Kind, NO_PRICE, State, What};
pub use ledger::{LedgerHour, SoldDepth, VANISH_HOURS, Vanished};
pub use market::{Behaviour, Market, MarketConfig, Purchase, Quirks};
pub use profiles::Profile;
pub use row::{Auction, Row};
pub use search::{MAX_FOUND, SearchPage, SearchQuery, Sort};
pub use server::{Clock, Counters, RunningSim, SimConfig, SimError, SimServer};
pub use web::SearchPageStyle;
pub use wire::{Shape, item_status};
