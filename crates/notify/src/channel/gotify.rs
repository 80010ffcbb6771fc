//! Gotify, one's own server.

use super::{HookUrl, Sink, fit};
use crate::message::{Message, Tone};
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use model::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use settings::Secret;

/// An application of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gotify {
    /// The server.
    pub url: HookUrl,
    /// The application's token.
    pub token: Secret,
}

impl Sink for Gotify {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        // Above 3 the telephone makes a sound, above 7 it insists (gotify/android).
        let priority = match message.tone() {
            Tone::Good | Tone::Bad(Severity::Info) => 3,
            Tone::Bad(Severity::Warning) => 5,
            Tone::Bad(Severity::Critical) => 8,
        };
        // Gotify refuses an empty message. Markdown joins lines that do not end with two spaces.
        let text = if message.body.is_empty() { &message.title } else { &message.body };
        let body = json!({
            "title": fit::bytes(&message.title, 1_000),
            "message": fit::bytes(text, 60_000).replace('\n', "  \n"),
            "priority": priority,
            "extras": { "client::display": { "contentType": "text/markdown" } },
        });
        PreparedRequest::json(self.url.join(&["message"]), &body).header("x-gotify-key", self.token.reveal()).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        match answer.by_status() {
            Verdict::Delivered if answer.json()["id"].is_null() => answer.not_understood(),
            other => other,
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 5, per_minute: 120, avoid_marks: false }
    }
}
