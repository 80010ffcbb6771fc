//! Section `redis`.

use crate::{Secret, SecretUrl, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Redis, which several processes share: work handed out, one pace, limits, wake-ups. Needed by workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisSettings {
    /// Redis URL: redis://[:PASSWORD@]HOST:PORT/DB, or rediss:// for TLS; empty is a single process without Redis.
    #[schemars(extend("x-schemes" = ["redis", "rediss"]))]
    pub url: SecretUrl,
    /// Its password, if the URL has none.
    pub password: Secret,
    /// After so long without a sign of life, work that was taken is taken by another.
    #[schemars(extend("x-min" = "5s", "x-max" = "15m"))]
    pub orphan_after: Span,
    /// Work that was taken so often without an end goes to the dead letters.
    #[schemars(range(min = 1, max = 100))]
    pub max_deliveries: u32,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            url: SecretUrl::default(),
            password: Secret::default(),
            orphan_after: Span::seconds(60),
            max_deliveries: 3,
        }
    }
}
