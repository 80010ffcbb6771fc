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
pub mod fetch;
pub mod formula;
mod inquiry;
mod interpret;
pub mod manual;
pub mod provider;
mod reading;
mod redact;
mod request;
pub mod signer;

pub use inquiry::{Answer, Answered, Inquiry, Step};
pub use reading::{Reading, ReadingStatus, Window};
pub use redact::Redactor;
pub use request::PreparedRequest;
