//! One text read as what the schema wants at its place. Messages repeat the text only where it is no secret.

use crate::schema::{self, Shape};
use crate::{Network, Span};
use serde_json::{Number, Value};
use std::net::SocketAddr;
use url::Url;

/// Reads a text as a value of a schema that is neither section nor list; the error says what to write.
pub(crate) fn read(text: &str, schema: &Value) -> Result<Value, String> {
    let shown = if schema::is_secret(schema) { "this".to_owned() } else { format!("{:?}", shorten(text)) };
    match schema::shape(schema) {
        Shape::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("{shown} is not true or false")),
        },
        Shape::Integer => integer(text, schema).map_err(|message| format!("{shown} {message}")),
        Shape::Number => number(text, schema).map_err(|message| format!("{shown} {message}")),
        Shape::Span => span(text, schema).map_err(|message| format!("{shown} {message}")),
        Shape::Choice => {
            let words = schema::choices(schema);
            let found = words.contains(&text).then(|| Value::from(text));
            found.ok_or_else(|| format!("{shown} is not one of {}", words.join(", ")))
        }
        Shape::Text => text_of(text, schema).map_err(|message| format!("{shown} {message}")),
        Shape::Section(_) => Err("is a section: set the keys below it".into()),
        Shape::List(_) => Err(format!("{shown} is not a list; write [{text}] or one - per line")),
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(59).chain(['…']).collect() }
}

fn integer(text: &str, schema: &Value) -> Result<Value, String> {
    let value: i64 = text.parse().map_err(|_| "is not a whole number".to_owned())?;
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
    in_range(value as f64, schema)?;
    Ok(value.into())
}

fn number(text: &str, schema: &Value) -> Result<Value, String> {
    let value = text.parse().ok().and_then(Number::from_f64).ok_or("is not a number")?;
    in_range(value.as_f64().unwrap_or_default(), schema)?;
    Ok(value.into())
}

fn in_range(value: f64, schema: &Value) -> Result<(), String> {
    let limit = |name: &str| schema.get(name).and_then(Value::as_f64);
    match (limit("minimum"), limit("maximum")) {
        (Some(min), _) if value < min => Err(format!("is too small: at least {min}")),
        (_, Some(max)) if value > max => Err(format!("is too large: at most {max}")),
        _ => Ok(()),
    }
}

fn span(text: &str, schema: &Value) -> Result<Value, String> {
    let span: Span = text.parse().map_err(|error| format!("is not a length of time: {error}"))?;
    match (schema::limit(schema, "x-min"), schema::limit(schema, "x-max")) {
        (Some(min), _) if span < min => Err(format!("is too short: at least {min}")),
        (_, Some(max)) if span > max => Err(format!("is too long: at most {max}")),
        _ => Ok(span.to_string().into()),
    }
}

fn text_of(text: &str, schema: &Value) -> Result<Value, String> {
    let may_be_empty = schema.get("minLength").is_none();
    if text.is_empty() {
        return if may_be_empty { Ok("".into()) } else { Err("must not be empty".into()) };
    }
    match schema["format"].as_str() {
        Some("uri") => uri(text, schema)?,
        Some("socket-address") => {
            let read = text.parse::<SocketAddr>();
            read.map(drop).map_err(|_| "is not an address and a port such as 127.0.0.1:8080")?;
        }
        Some("network") => text.parse::<Network>().map(drop).map_err(|error| format!("is no network: {error}"))?,
        Some("log-level") => log_level(text)?,
        _ => {}
    }
    Ok(text.into())
}

fn uri(text: &str, schema: &Value) -> Result<(), String> {
    let schemes: Vec<&str> = schema["x-schemes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let expected = || format!("a URL that begins with {}", schemes.join(":// or ") + "://");
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error}): write {}", expected()))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("is not {}", expected()));
    }
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    if !has_host && url.scheme() != "sqlite" {
        return Err(format!("names no host: write {}", expected()));
    }
    Ok(())
}

fn log_level(text: &str) -> Result<(), String> {
    for part in text.split(',') {
        let level = part.rsplit('=').next().unwrap_or_default().trim();
        if !["off", "error", "warn", "info", "debug", "trace"].contains(&level) {
            return Err("is no level: write off, error, warn, info, debug or trace, also as info,sqlx=warn".into());
        }
    }
    Ok(())
}
