//! The fetching side of the market watch: two streams of search pages of Mercari Japan, and what they mean as rows.

pub mod browser;
pub mod client;
pub mod dpop;
mod either;
mod mode;
mod observer;
mod scalar;
mod slip;
pub mod stream;
pub mod wire;

pub use browser::{Browser, BrowserOptions};
pub use client::{Entropy, MercariClient, MercariSettings, ProxyUse, SearchRequest, Statuses};
pub use either::EitherWay;
pub use mode::TakeOver;
pub use observer::{NoObserver, Observer};
pub use stream::{Brief, Crawl, Known, SearchPages, Stream, StreamEnd, crawl};
pub use wire::{Page, Row, RowKind, RowStatus, SkippedRow, parse_page};
