//! An Apprise API gateway (caronc/apprise-api), for every service that has no file of its own here.

use super::{HookUrl, Sink, fit};
use crate::message::{Message, Tone};
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use model::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use settings::Secret;

/// A gateway and what it shall do with a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apprise {
    /// The gateway.
    pub url: HookUrl,
    /// The key of a configuration the gateway keeps.
    #[serde(default)]
    pub key: Secret,
    /// Apprise URLs, where there is no key.
    #[serde(default)]
    pub urls: Vec<Secret>,
    /// Which services of the configuration.
    #[serde(default)]
    pub tag: Option<String>,
}

impl Sink for Apprise {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        let text = if message.body.is_empty() { &message.title } else { &message.body };
        let mut body = json!({
            "title": fit::bytes(&message.title, 250),
            "body": fit::bytes(text, 30_000),
            "type": match message.tone() {
                Tone::Good => "success",
                Tone::Bad(Severity::Info) => "info",
                Tone::Bad(Severity::Warning) => "warning",
                Tone::Bad(Severity::Critical) => "failure",
            },
            "format": "text",
        });
        if let Some(tag) = &self.tag {
            body["tag"] = json!(tag);
        }
        if !self.key.is_empty() {
            return PreparedRequest::json(self.url.join(&["notify", self.key.reveal()]), &body).into();
        }
        let urls: Vec<&str> = self.urls.iter().map(Secret::reveal).collect();
        body["urls"] = json!(urls.join(","));
        PreparedRequest::json(self.url.join(&["notify"]), &body).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        match answer.status {
            204 => Verdict::refused("Apprise has no configuration under this key"),
            424 => Verdict::retry(format!("Apprise could not reach a service: {}", answer.snippet())),
            _ => answer.by_status(),
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 1, per_minute: 20, avoid_marks: false }
    }

    fn check(&self) -> Result<(), String> {
        if self.key.is_empty() == self.urls.is_empty() {
            return Err("give either key or urls".to_owned());
        }
        Ok(())
    }
}
