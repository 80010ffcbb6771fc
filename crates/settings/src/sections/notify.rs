//! Section `notify`.

use crate::Span;
use model::AlertPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How messages are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NotifySettings {
    /// Whether channels may ask for addresses of the own network (allow_private of a channel): a Gotify on the LAN.
    pub allow_private: bool,
    /// Alerts for one channel within this time become one message, unless the channel says otherwise.
    #[schemars(extend("x-min" = "0s", "x-max" = "1h"))]
    pub digest_window: Span,
    /// Tries before a message is given up; it can be sent again by hand.
    #[schemars(range(min = 1, max = 20))]
    pub max_attempts: u32,
    /// Longest time for one try.
    #[schemars(extend("x-min" = "1s", "x-max" = "25s"))]
    pub timeout: Span,
    /// How long a channel is one process's while it sends; when that dies, the channel waits for the end of it.
    #[schemars(extend("x-min" = "30s", "x-max" = "1d"))]
    pub lease: Span,
    /// Where people reach this program, for links in messages; empty is without links.
    #[schemars(extend("format" = "uri", "x-schemes" = ["http", "https"]))]
    pub public_url: String,
    /// An Apprise gateway for channel URLs of services that have no channel here; empty is none.
    #[schemars(extend("format" = "uri", "x-schemes" = ["http", "https"]))]
    pub apprise: String,
    /// Time between two reminders of an alert that still fires, where a watch does not say it itself.
    #[schemars(extend("x-min" = "0s", "x-max" = "365d"))]
    pub cooldown: Span,
    /// Looks in a row that find a condition before people are told, where a watch does not say it itself.
    #[schemars(range(min = 1, max = 1000))]
    pub failure_threshold: u32,
    /// Looks in a row that do not find it before the alert is resolved, where a watch does not say it itself.
    #[schemars(range(min = 1, max = 1000))]
    pub success_threshold: u32,
}

impl NotifySettings {
    /// The part of it that drives the life of an alert.
    pub fn policy(&self) -> AlertPolicy {
        AlertPolicy {
            failure_threshold: self.failure_threshold,
            success_threshold: self.success_threshold,
            cooldown: self.cooldown.duration(),
        }
    }
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            allow_private: false,
            digest_window: Span::seconds(30),
            max_attempts: 8,
            timeout: Span::seconds(20),
            lease: Span::minutes(2),
            public_url: String::new(),
            apprise: String::new(),
            cooldown: Span::days(1),
            failure_threshold: 1,
            success_threshold: 2,
        }
    }
}
