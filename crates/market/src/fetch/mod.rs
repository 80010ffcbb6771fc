//! The fetching side of the market watch: two streams of search pages of Mercari Japan, and what they mean as rows.

pub mod client;
pub mod dpop;
mod scalar;
pub mod stream;
pub mod wire;

pub use client::{Entropy, MercariClient, MercariSettings, NoObserver, Observer, ProxyUse, SearchRequest, Statuses};
pub use stream::{Brief, Crawl, Known, SearchPages, Stream, StreamEnd, crawl};
pub use wire::{Page, Row, RowKind, RowStatus, SkippedRow, parse_page};
