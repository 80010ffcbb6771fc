//! Section `engine`.

use crate::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How due targets are handed out, checked and recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSettings {
    /// Most due targets claimed at once.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_size: u32,
    /// No new batch is claimed while more targets than this wait.
    #[schemars(range(min = 0, max = 100_000))]
    pub backpressure_threshold: u32,
    /// Most targets checked at the same time in this process.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_in_flight: u32,
    /// How long a claimed target belongs to its claimer; after that another may claim it.
    #[schemars(extend("x-min" = "1s", "x-max" = "1d"))]
    pub lease: Span,
    /// Deadline of one check; shorter than the lease.
    #[schemars(extend("x-min" = "1s", "x-max" = "1d"))]
    pub task_timeout: Span,
    /// Failures in a row after which a target is failing.
    #[schemars(range(min = 1, max = 100))]
    pub max_retries: u32,
    /// Pause between two runs of retention.
    #[schemars(extend("x-min" = "1m", "x-max" = "7d"))]
    pub retention_interval: Span,
    /// How long a process that is told to stop waits for its checks before it hands them back.
    #[schemars(extend("x-min" = "0s", "x-max" = "10m"))]
    pub shutdown_grace: Span,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            batch_size: 50,
            backpressure_threshold: 25,
            max_in_flight: 8,
            lease: Span::minutes(15),
            task_timeout: Span::minutes(12),
            max_retries: 3,
            retention_interval: Span::hours(1),
            shutdown_grace: Span::seconds(30),
        }
    }
}
