//! When an hour, a day or a silence is worth an alert. Pure.

use crate::options::AlertOptions;
use crate::statistics::{PriceStatistics, liquidity_index};
use crate::store::HourRow;
use model::{Condition, Severity};
use store::Wording;

/// An alert type with its finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// `high_outflow`, `low_liquidity`, `surge`, `price_drop`, `stale`.
    pub alert_type: &'static str,
    /// Whether the condition holds.
    pub condition: Condition,
    /// What to say.
    pub wording: Wording,
}

const fn when(bad: bool) -> Condition {
    if bad { Condition::Bad } else { Condition::Good }
}

/// Judges a complete hour. A number that is only a lower bound can confirm that something is high, never that it is low.
pub fn judge_hour(name: &str, hour: &HourRow, options: &AlertOptions) -> [Finding; 3] {
    let (inflow, outflow) = (hour.flow.inflow, hour.flow.outflow);
    let index = liquidity_index(inflow, outflow);
    let at = hour.hour.to_rfc3339_jst();
    let outflow_is_high = outflow >= options.high_outflow;
    let high = if hour.outflow_saturated && !outflow_is_high { Condition::Unknown } else { when(outflow_is_high) };
    let whole = !hour.inflow_saturated && !hour.outflow_saturated;
    let low = index.filter(|_| whole).map_or(Condition::Unknown, |i| when(i < options.low_liquidity));
    let surge = match index.filter(|_| !hour.inflow_saturated) {
        Some(i) if i > options.surge => Condition::Bad,
        Some(_) if !hour.outflow_saturated => Condition::Good,
        _ => Condition::Unknown,
    };
    let shown = index.map_or_else(|| "unknown".to_owned(), |i| format!("{i:.2}"));
    [
        Finding {
            alert_type: "high_outflow",
            condition: high,
            wording: Wording {
                severity: Severity::Warning,
                title: format!("{name}: {outflow} sold in an hour"),
                message: format!(
                    "{outflow} listings were bought in the hour from {at}; the threshold is {}.",
                    options.high_outflow
                ),
                value: Some(outflow as f64),
            },
        },
        Finding {
            alert_type: "low_liquidity",
            condition: low,
            wording: Wording {
                severity: Severity::Info,
                title: format!("{name}: liquidity index {shown}"),
                message: format!(
                    "{outflow} bought against {inflow} listed in the hour from {at}: {shown}, below {}.",
                    options.low_liquidity
                ),
                value: index,
            },
        },
        Finding {
            alert_type: "surge",
            condition: surge,
            wording: Wording {
                severity: Severity::Critical,
                title: format!("{name}: liquidity index {shown}"),
                message: format!(
                    "{outflow} bought against {inflow} listed in the hour from {at}: {shown}, above {}.",
                    options.surge
                ),
                value: index,
            },
        },
    ]
}

/// Judges a day's median sold price against that of the seven days before.
pub fn judge_prices(name: &str, day: &PriceStatistics, week: &PriceStatistics, options: &AlertOptions) -> Finding {
    let enough = day.samples.min(week.samples) >= options.price_drop_min_samples;
    let fall = match (day.median, week.median) {
        (Some(day), Some(week)) if enough && week > 0.0 => Some(1.0 - day / week),
        _ => None,
    };
    Finding {
        alert_type: "price_drop",
        condition: fall.map_or(Condition::Unknown, |f| when(f >= options.price_drop)),
        wording: Wording {
            severity: Severity::Warning,
            title: format!("{name}: sold prices fell"),
            message: format!(
                "median of the day {} JPY ({} sales) against {} JPY ({} sales) in the 7 days before.",
                day.median.unwrap_or_default(),
                day.samples,
                week.median.unwrap_or_default(),
                week.samples
            ),
            value: fall,
        },
    }
}

/// Judges how long an IP has had no successful crawl, in intervals.
pub fn judge_silence(name: &str, intervals: f64, last_error: &str, options: &AlertOptions) -> Finding {
    let why = if last_error.is_empty() { String::new() } else { format!(" Last error: {last_error}") };
    Finding {
        alert_type: "stale",
        condition: when(intervals >= f64::from(options.stale_intervals)),
        wording: Wording {
            severity: Severity::Warning,
            title: format!("{name}: numbers are stale"),
            message: format!("no successful crawl for {intervals:.1} intervals.{why}"),
            value: Some(intervals),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::HourFlow;
    use model::Timestamp;

    fn hour(inflow: i64, outflow: i64, inflow_saturated: bool, outflow_saturated: bool) -> HourRow {
        HourRow {
            hour: Timestamp(0),
            flow: HourFlow { inflow, outflow, ..HourFlow::default() },
            inflow_saturated,
            outflow_saturated,
            active_count: None,
            prices: PriceStatistics::default(),
            min_item: None,
            max_item: None,
        }
    }

    fn conditions(hour: &HourRow) -> [Condition; 3] {
        judge_hour("x", hour, &AlertOptions::default()).map(|f| f.condition)
    }

    #[test]
    fn whole_hours_are_judged_both_ways() {
        use Condition::{Bad, Good, Unknown};
        assert_eq!(conditions(&hour(10, 50, false, false)), [Bad, Good, Bad]);
        assert_eq!(conditions(&hour(10, 2, false, false)), [Good, Bad, Good]);
        assert_eq!(conditions(&hour(0, 9, false, false)), [Good, Unknown, Unknown]);
    }

    #[test]
    fn a_lower_bound_confirms_highs_only() {
        use Condition::{Bad, Unknown};
        assert_eq!(conditions(&hour(10, 60, false, true)), [Bad, Unknown, Bad]);
        assert_eq!(conditions(&hour(10, 2, false, true)), [Unknown, Unknown, Unknown]);
        assert_eq!(conditions(&hour(10, 60, true, false)), [Bad, Unknown, Unknown]);
    }

    #[test]
    fn a_price_drop_needs_enough_sales_on_both_sides() {
        let day = |median, samples| PriceStatistics { samples, median: Some(median), ..PriceStatistics::default() };
        let o = AlertOptions::default();
        assert_eq!(judge_prices("x", &day(700.0, 10), &day(1000.0, 10), &o).condition, Condition::Bad);
        assert_eq!(judge_prices("x", &day(701.0, 10), &day(1000.0, 10), &o).condition, Condition::Good);
        assert_eq!(judge_prices("x", &day(100.0, 9), &day(1000.0, 10), &o).condition, Condition::Unknown);
    }
}
