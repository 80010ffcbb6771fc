//! ntfy, public or one's own.

use super::{HookUrl, Sink, fit};
use crate::message::{Message, Tone};
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use settings::Secret;

/// Bytes of a message before ntfy turns it into an attachment (docs.ntfy.sh, limitations).
const MAX_MESSAGE: usize = 4_096;

/// A topic of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ntfy {
    /// The server, `https://ntfy.sh` or one's own.
    pub url: HookUrl,
    /// The topic; whoever knows it on a public server can read it.
    pub topic: Secret,
    /// An access token (`tk_…`).
    #[serde(default)]
    pub token: Secret,
    /// A user, where there is no token.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Secret,
}

impl Sink for Ntfy {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        let (priority, tag) = match message.tone() {
            Tone::Good => (3, "white_check_mark"),
            Tone::Bad(Severity::Info) => (3, "information_source"),
            Tone::Bad(Severity::Warning) => (4, "warning"),
            Tone::Bad(Severity::Critical) => (5, "rotating_light"),
        };
        // An empty message would be shown as "triggered".
        let text = if message.body.is_empty() { &message.title } else { &message.body };
        let mut body = json!({
            "topic": self.topic.reveal(),
            "title": fit::bytes(&message.title, 250),
            "message": fit::bytes(text, MAX_MESSAGE),
            "priority": priority,
            "tags": [tag],
            "markdown": false,
        });
        if let Some(link) = &message.link {
            body["click"] = json!(link);
        }
        let request = PreparedRequest::json(self.url.reveal().clone(), &body);
        match &self.user {
            _ if !self.token.is_empty() => {
                request.header("authorization", format!("Bearer {}", self.token.reveal())).into()
            }
            Some(user) => {
                let basic = STANDARD.encode(format!("{user}:{}", self.password.reveal()));
                request.header("authorization", format!("Basic {basic}")).into()
            }
            None => request.into(),
        }
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        match answer.by_status() {
            Verdict::Delivered if answer.json()["id"].is_string() => Verdict::Delivered,
            Verdict::Delivered => answer.not_understood(),
            // 42908 is the day's quota: trying again in a minute is of no use.
            Verdict::Retry { after, why } if answer.json()["code"] == 42_908 => {
                Verdict::Retry { after: after.or(Some(std::time::Duration::from_secs(3_600))), why }
            }
            other => other,
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 2, per_minute: 12, avoid_marks: false }
    }
}
