//! The day of the market: how active people are in each hour of the JST day.

/// Weight of each hour 00–23 JST; the mean is 1 after division by [`MEAN`].
const WEIGHTS: [i64; 24] =
    [118, 78, 44, 26, 18, 20, 34, 56, 78, 90, 98, 104, 118, 112, 104, 102, 106, 112, 122, 138, 158, 178, 182, 156];

const TOTAL: i64 = {
    let mut sum = 0;
    let mut i = 0;
    while i < 24 {
        sum += WEIGHTS[i];
        i += 1;
    }
    sum
};

const JST: i64 = 9 * 3600;

fn weight_at(second: i64) -> i64 {
    WEIGHTS[((second + JST).rem_euclid(86_400) / 3600) as usize]
}

/// Activity of the hour that holds this epoch second, relative to the day's mean.
pub fn factor(second: i64) -> f64 {
    (weight_at(second) * 24) as f64 / TOTAL as f64
}

/// The epoch second at which `activity` mean-active seconds have passed since `from`: a waiting time that runs fast
/// in the evening and nearly stands still before dawn. A whole day is always 86,400 s.
pub fn advance(from: i64, activity: i64) -> i64 {
    let mut at = from + activity.div_euclid(86_400) * 86_400;
    let mut left = activity.rem_euclid(86_400) * TOTAL;
    loop {
        let weight = weight_at(at) * 24;
        let hour_left = 3600 - at.rem_euclid(3600);
        if left <= weight * hour_left {
            return at + left / weight;
        }
        left -= weight * hour_left;
        at += hour_left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_average_to_one_and_days_are_whole() {
        let mean = (0..24).map(|h| factor(h * 3600)).sum::<f64>() / 24.0;
        assert!((mean - 1.0).abs() < 1e-9);
        assert_eq!(advance(1_000_000, 3 * 86_400), 1_000_000 + 3 * 86_400);
        assert!(factor(22 * 3600 - JST) > 4.0 * factor(4 * 3600 - JST));
    }

    #[test]
    fn advance_never_goes_back() {
        let mut last = 0;
        for activity in 0..2000 {
            let at = advance(500_000, activity * 60);
            assert!(at >= last);
            last = at;
        }
    }
}
