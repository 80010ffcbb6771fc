//! Section `auth`.

use crate::{Secret, Span};
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
    /// People who log in with a name and a password.
    pub users: Vec<UserSettings>,
    /// Keys for programs, beside the admin key.
    pub api_keys: Vec<ApiKeySettings>,
    /// Tokens that POST /api/token gives to users.
    pub jwt: JwtSettings,
    /// Sessions of people who logged in.
    pub session: SessionSettings,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            admin_key: Secret::default(),
            admin_key_file: PathBuf::new(),
            public: vec![PublicPart::Market],
            users: Vec::new(),
            api_keys: Vec::new(),
            jwt: JwtSettings::default(),
            session: SessionSettings::default(),
        }
    }
}

/// A part that may be read without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PublicPart {
    /// The market's GET routes and pages.
    Market,
}

/// What somebody may do; each may what those before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleSetting {
    /// Sees everything but secrets.
    #[default]
    Viewer,
    /// Does the daily work: accounts, keys, reminders, alerts, IPs.
    Operator,
    /// Everything.
    Admin,
}

/// Somebody who logs in with a name and a password; one of the three ways to give it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub struct UserSettings {
    /// The name, unlike all others.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// The password's argon2id hash, as `tidewatch hash-password` prints it.
    pub password_hash: Secret,
    /// File that holds the hash, or the password.
    pub password_file: PathBuf,
    /// The password itself.
    pub password: Secret,
    /// What they may do.
    pub role: RoleSetting,
}

/// A key for programs; in `key` or in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub struct ApiKeySettings {
    /// The name it has in the audit log, unlike all others.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// The key, or sha256: and its hash in hex.
    pub key: Secret,
    /// File that holds the key or its hash.
    pub key_file: PathBuf,
    /// What it may do.
    pub role: RoleSetting,
}

/// Tokens that POST /api/token gives to users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JwtSettings {
    /// Whether there are any.
    pub enabled: bool,
    /// What they are signed with (HS256), at least 32 characters; without one the first start makes one and keeps it in
    /// the data directory.
    pub secret: Secret,
    /// File to read it from.
    pub secret_file: PathBuf,
    /// How long a token is good.
    #[schemars(extend("x-min" = "1m", "x-max" = "365d"))]
    pub lifetime: Span,
}

impl Default for JwtSettings {
    fn default() -> Self {
        Self { enabled: true, secret: Secret::default(), secret_file: PathBuf::new(), lifetime: Span::days(1) }
    }
}

/// Sessions of people who logged in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// How long a log-in is good.
    #[schemars(extend("x-min" = "1m", "x-max" = "90d"))]
    pub lifetime: Span,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { lifetime: Span::days(1) }
    }
}
