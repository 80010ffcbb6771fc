//! Taking a channel's secrets out of what is stored or logged: servers like to repeat what they were sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt;
use url::{Url, form_urlencoded};

/// Shorter texts than this are no secrets worth hiding, and hiding them would garble every message.
const SHORTEST: usize = 4;

/// The secrets of one configuration, in every form they may come back.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Vec<String>);

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.0.len())
    }
}

impl Redactor {
    /// A secret is what a configuration shows otherwise than it was given, so none can be forgotten.
    pub(crate) fn new(given: &Value, shown: &Value) -> Self {
        let mut secrets = Vec::new();
        collect(given, shown, &mut secrets);
        if let (Some(user), Some(password)) = (given["user"].as_str(), given["password"].as_str()) {
            secrets.push(STANDARD.encode(format!("{user}:{password}")));
        }
        let mut forms: Vec<String> = secrets.iter().flat_map(|s| forms(s)).filter(|f| f.len() >= SHORTEST).collect();
        // Longest first: a part of a secret must not be replaced before the whole.
        forms.sort_by_key(|f| std::cmp::Reverse(f.len()));
        forms.dedup();
        Self(forms)
    }

    /// The text with `***` for every secret.
    pub(crate) fn clean(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

fn collect(given: &Value, shown: &Value, secrets: &mut Vec<String>) {
    match (given, shown) {
        (Value::String(given), shown) if shown.as_str() != Some(given) => parts(given, secrets),
        (Value::Object(given), shown) => given.iter().for_each(|(k, v)| collect(v, &shown[k], secrets)),
        (Value::Array(given), shown) => given.iter().enumerate().for_each(|(i, v)| collect(v, &shown[i], secrets)),
        _ => {}
    }
}

/// Of a URL the parts that hold the secret: its host and its well-known words may be repeated.
fn parts(given: &str, secrets: &mut Vec<String>) {
    let Ok(url) = Url::parse(given.trim()) else {
        secrets.push(given.to_owned());
        // `Bearer …`, `Basic …`: the credential alone may come back.
        secrets.extend(given.split_once(' ').map(|(_, credential)| credential.to_owned()));
        return;
    };
    if !matches!(url.scheme(), "http" | "https") {
        secrets.push(given.to_owned());
    }
    let segments = url.path().split('/').filter(|s| s.len() >= 8 || s.bytes().any(|b| b.is_ascii_digit()));
    secrets.extend(segments.map(str::to_owned));
    secrets.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    // As written, too: a `+` that was meant as one reads as a blank.
    let written = url.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    secrets.extend(written.map(|(_, value)| value.to_owned()));
    secrets.extend(url.password().map(str::to_owned));
}

/// A secret as such, URL-encoded in upper and lower case, and escaped in JSON.
fn forms(secret: &str) -> [String; 4] {
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut lower = encoded.clone();
    let escapes: Vec<usize> = encoded.match_indices('%').map(|(i, _)| i).collect();
    for i in escapes {
        if let Some(code) = encoded.get(i..i + 3) {
            lower.replace_range(i..i + 3, &code.to_ascii_lowercase());
        }
    }
    let json = Value::from(secret).to_string();
    [secret.to_owned(), encoded, lower, json.trim_matches('"').to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_taken_out_in_every_form() {
        let given = json!({
            "url": "https://oapi.example.com/robot/send?access_token=tok/en+1",
            "secret": "SEC\"r=t",
            "user": "bob", "password": "pass word",
            "headers": { "authorization": "Bearer abcdef" },
            "note": "visible",
        });
        let shown = json!({
            "url": "https://oapi.example.com/***", "secret": "***", "user": "bob", "password": "***",
            "headers": { "authorization": "***" }, "note": "visible",
        });
        let redactor = Redactor::new(&given, &shown);
        for leak in ["tok/en+1", "tok%2Fen%2B1", "tok%2fen%2b1", "SEC\"r=t", "SEC\\\"r=t", "pass word", "abcdef"] {
            let text = redactor.clean(&format!("visible at oapi.example.com: <{leak}>"));
            assert_eq!(text, "visible at oapi.example.com: <***>", "{leak}");
        }
        assert_eq!(redactor.clean(&STANDARD.encode("bob:pass word")), "***");
        assert!(!format!("{redactor:?}").contains("abcdef"));
    }
}
