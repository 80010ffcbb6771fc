//! Section `log`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is written to stderr.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// One line of text or one JSON object per event.
    pub format: LogFormat,
    /// Least severity that is written: off, error, warn, info, debug, trace; also per part, as in info,sqlx=warn.
    #[schemars(extend("format" = "log-level"))]
    pub level: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: "info".into() }
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object per line.
    Json,
}
