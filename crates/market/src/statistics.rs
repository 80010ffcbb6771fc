//! Numbers over sets of sales, and the two scores. Pure.

/// Statistics of sold prices in JPY.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PriceStatistics {
    /// How many sales had a price.
    pub samples: usize,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Middle value; the mean of the two middle ones for an even number.
    pub median: Option<f64>,
    /// Cheapest.
    pub min: Option<i64>,
    /// Dearest.
    pub max: Option<i64>,
    /// Population standard deviation.
    pub stddev: Option<f64>,
}

/// Statistics over all `prices`, in any order; all `None` when there are none.
pub fn price_statistics(prices: &mut [i64]) -> PriceStatistics {
    prices.sort_unstable();
    let (Some(&min), Some(&max)) = (prices.first(), prices.last()) else { return PriceStatistics::default() };
    let n = prices.len() as f64;
    let mean = prices.iter().map(|&p| p as f64).sum::<f64>() / n;
    let variance = prices.iter().map(|&p| (p as f64 - mean).powi(2)).sum::<f64>() / n;
    PriceStatistics {
        samples: prices.len(),
        mean: Some(mean),
        median: Some(median_of_sorted(prices)),
        min: Some(min),
        max: Some(max),
        stddev: Some(variance.sqrt()),
    }
}

fn median_of_sorted(sorted: &[i64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle] as f64
    } else {
        (sorted[middle - 1] as f64 + sorted[middle] as f64) / 2.0
    }
}

/// Outflow / inflow; `None` when inflow is 0.
pub fn liquidity_index(inflow: i64, outflow: i64) -> Option<f64> {
    (inflow > 0).then(|| outflow as f64 / inflow as f64)
}

/// (outflow + 1) / (inflow + 1) × ln(outflow + 1).
pub fn hot_score(inflow: i64, outflow: i64) -> f64 {
    let (i, o) = (inflow.max(0) as f64 + 1.0, outflow.max(0) as f64 + 1.0);
    o / i * o.ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_set_has_no_statistics() {
        assert_eq!(price_statistics(&mut []), PriceStatistics::default());
    }

    #[test]
    fn known_numbers() {
        let s = price_statistics(&mut [700, 300, 500, 900]);
        assert_eq!((s.samples, s.min, s.max), (4, Some(300), Some(900)));
        assert_eq!((s.mean, s.median), (Some(600.0), Some(600.0)));
        assert!((s.stddev.unwrap() - 50_000_f64.sqrt()).abs() < 1e-9);
        assert_eq!(price_statistics(&mut [5, 1, 9]).median, Some(5.0));
    }

    #[test]
    fn scores_of_the_definition() {
        assert_eq!(liquidity_index(0, 9), None);
        assert_eq!(liquidity_index(30, 155), Some(155.0 / 30.0));
        assert_eq!(hot_score(0, 0), 0.0);
        assert!((hot_score(355, 28) - 29.0 / 356.0 * 29_f64.ln()).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn bounds_hold(mut prices in prop::collection::vec(300i64..400_000, 1..200)) {
            let s = price_statistics(&mut prices);
            let (min, max) = (s.min.unwrap() as f64, s.max.unwrap() as f64);
            prop_assert!(min <= s.median.unwrap() && s.median.unwrap() <= max);
            prop_assert!(min <= s.mean.unwrap() + 1e-6 && s.mean.unwrap() <= max + 1e-6);
            prop_assert!(s.stddev.unwrap() <= max - min + 1e-6);
        }
    }
}
