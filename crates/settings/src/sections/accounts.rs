//! Sections `accounts`, `keys` and `secrets`.

use crate::{Secret, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The account watch: what is left at providers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsSettings {
    /// Whether accounts are watched.
    pub enabled: bool,
    /// Time between two looks at an account that has no interval of its own.
    #[schemars(extend("x-min" = "1m", "x-max" = "30d"))]
    pub interval: Span,
    /// Most accounts looked at the same time.
    #[schemars(range(min = 1, max = 50))]
    pub max_concurrent_checks: u32,
    /// Looks in a row without an answer before people are told that an account cannot be read.
    #[schemars(range(min = 1, max = 1000))]
    pub unreachable_after: u32,
    /// Whether providers may be at addresses of the own network (a LiteLLM or New API on the LAN).
    pub allow_private: bool,
    /// Directory of provider files of one's own; one with the name of a built-in provider takes its place.
    pub providers_dir: PathBuf,
    /// Requests a second to a provider at most, each as `provider: number`; the provider's file says it otherwise.
    pub rates: Vec<String>,
    /// Where providers are asked instead of where they are, each as `provider: URL`: a gateway of one's own, a simulator.
    pub base_urls: Vec<String>,
    /// Accounts kept by configuration; others are kept by API and UI.
    pub list: Vec<AccountSettings>,
}

impl Default for AccountsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Span::hours(1),
            max_concurrent_checks: 20,
            unreachable_after: 3,
            allow_private: false,
            providers_dir: PathBuf::new(),
            rates: Vec::new(),
            base_urls: Vec::new(),
            list: Vec::new(),
        }
    }
}

/// One account kept by configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name", "provider"]))]
pub struct AccountSettings {
    /// Its name, unlike all others.
    #[schemars(length(min = 1, max = 190))]
    pub name: String,
    /// The provider, as `tidewatch providers` lists them.
    #[schemars(length(min = 1, max = 64))]
    pub provider: String,
    /// The secret it is read with.
    pub secret: Secret,
    /// The project or team it belongs to.
    pub group: String,
    /// Free labels.
    pub tags: Vec<String>,
    /// What the provider asks for beside the secret, each as `name: value`.
    pub params: Vec<String>,
    /// When people are told: 100, "remaining < 20 %", "days_left < 7 critical", "expires within 14 days".
    pub thresholds: Vec<String>,
    /// Time between two looks; accounts.interval by default.
    #[schemars(extend("x-min" = "1m", "x-max" = "30d"))]
    pub interval: Option<Span>,
    /// Whether it is kept without being looked at.
    pub paused: bool,
}

/// The pool of keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeysSettings {
    /// Whether keys are looked at.
    pub enabled: bool,
    /// Time between two looks at a key.
    #[schemars(extend("x-min" = "1m", "x-max" = "30d"))]
    pub interval: Span,
    /// Most keys looked at the same time.
    #[schemars(range(min = 1, max = 5000))]
    pub max_workers: u32,
}

impl Default for KeysSettings {
    fn default() -> Self {
        Self { enabled: true, interval: Span::hours(1), max_workers: 100 }
    }
}

/// How secrets are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsSettings {
    /// The key that seals stored secrets, 32 bytes in base64 or hex; without one the first start makes a key and keeps
    /// it in the data directory.
    pub encryption_key: Secret,
    /// File to read the key from; after a rotation older keys follow it, a line each.
    pub encryption_key_file: PathBuf,
}
