//! Section `store`.

use crate::{SecretUrl, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Database URL: sqlite://FILE, mysql://, mariadb:// or postgres://; empty is tidewatch.db in the data directory.
    #[schemars(extend("x-schemes" = ["sqlite", "mysql", "mariadb", "postgres", "postgresql"]))]
    pub url: SecretUrl,
    /// Most connections open at once.
    #[schemars(range(min = 1, max = 1000))]
    pub max_connections: u32,
    /// How long a statement waits for a lock or a free connection before it fails.
    #[schemars(extend("x-min" = "100ms", "x-max" = "5m"))]
    pub busy_timeout: Span,
    /// How long a database server may take over one statement before its connection is given up.
    #[schemars(extend("x-min" = "1s", "x-max" = "1h"))]
    pub statement_timeout: Span,
}

impl Default for StoreSettings {
    fn default() -> Self {
        let (busy_timeout, statement_timeout) = (Span::seconds(5), Span::minutes(1));
        Self { url: SecretUrl::default(), max_connections: 10, busy_timeout, statement_timeout }
    }
}
