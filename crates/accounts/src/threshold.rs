//! What people want to be told of: `remaining < 100`, `remaining < 20 %`, `days_left < 7`, `expires within 14 days`.

use crate::amount;
use model::Severity;
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What is held against the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// What is left, in the account's unit.
    Remaining,
    /// What is left of the whole, in per cent.
    Percent,
    /// Days until it is used up, by the forecast.
    DaysLeft,
    /// Days until the key or the credit expires.
    Expires,
}

impl Measure {
    /// The word in tables, JSON and alerts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Remaining => "remaining",
            Self::Percent => "percent",
            Self::DaysLeft => "days_left",
            Self::Expires => "expires",
        }
    }

    /// The type of the alert it raises.
    pub const fn alert_type(self) -> &'static str {
        match self {
            Self::Remaining => "low_balance",
            Self::Percent => "low_ratio",
            Self::DaysLeft => "days_left",
            Self::Expires => "expiring",
        }
    }
}

/// One limit and how bad it is to be below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What is held against it.
    pub measure: Measure,
    /// The limit: an amount, per cent, or days.
    pub below: Decimal,
    /// How bad it is.
    pub severity: Severity,
}

/// A threshold cannot be read; says which part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ThresholdFault(String);

const FORMS: &str =
    "write 100, \"remaining < 100\", \"remaining < 20 %\", \"days_left < 7\" or \"expires within 14 days\"";
const MOST: usize = 16;
/// Longer limits do not fit the key of an alert.
const LONGEST: usize = 32;

impl Threshold {
    /// A limit for what is left.
    pub const fn remaining(below: Decimal) -> Self {
        Self { measure: Measure::Remaining, below, severity: Severity::Warning }
    }

    /// What tells its alert from those of the account's other thresholds of the same measure.
    pub fn window(&self) -> String {
        self.below.normalize().to_string()
    }

    /// Whether it is held against the forecast.
    pub fn needs_forecast(&self) -> bool {
        self.measure == Measure::DaysLeft
    }

    fn of(measure: Measure, below: &str, severity: Severity) -> Result<Self, ThresholdFault> {
        let number = below.trim();
        let amount = amount::parse(number).filter(|_| number.len() <= LONGEST);
        let below = amount.ok_or_else(|| ThresholdFault(format!("{number:?} is not an amount; {FORMS}")))?;
        if measure != Measure::Remaining && below <= Decimal::ZERO {
            return Err(ThresholdFault(format!("{} must be above 0, not {below}", measure.as_str())));
        }
        if measure == Measure::Percent && below > Decimal::ONE_HUNDRED {
            return Err(ThresholdFault(format!("{below} % is more than the whole")));
        }
        Ok(Self { measure, below, severity })
    }

    /// Reads JSON: a number, a text, or `{"when": text, "severity": word}`.
    pub fn read(value: &Value) -> Result<Self, ThresholdFault> {
        match value {
            Value::Number(number) => Self::of(Measure::Remaining, &number.to_string(), Severity::Warning),
            Value::String(text) => text.parse(),
            Value::Object(fields) => {
                if let Some(unknown) = fields.keys().find(|key| !["when", "severity"].contains(&key.as_str())) {
                    return Err(ThresholdFault(format!("unknown field {unknown:?}; there are when and severity")));
                }
                let when = fields.get("when").ok_or_else(|| ThresholdFault(format!("when is missing; {FORMS}")))?;
                let mut threshold = match when {
                    Value::Object(_) => return Err(ThresholdFault(format!("when is not a text; {FORMS}"))),
                    when => Self::read(when)?,
                };
                if let Some(word) = fields.get("severity") {
                    let severity = word.as_str().and_then(Severity::parse);
                    let fault = || ThresholdFault(format!("severity {word} is none of info, warning, critical"));
                    threshold.severity = severity.ok_or_else(fault)?;
                }
                Ok(threshold)
            }
            _ => Err(ThresholdFault(format!("not a threshold; {FORMS}"))),
        }
    }

    /// Reads a list of them, or one alone; at most 16, none twice.
    pub fn read_all(value: &Value) -> Result<Vec<Self>, ThresholdFault> {
        let all = match value {
            Value::Null => Vec::new(),
            Value::Array(values) => values.iter().map(Self::read).collect::<Result<Vec<_>, _>>()?,
            one => vec![Self::read(one)?],
        };
        if all.len() > MOST {
            return Err(ThresholdFault(format!("more than {MOST} thresholds")));
        }
        let same = |a: &Self, b: &Self| (a.measure, a.below) == (b.measure, b.below);
        match all.iter().enumerate().find(|(i, t)| all[..*i].iter().any(|earlier| same(earlier, t))) {
            Some((_, twice)) => Err(ThresholdFault(format!("{twice} is given twice"))),
            None => Ok(all),
        }
    }
}

impl FromStr for Threshold {
    type Err = ThresholdFault;

    fn from_str(text: &str) -> Result<Self, ThresholdFault> {
        let lower = text.trim().to_lowercase();
        let said = lower.rsplit_once(char::is_whitespace).and_then(|(rest, word)| Some((rest, Severity::parse(word)?)));
        let (plain, warning) = said.unwrap_or((&lower, Severity::Warning));
        let rest = ["expires within", "expires <", "expires_in <"].iter().find_map(|head| plain.strip_prefix(head));
        if let Some(rest) = rest {
            let days = rest.trim().trim_end_matches("days").trim_end_matches("day").trim_end_matches('d');
            return Self::of(Measure::Expires, days, warning);
        }
        if let Some(rest) = plain.strip_prefix("days_left").or_else(|| plain.strip_prefix("days left")) {
            let days = rest.trim().strip_prefix('<').ok_or_else(|| ThresholdFault(format!("{text:?}: {FORMS}")))?;
            return Self::of(Measure::DaysLeft, days, warning);
        }
        let rest = plain.strip_prefix("remaining").unwrap_or(plain).trim();
        let rest = rest.strip_prefix('<').unwrap_or(rest);
        match rest.trim().strip_suffix('%') {
            Some(percent) => Self::of(Measure::Percent, percent, warning),
            None => Self::of(Measure::Remaining, rest, warning),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.measure {
            Measure::Remaining => write!(f, "remaining < {}", self.below),
            Measure::Percent => write!(f, "remaining < {} %", self.below),
            Measure::DaysLeft => write!(f, "days_left < {}", self.below),
            Measure::Expires => write!(f, "expires within {} days", self.below),
        }
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({"when": self.to_string(), "severity": self.severity}).serialize(serializer)
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let severity = generator.subschema_for::<Severity>();
        json_schema!({
            "type": "object",
            "required": ["when", "severity"],
            "properties": { "when": { "type": "string" }, "severity": severity },
        })
    }
}

/// A threshold as people may state it, for descriptions: a number, or `remaining < 100`, `days_left < 7 critical` …
#[derive(Clone, Copy, Debug)]
pub struct ThresholdInput;

impl JsonSchema for ThresholdInput {
    fn schema_name() -> Cow<'static, str> {
        "ThresholdInput".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number: so much must be left. A text: `remaining < 100`, `remaining < 20 %`, `days_left < 7` or `expires within 14 days`, with a severity behind it if it is not `warning`. An object: one of these as `when`, and its severity.",
            "anyOf": [
                { "type": "number" },
                { "type": "string" },
                {
                    "type": "object",
                    "required": ["when"],
                    "additionalProperties": false,
                    "properties": {
                        "when": { "type": ["number", "string"] },
                        "severity": { "enum": ["info", "warning", "critical"] },
                    },
                },
            ],
        })
    }
}

/// One threshold or a list of them, for descriptions.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
pub enum ThresholdsInput {
    /// All of them; at most 16, none twice.
    List(#[schemars(length(max = 16))] Vec<ThresholdInput>),
    /// The only one.
    One(ThresholdInput),
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written() {
        for (value, written) in [
            (json!(100), "remaining < 100"),
            (json!(12.50), "remaining < 12.5"),
            (json!("100"), "remaining < 100"),
            (json!("< 1,000"), "remaining < 1000"),
            (json!("remaining<-5"), "remaining < -5"),
            (json!("20%"), "remaining < 20 %"),
            (json!("Remaining < 12.5 %"), "remaining < 12.5 %"),
            (json!("days_left < 7"), "days_left < 7"),
            (json!("days left < 7"), "days_left < 7"),
            (json!("expires within 14 days"), "expires within 14 days"),
            (json!("expires < 14d"), "expires within 14 days"),
            (json!("20 % critical"), "remaining < 20 %"),
            (json!({"when": 100}), "remaining < 100"),
        ] {
            let read = Threshold::read(&value).unwrap();
            assert_eq!(read.to_string(), written, "{value}");
            assert_eq!(Threshold::read(&serde_json::to_value(&read).unwrap()).unwrap(), read);
        }
        assert_eq!("days_left < 7 critical".parse::<Threshold>().unwrap().severity, Severity::Critical);
        let critical = Threshold::read(&json!({"when": "5%", "severity": "critical"})).unwrap();
        assert_eq!((critical.severity, critical.window()), (Severity::Critical, "5".to_owned()));
    }

    #[test]
    fn what_is_none_is_named() {
        for (value, part) in [
            (json!("soon"), "\"soon\" is not an amount"),
            (json!("days_left 7"), "write 100"),
            (json!("days_left < 0"), "must be above 0"),
            (json!("120%"), "more than the whole"),
            (json!(true), "not a threshold"),
            (json!({"below": 3}), "unknown field \"below\""),
            (json!({"when": "3", "severity": "loud"}), "none of info, warning, critical"),
            (json!({"severity": "info"}), "when is missing"),
            (json!({"when": {}}), "when is not a text"),
            (json!("1".repeat(40)), "is not an amount"),
        ] {
            let fault = Threshold::read(&value).unwrap_err().to_string();
            assert!(fault.contains(part), "{value}: {fault}");
        }
        assert!(Threshold::read_all(&json!([100, "remaining < 100.0"])).unwrap_err().to_string().contains("twice"));
        assert!(Threshold::read_all(&json!(vec![json!(1); 17])).is_err());
        assert_eq!(Threshold::read_all(&json!(null)).unwrap(), Vec::new());
        assert_eq!(Threshold::read_all(&json!(100)).unwrap().len(), 1);
    }
}
