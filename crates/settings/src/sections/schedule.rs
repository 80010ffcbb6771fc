//! Section `market.schedule`.

use crate::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When an IP is crawled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleSettings {
    /// Interval of an IP of weight 1; base_interval / weight for the others.
    #[schemars(extend("x-min" = "1m", "x-max" = "30d"))]
    pub base_interval: Span,
    /// Shortest interval of any IP.
    #[schemars(extend("x-min" = "1m", "x-max" = "30d"))]
    pub min_interval: Span,
    /// Longest interval of any IP, also of one that fails.
    #[schemars(extend("x-min" = "1m", "x-max" = "30d"))]
    pub max_interval: Span,
    /// The next crawl is moved up to a multiple of this; 0 is off.
    #[schemars(extend("x-min" = "0s", "x-max" = "1d"))]
    pub schedule_slot: Span,
    /// How much a busy IP's interval shrinks, and a quiet one's grows, after a crawl.
    #[schemars(extend("x-min" = "0s", "x-max" = "1d"))]
    pub adapt_step: Span,
    /// How much the interval of an IP that is neither moves back towards the base.
    #[schemars(extend("x-min" = "0s", "x-max" = "1d"))]
    pub relax_step: Span,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        Self {
            base_interval: Span::hours(2),
            min_interval: Span::hours(1),
            max_interval: Span::hours(2),
            schedule_slot: Span::minutes(15),
            adapt_step: Span::minutes(15),
            relax_step: Span::minutes(5),
        }
    }
}
