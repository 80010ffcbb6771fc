//! The account watch: what is left at a provider, read with a secret.
//!
//! A [`provider::Provider`] is data: a file that says how to ask and what the answer means. An [`Inquiry`] is one account
//! at it: [`Inquiry::prepare`] makes a request, [`Inquiry::interpret`] a [`Reading`] of the answer, [`Inquiry::step`]
//! says what comes next; all pure. [`fetch::Fetcher`] does the sending.
//!
//! Unknown is never zero: what an answer does not say is `None` or makes it malformed.

mod address;
pub mod amount;
mod conclude;
pub mod document;
pub mod draft;
pub mod fetch;
pub mod forecast;
pub mod formula;
mod inquiry;
mod interpret;
pub mod judge;
pub mod keep;
pub mod keys;
pub mod manual;
mod options;
pub mod provider;
mod reading;
mod redact;
mod request;
pub mod routes;
pub mod schedule;
pub mod signer;
pub mod store;
pub mod threshold;
mod watch;

pub use inquiry::{Answer, Answered, Inquiry, Step};
pub use options::AccountOptions;
pub use reading::{Reading, ReadingStatus, Window};
pub use redact::Redactor;
pub use request::PreparedRequest;
pub use store::MIGRATIONS;
pub use watch::{AccountWatch, Asked, Brief};
