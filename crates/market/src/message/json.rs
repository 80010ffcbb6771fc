//! The JSON of protocol buffers, as far as our messages need it: names in camelCase (their own are read too), 64-bit
//! numbers as text (numbers are read too), null is the default.

use serde::{Deserialize, Deserializer, Serializer};
use serde_json::{Map, Value};

/// Longest message that is read.
const LONGEST: usize = 16 << 20;

/// A message out of its text, or what is wrong with it and where.
pub(super) fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    if text.len() > LONGEST {
        return Err(format!("{} bytes; a message has at most {LONGEST}", text.len()));
    }
    let value: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
    if !value.is_object() {
        return Err("no JSON object".into());
    }
    serde_json::from_value(canonical(value)).map_err(|e| e.to_string())
}

/// Names in camelCase, without what is null.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (camel(&name), canonical(value))).collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(canonical).collect()),
        other => other,
    }
}

fn camel(name: &str) -> String {
    let mut upper = false;
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                upper = false;
                out.extend(c.to_uppercase());
            }
            c => out.push(c),
        }
    }
    out
}

/// A 64-bit number as text.
pub(super) mod int64 {
    use super::{Deserialize, Deserializer, Serializer, Value, whole};

    pub(in super::super) fn serialize<S: Serializer>(n: &i64, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(n)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
        whole(&Value::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// The same where it may be missing.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Serializer, Value, whole};

    pub(in super::super) fn serialize<S: Serializer>(n: &Option<i64>, s: S) -> Result<S::Ok, S::Error> {
        match n {
            Some(n) => s.collect_str(n),
            None => s.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
        whole(&Value::deserialize(d)?).map(Some).map_err(serde::de::Error::custom)
    }
}

fn whole(value: &Value) -> Result<i64, String> {
    let n = match value {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    n.ok_or_else(|| format!("{value} is no 64-bit number"))
}

/// Whether a field has its default, which is not written.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Sample {
        #[serde(with = "int64")]
        ip_id: i64,
        #[serde(with = "optional")]
        since_ms: Option<i64>,
        name: String,
    }

    #[test]
    fn both_names_numbers_as_text_and_nulls_are_read() {
        let of = |ip_id, since_ms, name: &str| Sample { ip_id, since_ms, name: name.into() };
        let largest = r#"{"ipId":"9223372036854775807"}"#;
        for (text, expected) in [
            (r#"{"ipId":"7","sinceMs":"9","name":"a","other":{"x":null}}"#, of(7, Some(9), "a")),
            (r#"{"ip_id":7,"since_ms":9,"name":null}"#, of(7, Some(9), "")),
            (largest, of(i64::MAX, None, "")),
            ("{}", Sample::default()),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        for text in ["", "[]", "7", r#"{"ipId":"x"}"#, r#"{"ipId":1.5}"#, r#"{"ipId":"9223372036854775808"}"#] {
            assert!(read::<Sample>(text).is_err(), "{text}");
        }
    }
}
