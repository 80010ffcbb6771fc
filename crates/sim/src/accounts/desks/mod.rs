//! The addresses of all providers.

mod models;
mod openrouter;
mod required;
mod services;

use super::desk::Desk;
pub(crate) use required::{NONCE_USED, refuse};

/// The desks of every provider but Factory, whose keys are derived.
pub(crate) fn all() -> impl Iterator<Item = &'static Desk> {
    openrouter::DESKS.iter().chain(required::DESKS).chain(models::DESKS).chain(services::DESKS)
}
