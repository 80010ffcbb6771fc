//! Section `market.alerts`.

use model::AlertPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When people are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsSettings {
    /// high_outflow opens at this many sales in an hour.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub high_outflow: u32,
    /// low_liquidity opens below this liquidity index.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub low_liquidity: f64,
    /// surge opens above this liquidity index.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub surge: f64,
    /// price_drop opens when the day's median sold price fell by this share against the 7-day median.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub price_drop: f64,
    /// Sales that both medians of price_drop need.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub price_drop_min_samples: u32,
    /// stale opens after this many intervals without a good crawl.
    #[schemars(range(min = 1, max = 1000))]
    pub stale_intervals: u32,
    /// Seconds between two reminders of an alert that still fires.
    #[schemars(range(min = 0, max = 31_536_000))]
    pub cooldown_seconds: u64,
    /// Looks in a row that find the condition before people are told.
    #[schemars(range(min = 1, max = 1000))]
    pub failure_threshold: u32,
    /// Looks in a row that do not find it before the alert is resolved.
    #[schemars(range(min = 1, max = 1000))]
    pub success_threshold: u32,
}

impl AlertsSettings {
    /// The part of it that drives the life of an alert.
    pub fn policy(&self) -> AlertPolicy {
        AlertPolicy {
            failure_threshold: self.failure_threshold,
            success_threshold: self.success_threshold,
            cooldown: Duration::from_secs(self.cooldown_seconds),
        }
    }
}

impl Default for AlertsSettings {
    fn default() -> Self {
        Self {
            high_outflow: 50,
            low_liquidity: 0.3,
            surge: 2.0,
            price_drop: 0.30,
            price_drop_min_samples: 10,
            stale_intervals: 3,
            cooldown_seconds: 86_400,
            failure_threshold: 1,
            success_threshold: 2,
        }
    }
}
