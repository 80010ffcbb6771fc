//! Section `server`.

use crate::Network;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where the process listens and keeps its files, and how much a client may ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Address and port of the web UI and the API; an address other than loopback needs a credential.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub listen: SocketAddr,
    /// Directory of the SQLite file, the generated admin key and the encryption key; made when missing.
    #[schemars(length(min = 1))]
    pub data_dir: PathBuf,
    /// Addresses and ranges of the proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<Network>,
    /// How much one client may ask.
    pub rate_limit: RateLimitSettings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            data_dir: PathBuf::from("./tidewatch-data"),
            trusted_proxies: Vec::new(),
            rate_limit: RateLimitSettings::default(),
        }
    }
}

/// Where the requests of a client are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CountersIn {
    /// In Redis if there is one, else in the process.
    #[default]
    Auto,
    /// In the process: each process lets through as much.
    Memory,
    /// In Redis: all processes together.
    Redis,
}

/// How much one client may ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitSettings {
    /// Whether clients are limited at all.
    pub enabled: bool,
    /// Where requests are counted: `auto` is Redis if redis.url is set, else the process.
    pub storage: CountersIn,
    /// Public reads of the market, per client and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub market_per_minute: u32,
    /// Private API use, per client and hour.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub private_per_hour: u32,
    /// Private API use, per client and day.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub private_per_day: u32,
    /// Private API use of somebody who is logged in, per user and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub session_per_minute: u32,
    /// Requests to /api/refresh, per client and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub refresh_per_minute: u32,
    /// Requests to /api/credits, per client and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub credits_per_minute: u32,
    /// Requests to /api/login and /api/token, per address and minute.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub login_per_minute: u32,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            storage: CountersIn::Auto,
            market_per_minute: 600,
            private_per_hour: 100,
            private_per_day: 500,
            session_per_minute: 1_200,
            refresh_per_minute: 5,
            credits_per_minute: 100,
            login_per_minute: 5,
        }
    }
}
