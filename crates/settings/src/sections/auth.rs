//! Section `auth`.

use crate::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who may do what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// The admin key; without one the first start makes a key, prints it once and keeps it in the data directory.
    pub admin_key: Secret,
    /// File to read the admin key from, instead of writing it here.
    pub admin_key_file: PathBuf,
    /// Parts whose reads need no credential; may be empty.
    pub public: Vec<PublicPart>,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { admin_key: Secret::default(), admin_key_file: PathBuf::new(), public: vec![PublicPart::Market] }
    }
}

/// A part that may be read without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PublicPart {
    /// The market's GET routes and pages.
    Market,
}
