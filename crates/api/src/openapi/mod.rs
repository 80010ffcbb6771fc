//! The description of every route, read off the types of its handler: OpenAPI 3.1.
//!
//! A route cannot be added without it: [`crate::Routes`] takes handlers that are [`Described`], whose parameters are
//! [`Takes`] and whose answer is [`Answers`]. What a type does not say (who may use it, how often) the route's terms do.

mod answers;
mod described;
mod document;
mod query;
mod schemas;
mod sketch;
mod takes;

pub use answers::{Answers, Condition, Created, Exposition, Files, OldEnvelope, Reply, Shaped, Tagged};
pub use described::Described;
pub use document::document;
pub use query::{Declared, Expects, Parameter};
pub use sketch::Sketch;
pub use takes::{BodyOf, InPath, JsonOrCsv, JsonOrText, Optional, Raw, Takes};

/// A line of text: no control characters. The pattern of fields that refuse them.
pub const LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

pub(crate) use document::{Documented, serve};
