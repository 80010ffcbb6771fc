//! How many days before a renewal people are told.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// The days before a renewal on which it is told of, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// From so many days before on, every day.
    From(u16),
    /// On each of these days, largest first.
    On(Vec<u16>),
}

/// The most days before a renewal that can be asked for: two years.
const MOST: u16 = 731;
/// The longest list.
const LONGEST: usize = 32;

impl Default for Ahead {
    /// Three days before, and every day from then on.
    fn default() -> Self {
        Self::From(3)
    }
}

impl Ahead {
    /// Reads `3` or `7,3,1,0`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.trim().parse::<u16>().map_err(|_| wrong());
        if text.contains(',') {
            return Self::on(text.split(',').filter(|p| !p.trim().is_empty()).map(number).collect::<Result<_, _>>()?);
        }
        Self::from_day(number(text)?)
    }

    fn from_day(day: u16) -> Result<Self, String> {
        if day > MOST { Err(wrong()) } else { Ok(Self::From(day)) }
    }

    fn on(mut days: Vec<u16>) -> Result<Self, String> {
        days.sort_unstable_by(|a, b| b.cmp(a));
        days.dedup();
        if days.is_empty() || days.len() > LONGEST || days[0] > MOST { Err(wrong()) } else { Ok(Self::On(days)) }
    }

    /// The earliest day.
    pub fn most(&self) -> u16 {
        match self {
            Self::From(day) => *day,
            Self::On(days) => days.first().copied().unwrap_or(0),
        }
    }

    /// The reminder that is in force `days` before the renewal: the last one whose day has come. `None` before the
    /// first one and after the renewal.
    pub fn due(&self, days: i64) -> Option<u16> {
        let days = u16::try_from(days).ok()?;
        match self {
            Self::From(first) => (days <= *first).then_some(days),
            Self::On(list) => list.iter().copied().filter(|d| *d >= days).min(),
        }
    }

    /// The next day on which something is told, strictly less than `days` before the renewal.
    pub fn following(&self, days: i64) -> Option<u16> {
        match self {
            Self::From(first) => u16::try_from((days - 1).min(i64::from(*first))).ok(),
            Self::On(list) => list.iter().copied().find(|d| i64::from(*d) < days),
        }
    }
}

fn wrong() -> String {
    format!("alert_days_before must be a number of days or a list such as 7,3,1,0, each 0..{MOST}")
}

impl fmt::Display for Ahead {
    /// A list of one ends with a comma, so that it is read back as a list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(day) => write!(f, "{day}"),
            Self::On(days) if days.len() == 1 => write!(f, "{},", days[0]),
            Self::On(days) => f.write_str(&days.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

impl JsonSchema for Ahead {
    fn schema_name() -> Cow<'static, str> {
        "Ahead".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let day = || json_schema!({ "type": "integer", "minimum": 0, "maximum": MOST });
        json_schema!({
            "description": "From so many days before on, every day; or on each of these days.",
            "anyOf": [day(), { "type": "array", "items": day(), "minItems": 1, "maxItems": LONGEST }],
        })
    }
}

impl Serialize for Ahead {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::From(day) => serializer.serialize_u16(*day),
            Self::On(days) => serializer.collect_seq(days),
        }
    }
}

impl<'de> Deserialize<'de> for Ahead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Number(u16),
            List(Vec<u16>),
            Text(String),
        }
        let given = Given::deserialize(deserializer).map_err(|_| serde::de::Error::custom(wrong()))?;
        match given {
            Given::Number(day) => Self::from_day(day),
            Given::List(days) => Self::on(days),
            Given::Text(text) => Self::parse(&text),
        }
        .map_err(serde::de::Error::custom)
    }
}
