//! What an operator may set: one struct a section, and the pure [`load`] that makes them of a file, the environment
//! and flags. The structs are the only source: defaults, JSON Schema, checks and `config example` come out of them.

mod example;
mod load;
mod network;
mod schema;
mod secret;
mod sections;
mod show;
mod span;

pub use example::example;
pub use load::{Flag, Loaded, Notice, Origin, Problem, Problems, SourceFile, Sources, load};
pub use network::Network;
pub use schema::json_schema;
pub use secret::{Secret, SecretUrl};
pub use sections::*;
pub use show::Row;
pub use span::Span;
