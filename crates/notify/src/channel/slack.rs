//! Slack incoming webhooks (and Mattermost's, which speak the same).

use super::{HookUrl, Sink, fit};
use crate::message::Message;
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Characters of a section's text (docs.slack.dev, block kit).
const MAX_SECTION: usize = 3_000;

/// An incoming webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The webhook URL, `https://hooks.slack.com/services/…`.
    pub url: HookUrl,
}

impl Sink for Slack {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        // Escaping also takes `<!channel>` its power.
        let safe = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let block = format!("*{}*\n{}", safe(&message.title).replace('*', "∗"), safe(&message.body));
        let body = json!({
            "text": fit::units(&safe(&message.text()), MAX_SECTION),
            "blocks": [{
                "type": "section",
                "text": { "type": "mrkdwn", "text": fit::units(block.trim_end(), MAX_SECTION) },
            }],
        });
        PreparedRequest::json(self.url.reveal().clone(), &body).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        match answer.by_status() {
            // A proxy's log-in page is 200 too: only the text `ok` is Slack's yes.
            Verdict::Delivered if answer.body.trim_ascii() != b"ok" => answer.not_understood(),
            other => other,
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 1, per_minute: 60, avoid_marks: false }
    }
}
