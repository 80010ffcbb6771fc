//! A length of time as people write it: `15m`, `2h`, `90s`, `1d`, Go's `2h0m0s`, or plain seconds.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What a length of time may look like, as a pattern for editors.
const PATTERN: &str = r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$|^[0-9]+(\.[0-9]+)?$";

/// Units and their nanoseconds, the longest name first so that `ms` is not read as `m`.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// A length of time in the configuration; prints as it is written, in the largest unit that divides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(Duration);

impl Span {
    /// A span of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// A span of whole minutes.
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * 60)
    }

    /// A span of whole hours.
    pub const fn hours(hours: u64) -> Self {
        Self::minutes(hours * 60)
    }

    /// A span of days of 24 hours.
    pub const fn days(days: u64) -> Self {
        Self::hours(days * 24)
    }

    /// The same length for the standard library.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

/// The text is not a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a length of time such as 90s, 15m, 2h or 1d, or plain seconds")]
pub struct BadSpan;

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(BadSpan);
        }
        let mut total = 0_u128;
        while !rest.is_empty() {
            let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let unit_end = rest[number..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |n| number + n);
            let unit = match &rest[number..unit_end] {
                "" if rest.len() == text.trim().len() => 1_000_000_000,
                name => UNITS.iter().find(|(unit, _)| *unit == name).ok_or(BadSpan)?.1,
            };
            total += nanoseconds(&rest[..number], unit)?;
            rest = &rest[unit_end..];
        }
        let nanoseconds = u64::try_from(total).map_err(|_| BadSpan)?;
        Ok(Self(Duration::from_nanos(nanoseconds)))
    }
}

/// `number` units in nanoseconds, exactly: a fraction is cut after what the unit can hold.
fn nanoseconds(number: &str, unit: u64) -> Result<u128, BadSpan> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = whole.parse().map_err(|_| BadSpan)?;
    if fraction.is_empty() || fraction.len() > 9 {
        return Err(BadSpan);
    }
    let digits: u64 = fraction.parse().map_err(|_| BadSpan)?;
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(9));
    Ok(u128::from(whole) * u128::from(unit) + u128::from(digits) * u128::from(unit) / scale)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_nanos();
        if nanoseconds == 0 {
            return f.write_str("0s");
        }
        let (name, unit) =
            UNITS.iter().rev().find(|(_, unit)| nanoseconds.is_multiple_of(u128::from(*unit))).unwrap_or(&UNITS[0]);
        write!(f, "{}{name}", nanoseconds / u128::from(*unit))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as 15m, or seconds")
            }
            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Span, E> {
                Ok(Span::seconds(seconds))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Span {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "format": "span", "pattern": PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling_and_prints_the_short_one() {
        for (text, seconds, printed) in [
            ("15m", 900, "15m"),
            ("90s", 90, "90s"),
            ("2h", 7_200, "2h"),
            ("1d", 86_400, "1d"),
            ("2h0m0s", 7_200, "2h"),
            ("1h30m", 5_400, "90m"),
            ("1.5h", 5_400, "90m"),
            ("300", 300, "5m"),
            ("0", 0, "0s"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span, Span::seconds(seconds), "{text}");
            assert_eq!(span.to_string(), printed, "{text}");
        }
        assert_eq!("250ms".parse::<Span>().unwrap().to_string(), "250ms");
        assert_eq!("1.5".parse::<Span>().unwrap().to_string(), "1500ms");
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", " ", "m", "15 m", "15x", "-3s", "1h30", "1..5h", ".5h", "5.h", "999999999999d", "1.1234567890h"]
        {
            assert_eq!(text.parse::<Span>(), Err(BadSpan), "{text}");
        }
    }
}
