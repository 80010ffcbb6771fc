//! What a look at an account means for its alerts. Pure.

use crate::forecast::{Confidence, Forecast};
use crate::options::AccountOptions;
use crate::reading::{Reading, ReadingStatus};
use crate::threshold::{Measure, Threshold};
use model::{AlertPolicy, Condition, Severity, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use store::Wording;

/// The type of the alert that an account cannot be read.
pub const UNREADABLE: &str = "unreadable";
const DAY_MILLIS: f64 = 86_400_000.0;

/// One alert and what this look says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// `low_balance`, `unreadable` …
    pub alert_type: &'static str,
    /// Which of the account's alerts of this type.
    pub window: String,
    /// Whether it holds.
    pub condition: Condition,
    /// How to say it.
    pub wording: Wording,
    /// How often is often enough.
    pub policy: AlertPolicy,
}

/// What a good reading says of every threshold, and that the account can be read.
pub fn judge(
    name: &str,
    thresholds: &[Threshold],
    reading: &Reading,
    forecast: Option<&Forecast>,
    now: Timestamp,
    options: &AccountOptions,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        thresholds.iter().map(|t| judge_one(name, t, reading, forecast, now, options)).collect();
    findings.push(readable(name, options));
    findings
}

fn readable(name: &str, options: &AccountOptions) -> Finding {
    let wording = Wording {
        severity: Severity::Warning,
        title: format!("{name} can be read again"),
        message: String::new(),
        value: None,
    };
    // One good answer is proof enough that it answers.
    let policy = AlertPolicy { success_threshold: 1, ..options.policy };
    Finding { alert_type: UNREADABLE, window: String::new(), condition: Condition::Good, wording, policy }
}

/// What a look without numbers says: nothing of the thresholds, and that the account cannot be read. A refused secret
/// is told at once, silence only after some looks.
pub fn judge_unread(
    name: &str,
    status: ReadingStatus,
    why: &str,
    good_at: Option<Timestamp>,
    options: &AccountOptions,
) -> Finding {
    let refused = matches!(status, ReadingStatus::Unauthorized | ReadingStatus::Forbidden | ReadingStatus::Unsupported);
    let after = if refused { 1 } else { options.unreachable_after };
    let last = good_at.map_or_else(|| "it was never read".to_owned(), |at| format!("last read {at}"));
    let wording = Wording {
        severity: if refused { Severity::Critical } else { Severity::Warning },
        title: format!("{name} cannot be read: {}", status.as_str()),
        message: format!("{why} ({last})"),
        value: None,
    };
    let policy = AlertPolicy { failure_threshold: after.max(1), success_threshold: 1, ..options.policy };
    Finding { alert_type: UNREADABLE, window: String::new(), condition: Condition::Bad, wording, policy }
}

/// That a threshold is gone, so its alert is over.
pub fn removed(name: &str, alert_type: &'static str, options: &AccountOptions) -> Finding {
    let wording = Wording {
        severity: Severity::Info,
        title: format!("{name}: the threshold was removed"),
        message: String::new(),
        value: None,
    };
    let policy = AlertPolicy { success_threshold: 1, ..options.policy };
    Finding { alert_type, window: String::new(), condition: Condition::Good, wording, policy }
}

/// The alert type of this word, among those of thresholds.
pub fn alert_type(word: &str) -> Option<&'static str> {
    let measures = [Measure::Remaining, Measure::Percent, Measure::DaysLeft, Measure::Expires];
    measures.into_iter().map(Measure::alert_type).find(|known| *known == word)
}

fn judge_one(
    name: &str,
    threshold: &Threshold,
    reading: &Reading,
    forecast: Option<&Forecast>,
    now: Timestamp,
    options: &AccountOptions,
) -> Finding {
    let unit = reading.unit.as_deref().unwrap_or_default();
    let below = threshold.below.normalize();
    let (value, title, message) = match threshold.measure {
        Measure::Remaining => {
            let left = reading.remaining;
            let shown = left.map(|left| left.normalize().to_string()).unwrap_or_default();
            (left, format!("{name}: {shown} {unit} left"), format!("remaining {shown} {unit} is below {below} {unit}"))
        }
        Measure::Percent => {
            let left = percent_left(reading);
            let shown = left.map(|left| left.round_dp(1).normalize().to_string()).unwrap_or_default();
            (left, format!("{name}: {shown} % left"), format!("{shown} % of the allowance is left, below {below} %"))
        }
        Measure::DaysLeft => {
            let days = forecast.filter(|f| f.confidence != Confidence::Accumulating).and_then(Forecast::alarm_days);
            let left = days.and_then(Decimal::from_f64_retain).map(|d| d.round_dp(2));
            let shown = left.map(|left| left.round_dp(1).normalize().to_string()).unwrap_or_default();
            let how = forecast.map_or("", |f| f.confidence.as_str());
            let message = format!("lasts {shown} days more at the present burn ({how} confidence), less than {below}");
            (left, format!("{name}: {shown} days left"), message)
        }
        Measure::Expires => {
            let days = reading.expires_at.map(|at| (at.0 - now.0) as f64 / DAY_MILLIS);
            let left = days.and_then(Decimal::from_f64_retain).map(|d| d.round_dp(2));
            let shown = left.map(|left| left.round_dp(1).normalize().to_string()).unwrap_or_default();
            let when = reading.expires_at.map(|at| at.to_string()).unwrap_or_default();
            (left, format!("{name} expires in {shown} days"), format!("expires {when}, within {below} days"))
        }
    };
    let condition = condition(threshold, reading, forecast, value);
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let wording = Wording { severity: threshold.severity, title, message, value: value.and_then(|v| v.to_f64()) };
    Finding {
        alert_type: threshold.measure.alert_type(),
        window: threshold.window(),
        condition,
        wording,
        policy: options.policy,
    }
}

/// What cannot be told is neither good nor bad; that there is no limit is good.
fn condition(
    threshold: &Threshold,
    reading: &Reading,
    forecast: Option<&Forecast>,
    value: Option<Decimal>,
) -> Condition {
    match (threshold.measure, value) {
        (_, Some(value)) if value < threshold.below => Condition::Bad,
        (_, Some(_)) => Condition::Good,
        (Measure::Expires, None) => Condition::Good,
        (_, None) if reading.unlimited => Condition::Good,
        // A forecast that has seen enough and names no day says that it does not run out.
        (Measure::DaysLeft, None) if forecast.is_some_and(|f| f.confidence != Confidence::Accumulating) => {
            Condition::Good
        }
        _ => Condition::Unknown,
    }
}

/// What is left of the whole, in per cent; of several windows the fullest counts.
pub fn percent_left(reading: &Reading) -> Option<Decimal> {
    let of_total = match (reading.remaining, reading.total) {
        (Some(left), Some(total)) if total > Decimal::ZERO => left.checked_div(total),
        _ => None,
    };
    let of_windows = reading.windows.iter().map(|w| Decimal::ONE - w.used_ratio).min();
    let left = match (of_total, of_windows) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b).or_else(|| reading.used_ratio.map(|used| Decimal::ONE - used)),
    };
    left.and_then(|part| part.checked_mul(Decimal::ONE_HUNDRED))
}

#[cfg(test)]
mod tests;
