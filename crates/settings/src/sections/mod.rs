//! The sections of the configuration. The sentence on a field is its documentation in the schema and the example.

mod accounts;
mod alerts;
mod auth;
mod channels;
mod engine;
mod fetching;
mod log;
mod market;
mod notify;
mod redis;
mod schedule;
mod server;
mod store;

pub use accounts::{AccountSettings, AccountsSettings, KeysSettings, SecretsSettings};
pub use alerts::AlertsSettings;
pub use auth::{ApiKeySettings, AuthSettings, JwtSettings, PublicPart, RoleSetting, SessionSettings, UserSettings};
pub use channels::ChannelSettings;
pub use engine::EngineSettings;
pub use fetching::{BreakerSettings, BrowserSettings, ProxySettings, RateSettings};
pub use log::{LogFormat, LogSettings};
pub use market::{Attribution, IpSettings, MarketSettings, RetentionSettings};
pub use notify::NotifySettings;
pub use redis::RedisSettings;
pub use schedule::ScheduleSettings;
pub use server::{CountersIn, RateLimitSettings, ServerSettings};
pub use store::StoreSettings;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Tidewatch configuration")]
pub struct Settings {
    /// Where the process listens and keeps its files, and how much a client may ask.
    pub server: ServerSettings,
    /// The database.
    pub store: StoreSettings,
    /// Redis, for several processes.
    pub redis: RedisSettings,
    /// What is written to stderr.
    pub log: LogSettings,
    /// Who may do what.
    pub auth: AuthSettings,
    /// How due targets are handed out, checked and recorded.
    pub engine: EngineSettings,
    /// The market watch: how goods of an IP (a title, game or character) move through Mercari Japan.
    pub market: MarketSettings,
    /// The account watch: what is left at providers.
    pub accounts: AccountsSettings,
    /// The pool of keys.
    pub keys: KeysSettings,
    /// How secrets are kept.
    pub secrets: SecretsSettings,
    /// How messages about alerts are sent.
    pub notify: NotifySettings,
    /// Channels kept by configuration; others are kept by API and UI.
    pub channels: Vec<ChannelSettings>,
}
