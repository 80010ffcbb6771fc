//! Who may do what: credentials, sessions, tokens, roles, and the gate that every route stands behind.

mod attempts;
mod auth;
mod log_in;
mod password;
mod role;
mod routes;
mod session;
mod token;

pub use auth::{Access, Auth, Credential};
pub use log_in::Features;
pub use password::{PasswordError, PasswordHash};
pub use role::{Admin, Caller, Operator, Reader, Role, Viewer};
pub use routes::{Describe, Entry, Routes, Terms, Who};
pub(crate) use session::NAME as COOKIE;
pub use session::Sessions;
pub use token::Tokens;

pub(crate) use crate::limit::Rate;
pub(crate) use attempts::Attempts;
pub(crate) use log_in::{log_in, log_out, session, token};
pub(crate) use role::Way;
pub(crate) use routes::{Listed, list};
