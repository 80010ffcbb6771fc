//! Secrets are written and never read back: whoever changes a channel leaves them out, or sends what was shown, and
//! they stay. Pure.

use crate::channel::{Channel, ConfigError};
use crate::error::NotifyError;
use crate::form::form_of;
use crate::rules::Rules;
use crate::store::{ChannelDraft, ChannelRow};
use serde_json::{Map, Value};
use url::Url;

/// Kind and whole configuration of a changed channel.
pub(crate) fn completed(
    draft: &ChannelDraft,
    before: &ChannelRow,
    rules: &Rules<'_>,
) -> Result<(String, String), NotifyError> {
    let (kind, given) = rules.stated(draft)?;
    let kind = if kind.is_empty() { before.draft.kind.clone() } else { kind };
    let Some(given) = given else { return Ok((kind, rules.sealer.open(before.sealed.reveal())?)) };
    if draft.url.is_some() || kind != before.draft.kind {
        return Ok((kind, given.to_string()));
    }
    // What cannot be read any more cannot be kept either; a whole new configuration mends it.
    let old = rules.sealer.open(before.sealed.reveal()).ok();
    let old = old.and_then(|old| Some((Channel::parse(&kind, &old).ok()?.shown(), serde_json::from_str(&old).ok()?)));
    let config = match (old, given) {
        (Some((shown, Value::Object(old))), Value::Object(given)) => Value::Object(kept(&old, &shown, given)?),
        (_, given) => given,
    };
    Ok((kind, config.to_string()))
}

/// `given` with the secrets of `old` that it leaves out or shows masked; `null` takes a key away.
fn kept(old: &Map<String, Value>, shown: &Value, given: Map<String, Value>) -> Result<Map<String, Value>, ConfigError> {
    let mut whole = given;
    let mut again = Vec::new();
    for (name, before) in old.iter().filter(|(name, before)| shown[name.as_str()] != **before) {
        let value = match whole.get(name) {
            None => before.clone(),
            Some(value) => unmasked(value, before, &shown[name.as_str()]),
        };
        if whole.get(name) != Some(&value) {
            again.push(name.as_str());
            whole.insert(name.clone(), value);
        }
    }
    whole.retain(|_, value| !value.is_null());
    // A secret that may not be read must not be sent elsewhere to be read there.
    if !again.is_empty() && address(old) != address(&whole) {
        let names = again.join(", ");
        return Err(ConfigError(format!("the address changes: give its secrets anew ({names})")));
    }
    Ok(whole)
}

fn unmasked(value: &Value, before: &Value, shown: &Value) -> Value {
    match (value, before) {
        (value, before) if value == shown => before.clone(),
        (Value::Object(value), Value::Object(before)) => {
            let entry = |(name, value): (&String, &Value)| {
                let before = before.get(name).unwrap_or(&Value::Null);
                (name.clone(), if shown.get(name) == Some(value) { before.clone() } else { value.clone() })
            };
            Value::Object(value.iter().map(entry).collect())
        }
        (Value::Array(value), Value::Array(before)) if value.len() == before.len() => {
            let entry = |(n, value): (usize, &Value)| {
                if shown.get(n) == Some(value) { before[n].clone() } else { value.clone() }
            };
            Value::Array(value.iter().enumerate().map(entry).collect())
        }
        _ => value.clone(),
    }
}

/// Where a configuration sends to.
fn address(config: &Map<String, Value>) -> Vec<String> {
    let text = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_ascii_lowercase();
    let origin = |name: &str| {
        let text = text(name);
        Url::parse(&text).map_or(text, |url| url.origin().ascii_serialization())
    };
    let port = config.get("port").map(ToString::to_string).unwrap_or_default();
    vec![origin("url"), origin("base"), text("host"), port]
}

/// A text about a draft without the secrets in the draft: reading one may repeat what was given.
pub fn redacted(text: &str, draft: &ChannelDraft) -> String {
    let fields = form_of(&draft.kind).map(|form| form.fields).unwrap_or_default();
    let open = |name: &str| fields.iter().any(|field| field.name == name && !field.secret);
    let mut hidden = Vec::new();
    match &draft.config {
        Some(Value::Object(config)) => {
            config.iter().filter(|(name, _)| !open(name)).for_each(|(_, value)| leaves(value, &mut hidden));
        }
        Some(other) => leaves(other, &mut hidden),
        None => {}
    }
    hidden.extend(draft.url.iter().map(|url| url.reveal().to_owned()));
    hidden.retain(|leaf| leaf.len() >= 4);
    hidden.sort_by_key(|leaf| std::cmp::Reverse(leaf.len()));
    hidden.iter().fold(text.to_owned(), |text, leaf| {
        let quoted = Value::from(leaf.as_str()).to_string();
        text.replace(leaf, "***").replace(quoted.trim_matches('"'), "***")
    })
}

fn leaves(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Number(number) => into.push(number.to_string()),
        Value::Array(values) => values.iter().for_each(|value| leaves(value, into)),
        Value::Object(values) => values.values().for_each(|value| leaves(value, into)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keep(old: Value, shown: Value, given: Value) -> Result<Value, String> {
        let (Value::Object(old), Value::Object(given)) = (old, given) else { panic!("no objects") };
        kept(&old, &shown, given).map(Value::Object).map_err(|e| e.0)
    }

    #[test]
    fn a_secret_left_out_or_masked_stays_and_null_takes_it_away() {
        let old = json!({ "url": "https://h.example/a/b", "secret": "S3cret", "keyword": "k", "headers": {"a": "x1"} });
        let shown = json!({ "url": "https://h.example/***", "secret": "***", "keyword": "k", "headers": {"a": "***"} });
        for (given, wanted) in [
            (json!({}), json!({ "url": "https://h.example/a/b", "secret": "S3cret", "headers": {"a": "x1"} })),
            (
                json!({ "url": "https://h.example/***", "secret": "***", "headers": {"a": "***", "b": "new"} }),
                json!({ "url": "https://h.example/a/b", "secret": "S3cret", "headers": {"a": "x1", "b": "new"} }),
            ),
            (
                json!({ "url": "https://h.example/c", "secret": null, "headers": {} }),
                json!({ "url": "https://h.example/c", "headers": {} }),
            ),
            (
                json!({ "url": "https://h.example/c", "secret": "", "headers": null, "keyword": "z" }),
                json!({ "url": "https://h.example/c", "secret": "", "keyword": "z" }),
            ),
        ] {
            assert_eq!(keep(old.clone(), shown.clone(), given.clone()), Ok(wanted), "{given}");
        }
    }

    #[test]
    fn a_kept_secret_is_not_sent_to_another_address() {
        let old = json!({ "url": "https://gotify.example", "token": "AbCdEf" });
        let shown = json!({ "url": "https://gotify.example/", "token": "***" });
        let moved = json!({ "url": "https://evil.example" });
        let refused = keep(old.clone(), shown.clone(), moved).unwrap_err();
        assert!(refused.contains("token") && !refused.contains("AbCdEf"), "{refused}");
        let whole = json!({ "url": "https://evil.example", "token": "other" });
        assert_eq!(keep(old.clone(), shown.clone(), whole.clone()), Ok(whole));
        let same = json!({ "url": "https://gotify.example/sub" });
        assert_eq!(keep(old, shown, same).unwrap()["token"], "AbCdEf");
        let mail = json!({ "host": "smtp.example", "password": "pw12" });
        let shown = json!({ "host": "smtp.example", "password": "***" });
        assert!(keep(mail, shown, json!({ "host": "evil.example" })).is_err());
    }
}
