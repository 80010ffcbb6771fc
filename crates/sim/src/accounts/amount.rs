//! Exact amounts: whole millionths, so that what is rendered is what is true.

use serde::{Serialize, Serializer};
use std::fmt::{self, Display, Formatter, Write};

const PLACES: u8 = 6;

/// An amount in millionths of its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// So many units.
    pub const fn whole(units: i64) -> Amount {
        Amount(units * 1_000_000)
    }

    /// So many millionths of a unit.
    pub const fn micros(micros: i64) -> Amount {
        Amount(micros)
    }

    /// In millionths of the unit.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    pub(crate) fn wide(self) -> i128 {
        i128::from(self.0)
    }

    pub(crate) fn narrow(micros: i128) -> Amount {
        Amount(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Rounded down to so many decimal places (6 at most).
    pub fn floor(self, places: u8) -> Amount {
        let quantum = 10_i64.pow(u32::from(PLACES - places.min(PLACES)));
        Amount(self.0.div_euclid(quantum) * quantum)
    }

    /// Writes `factor` times the amount with so many decimal places (6 at most, the rest cut off).
    pub(crate) fn write(self, out: &mut String, factor: i64, places: u8, grouped: bool) {
        let value = self.wide() * i128::from(factor);
        let places = places.min(PLACES);
        let digits = value.unsigned_abs() / 10_u128.pow(u32::from(PLACES - places));
        let unit = 10_u128.pow(u32::from(places));
        if value < 0 && digits > 0 {
            out.push('-');
        }
        if grouped {
            group(out, digits / unit)
        } else {
            _ = write!(out, "{}", digits / unit)
        }
        if places > 0 {
            _ = write!(out, ".{:0width$}", digits % unit, width = usize::from(places));
        }
    }
}

fn group(out: &mut String, number: u128) {
    if number < 1_000 {
        _ = write!(out, "{number}");
    } else {
        group(out, number / 1_000);
        _ = write!(out, ",{:03}", number % 1_000);
    }
}

impl Display for Amount {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text, 1, PLACES, false);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_exactly() {
        let text = |micros, factor, places, grouped| {
            let mut out = String::new();
            Amount::micros(micros).write(&mut out, factor, places, grouped);
            out
        };
        assert_eq!(text(1_234_560_000, 1, 2, true), "1,234.56");
        assert_eq!(text(-11_190_000, 1, 2, false), "-11.19");
        assert_eq!(text(-11_190_000, -100, 0, false), "1119");
        assert_eq!(text(-1, 1, 2, false), "0.00");
        assert_eq!(text(1_000_005_000_000, 1, 0, true), "1,000,005");
        for (micros, shown) in
            [(12_500_000, "12.5"), (-750_000, "-0.75"), (0, "0"), (100_000_000, "100"), (1, "0.000001")]
        {
            assert_eq!(Amount::micros(micros).to_string(), shown);
        }
        assert_eq!(Amount::micros(-1).floor(2), Amount::micros(-10_000));
    }
}
