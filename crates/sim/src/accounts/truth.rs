//! What is true about an account, for tests and benchmarks only.

use super::Amount;
use super::plan::Plan;
use serde::Serialize;

/// What is true about an account at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// Whether the secret is accepted; everything else is empty otherwise.
    pub accepted: bool,
    /// What is left; none without a limit, and where there are windows only.
    pub remaining: Option<Amount>,
    /// What was paid or allowed in all, where the provider can tell.
    pub total: Option<Amount>,
    /// What was used of it, where the provider can tell.
    pub used: Option<Amount>,
    /// Currency, or what is counted.
    pub unit: &'static str,
    /// Whether there is no limit.
    pub unlimited: bool,
    /// Begin and end of the period, epoch ms.
    pub period_ms: Option<(i64, i64)>,
    /// The windows of rate limits.
    pub windows: Vec<WindowTruth>,
    /// The organisation whose allowance it is.
    pub org: Option<String>,
    /// The first instant from now on at which nothing is left, epoch ms; none when a top-up or a new period comes before.
    pub empties_at_ms: Option<i64>,
}

/// What is true about one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WindowTruth {
    /// five_hour, weekly or monthly.
    pub name: &'static str,
    /// What is used, in whole percent, 100 at most.
    pub used_percent: u8,
    /// When it begins anew, epoch ms.
    pub resets_at_ms: i64,
}

impl Truth {
    /// Of a secret that is not accepted.
    pub(crate) fn refused() -> Truth {
        Truth {
            accepted: false,
            remaining: None,
            total: None,
            used: None,
            unit: "",
            unlimited: false,
            period_ms: None,
            windows: Vec::new(),
            org: None,
            empties_at_ms: None,
        }
    }

    pub(crate) fn of(plan: &Plan, seed: u64, at_ms: i64, unit: &'static str, places: u8) -> Truth {
        let level = plan.level(seed, at_ms, places);
        Truth {
            accepted: true,
            remaining: level.remaining,
            total: level.total,
            used: Some(level.used),
            unit,
            unlimited: level.remaining.is_none(),
            period_ms: level.period,
            empties_at_ms: plan.empties_at(seed, at_ms, places),
            ..Truth::refused()
        }
    }
}
