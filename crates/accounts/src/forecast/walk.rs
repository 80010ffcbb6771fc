//! Running the burn forward.

use super::rate::Burn;

/// Days until `level` is used up, from the last read on; infinite when it does not burn. Whole weeks at the rate, then hour by hour along the shape.
pub(super) fn days(level: f64, burn: &Burn) -> f64 {
    if !(burn.per_day > 0.0 && burn.per_day.is_finite()) {
        return f64::INFINITY;
    }
    let week = 7.0 * burn.per_day;
    let weeks = (level / week).floor();
    let mut left = level - weeks * week;
    let hourly = burn.per_day / 24.0;
    for (d, day) in burn.by_day.iter().enumerate() {
        for (h, hour) in burn.by_hour.iter().enumerate() {
            let here = hourly * day * hour;
            if here > 0.0 && here >= left {
                return weeks * 7.0 + d as f64 + (h as f64 + left / here) / 24.0;
            }
            left -= here;
        }
    }
    weeks * 7.0 + 7.0
}
