//! What can go wrong with channels and deliveries.

use crate::channel::ConfigError;
use crate::seal::SealError;
use store::StoreError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The channel as given cannot be used; the text is for the person who gave it.
    #[error("channel: {0}")]
    Config(#[from] ConfigError),
    /// The configuration cannot be sealed or opened.
    #[error("sealing: {0}")]
    Seal(#[from] SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
