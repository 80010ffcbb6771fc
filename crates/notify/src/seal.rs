//! Keeping a channel's secrets from whoever reads the database file.

/// Seals and opens a text; the key is the sealer's own.
pub trait Sealer: Send + Sync + 'static {
    /// The text as it may be stored.
    fn seal(&self, text: &str) -> Result<String, SealError>;
    /// The text that was sealed.
    fn open(&self, sealed: &str) -> Result<String, SealError>;
}

/// A text cannot be sealed or opened; says why without the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SealError(pub String);

impl Sealer for store::Keyring {
    fn seal(&self, text: &str) -> Result<String, SealError> {
        store::Keyring::seal(self, text).map_err(|e| SealError(e.0))
    }

    fn open(&self, sealed: &str) -> Result<String, SealError> {
        store::Keyring::open(self, sealed).map_err(|e| SealError(e.0))
    }
}

/// Stores what it is given, for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unsealed;

impl Sealer for Unsealed {
    fn seal(&self, text: &str) -> Result<String, SealError> {
        Ok(text.to_owned())
    }

    fn open(&self, sealed: &str) -> Result<String, SealError> {
        Ok(sealed.to_owned())
    }
}
