//! A commented configuration with every key and its default, made of the schema so that it cannot fall behind.

use crate::schema::{self, Shape};
use serde_json::{Map, Value};

const HEAD: &str = "\
# Tidewatch configuration: every key with its default. What is left out keeps its default.
# ${VAR}, ${VAR:-default} and $$ (a dollar sign) work in every value; lengths of time are written 90s, 15m, 2h, 1d.
# A variable overrides a key: market.rate.burst is TIDEWATCH_MARKET__RATE__BURST, and with _FILE at the end the value
# is read from that file.
";

/// The example as YAML text; it loads and equals the defaults.
pub fn example() -> String {
    let mut out = HEAD.to_owned();
    if let Shape::Section(keys) = schema::shape(schema::json_schema()) {
        section(&mut out, keys, "");
    }
    out
}

fn section(out: &mut String, keys: &Map<String, Value>, indent: &str) {
    for (name, schema) in keys {
        if indent.is_empty() {
            out.push('\n');
        }
        comment(out, schema, indent);
        match schema::shape(schema) {
            Shape::Section(keys) => {
                out.push_str(&format!("{indent}{name}:\n"));
                section(out, keys, &format!("{indent}  "));
            }
            shape => {
                out.push_str(&format!("{indent}{name}: {}\n", inline(&schema["default"])));
                if let Shape::List(items) = shape {
                    sample(out, items, indent);
                }
            }
        }
    }
}

fn comment(out: &mut String, schema: &Value, indent: &str) {
    let text = schema["description"].as_str().unwrap_or_default();
    out.push_str(&format!("{indent}# {}{}\n", text.replace('\n', " "), allowed(schema)));
}

/// The limits of a value, in brackets.
fn allowed(schema: &Value) -> String {
    let limits = |min: &str, max: &str| format!(" [{} to {}]", plain(&schema[min]), plain(&schema[max]));
    match schema::shape(schema) {
        Shape::Choice => format!(" [{}]", schema::choices(schema).join(", ")),
        Shape::Span => limits("x-min", "x-max"),
        Shape::Integer | Shape::Number => limits("minimum", "maximum"),
        _ => String::new(),
    }
}

/// What an entry of a list with keys of its own looks like, commented out.
fn sample(out: &mut String, items: &Value, indent: &str) {
    let Shape::Section(keys) = schema::shape(items) else { return };
    for (n, (name, schema)) in keys.iter().enumerate() {
        let dash = if n == 0 { "-" } else { " " };
        let default = schema.get("default").filter(|value| !value.is_null()).map_or_else(|| "…".to_owned(), inline);
        let text = schema["description"].as_str().unwrap_or_default();
        out.push_str(&format!("{indent}#  {dash} {name}: {default}  # {text}{}\n", allowed(schema)));
    }
}

/// A default in one line of YAML.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(entries) => format!("[{}]", entries.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(text) if text.is_empty() => "\"\"".into(),
        value => plain(value),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
