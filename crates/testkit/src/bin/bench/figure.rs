//! Numbers out of many measurements.

use std::time::Duration;

/// The `q`-quantile (0–1) of `spans`, in milliseconds; 0 of none.
pub fn quantile(spans: &mut [Duration], q: f64) -> f64 {
    spans.sort_unstable();
    let place = ((spans.len() as f64 - 1.0).max(0.0) * q).round() as usize;
    spans.get(place).map_or(0.0, Duration::as_secs_f64) * 1000.0
}

/// `n` a second over `span`.
pub fn rate(n: u64, span: Duration) -> f64 {
    n as f64 / span.as_secs_f64().max(1e-9)
}
