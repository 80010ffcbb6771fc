//! The JSON Schema of [`Settings`], and the few questions the loader asks of it.

use crate::{Settings, Span};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use std::sync::OnceLock;

/// The JSON Schema (2020-12) of the configuration, for editors and for `config schema`.
///
/// Lengths of time carry their limits as `x-min` and `x-max`, URLs their schemes as `x-schemes`.
pub fn json_schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut inline = SchemaSettings::draft2020_12();
        inline.inline_subschemas = true;
        inline.into_generator().into_root_schema_for::<Settings>().to_value()
    })
}

/// What a place in the configuration holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape<'a> {
    /// Keys of its own.
    Section(&'a Map<String, Value>),
    /// A list of things of one schema.
    List(&'a Value),
    /// One of some words.
    Choice,
    /// A length of time.
    Span,
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

pub(crate) fn shape(schema: &Value) -> Shape<'_> {
    if let Some(Value::Object(keys)) = schema.get("properties") {
        return Shape::Section(keys);
    }
    if schema.get("oneOf").is_some() || schema.get("enum").is_some() {
        return Shape::Choice;
    }
    if schema["format"] == "span" {
        return Shape::Span;
    }
    match schema["type"].as_str() {
        Some("array") => Shape::List(&schema["items"]),
        Some("integer") => Shape::Integer,
        Some("number") => Shape::Number,
        Some("boolean") => Shape::Boolean,
        _ => Shape::Text,
    }
}

/// The words of a choice.
pub(crate) fn choices(schema: &Value) -> Vec<&str> {
    let words = schema.get("oneOf").or_else(|| schema.get("enum")).and_then(Value::as_array);
    words.into_iter().flatten().filter_map(|w| w.get("const").unwrap_or(w).as_str()).collect()
}

/// Whether a value must never be shown.
pub(crate) fn is_secret(schema: &Value) -> bool {
    schema["writeOnly"] == true
}

/// A limit of a length of time.
pub(crate) fn limit(schema: &Value, name: &str) -> Option<Span> {
    schema.get(name)?.as_str()?.parse().ok()
}

/// The schema of a dotted key.
pub(crate) fn find(key: &str) -> Option<&'static Value> {
    key.split('.').try_fold(json_schema(), |schema, part| match shape(schema) {
        Shape::Section(keys) => keys.get(part),
        _ => None,
    })
}

/// Every dotted key that holds a value (a list counts as one), in the order of the structs.
pub(crate) fn keys() -> Vec<(String, &'static Value)> {
    let mut all = Vec::new();
    collect(json_schema(), "", &mut all);
    all
}

fn collect(schema: &'static Value, key: &str, all: &mut Vec<(String, &'static Value)>) {
    match shape(schema) {
        Shape::Section(keys) => keys.iter().for_each(|(name, schema)| collect(schema, &join(key, name), all)),
        _ => all.push((key.to_owned(), schema)),
    }
}

/// A key below a key.
pub(crate) fn join(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }
}

/// What somebody may have meant who wrote the unknown `name` among `siblings` below `key`.
pub(crate) fn suggest(key: &str, name: &str, siblings: &Map<String, Value>) -> Option<String> {
    let near = |candidate: &str| {
        let distance = strsim::osa_distance(&plain(name), &plain(candidate));
        (distance <= (name.len() / 3).clamp(1, 3)).then_some(distance)
    };
    let sibling = siblings.keys().filter_map(|s| Some((near(s)?, s))).min_by_key(|(distance, _)| *distance);
    if let Some((_, sibling)) = sibling {
        return Some(join(key, sibling));
    }
    let last = |key: &str| key.rsplit('.').next().map(str::to_owned).unwrap_or_default();
    keys().into_iter().map(|(key, _)| key).find(|key| plain(&last(key)) == plain(name))
}

/// The dotted key nearest to an unknown one.
pub(crate) fn nearest(key: &str) -> Option<String> {
    let keys = keys().into_iter().map(|(candidate, _)| (strsim::osa_distance(key, &candidate), candidate));
    keys.min().filter(|(distance, _)| *distance <= (key.len() / 4).max(2)).map(|(_, candidate)| candidate)
}

/// `baseInterval`, `base-interval` and `base_interval` are the same mistake.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_documented_has_a_default_and_a_bounded_value() {
        for (key, schema) in keys() {
            assert!(schema["description"].is_string(), "{key} has no description");
            assert!(schema.get("default").is_some(), "{key} has no default");
            match shape(schema) {
                Shape::Integer | Shape::Number => assert!(schema.get("maximum").is_some(), "{key} has no maximum"),
                Shape::Span => assert!(limit(schema, "x-max") > limit(schema, "x-min"), "{key} has no limits"),
                Shape::Choice => assert!(!choices(schema).is_empty(), "{key} has no choices"),
                _ => {}
            }
        }
    }

    #[test]
    fn the_schema_refuses_unknown_keys_everywhere() {
        fn walk(schema: &Value, key: &str) {
            if let Shape::Section(keys) = shape(schema) {
                assert_eq!(schema["additionalProperties"], false, "{key}");
                keys.iter().for_each(|(name, schema)| walk(schema, &join(key, name)));
            }
        }
        walk(json_schema(), "");
        assert_eq!(find("market.ips").unwrap()["items"]["required"], serde_json::json!(["name"]));
    }
}
