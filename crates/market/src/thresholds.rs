//! Alert thresholds of a single IP, over the general ones.

use crate::options::AlertOptions;
use crate::store::Ip;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Thresholds of one IP; what is not given is as for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "IpThresholds")]
pub struct Thresholds {
    /// Sales in an hour.
    #[schemars(range(min = 0))]
    pub high_outflow: Option<i64>,
    /// Index below.
    #[schemars(range(min = 0.0))]
    pub low_liquidity: Option<f64>,
    /// Index above.
    #[schemars(range(min = 0.0))]
    pub surge: Option<f64>,
    /// Fall of the median, 0.30 = 30 %.
    #[schemars(range(min = 0.0))]
    pub price_drop: Option<f64>,
}

/// The thresholds in force for an IP. A stored text that does not read counts as none given.
pub fn of(ip: &Ip, general: &AlertOptions) -> AlertOptions {
    let own: Thresholds = serde_json::from_str(&ip.thresholds).unwrap_or_default();
    AlertOptions {
        high_outflow: own.high_outflow.unwrap_or(general.high_outflow),
        low_liquidity: own.low_liquidity.unwrap_or(general.low_liquidity),
        surge: own.surge.unwrap_or(general.surge),
        price_drop: own.price_drop.unwrap_or(general.price_drop),
        ..general.clone()
    }
}
