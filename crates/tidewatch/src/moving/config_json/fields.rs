//! The values of one entry, with `${VAR}` put in.

use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The values of an entry as texts. Null, empty texts and what begins with `_` are not there.
#[derive(Debug)]
pub(super) struct Fields {
    texts: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<Value>>,
    /// What could not be put in, and where.
    missing: Vec<String>,
}

impl Fields {
    pub(super) fn of(object: &Map<String, Value>, look_up: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut fields = Self { texts: BTreeMap::new(), lists: BTreeMap::new(), missing: Vec::new() };
        for (name, value) in object.iter().filter(|(name, _)| !name.starts_with('_')) {
            let text = match value {
                Value::String(text) => put_in(text, look_up),
                Value::Number(number) => Ok(number.to_string()),
                Value::Bool(flag) => Ok(flag.to_string()),
                Value::Array(list) => {
                    fields.lists.insert(name.clone(), list.clone());
                    continue;
                }
                Value::Null | Value::Object(_) => continue,
            };
            match text {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => drop(fields.texts.insert(name.clone(), text.trim().to_owned())),
                Err(why) => fields.missing.push(format!("{name}: {why}")),
            }
        }
        fields
    }

    /// Fails when a variable is missing; names all of them.
    pub(super) fn whole(&self) -> Result<(), String> {
        if self.missing.is_empty() { Ok(()) } else { Err(self.missing.join("; ")) }
    }

    /// What the entry is called in a report.
    pub(super) fn shown_name(&self) -> String {
        self.text(&["name", "username"]).unwrap_or_default().to_owned()
    }

    /// The first of these that is there.
    pub(super) fn text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.texts.get(*name)).map(String::as_str)
    }

    pub(super) fn list(&self, name: &str) -> Option<&[Value]> {
        self.lists.get(name).map(Vec::as_slice)
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, String> {
        self.text(&[name]).ok_or_else(|| format!("{name} is missing"))
    }

    /// True or false, also as a variable gives it.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.text(&[name]).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("true" | "1" | "yes" | "on") => Ok(true),
            Some("false" | "0" | "no" | "off") => Ok(false),
            Some(_) => Err(format!("{name} is neither true nor false")),
        }
    }

    /// A whole number, which may be written `9.0`.
    pub(super) fn whole_number(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.text(&[name]) else { return Ok(None) };
        let whole = text.split_once('.').map_or(text, |(whole, rest)| if rest == "0" { whole } else { text });
        whole.parse().map(Some).map_err(|_| format!("{name} is not a whole number"))
    }
}

/// The text with the values of its variables. As in the system replaced, a dollar sign without braces is itself.
fn put_in(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (mut out, mut rest, mut missing) = (String::with_capacity(text.len()), text, Vec::new());
    while let Some(at) = rest.find("${") {
        let Some(length) = rest[at..].find('}') else { break };
        let inner = &rest[at + 2..at + length];
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        out.push_str(&rest[..at]);
        match (look_up(name).filter(|value| default.is_none() || !value.is_empty()), default) {
            (Some(value), _) => out.push_str(&value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => missing.push(format!("${{{name}}} is not set")),
        }
        rest = &rest[at + length + 1..];
    }
    out.push_str(rest);
    if missing.is_empty() { Ok(out) } else { Err(missing.join(", ")) }
}

/// The text with quotes round every `${VAR}` that has none, as in `"threshold": ${LIMIT}`: the system replaced puts
/// values in before it reads the JSON.
pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut inside, mut escaped, mut done, mut skip_to) = (false, false, 0, 0);
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            '$' if !inside && text[at..].starts_with("${") => {
                let Some(length) = text[at..].find('}') else { continue };
                skip_to = at + length + 1;
                let value = Value::from(&text[at..skip_to]);
                let _ = write!(out, "{}{value}", &text[done..at]);
                done = skip_to;
            }
            _ => {}
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}
