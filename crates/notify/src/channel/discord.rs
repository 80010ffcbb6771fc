//! Discord webhooks.

use super::{HookUrl, Sink, fit};
use crate::message::{Message, Tone};
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict, seconds};
use model::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A webhook of a channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discord {
    /// The webhook URL, `https://discord.com/api/webhooks/{id}/{token}`.
    pub url: HookUrl,
}

impl Sink for Discord {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        // Limits of discord.com/developers: content 2000, embed title 256, description 4096, embeds 6000 in all.
        let body = json!({
            "content": fit::units(&message.title, 2_000),
            "embeds": [{
                "title": fit::units(&message.title, 256),
                "description": fit::units(&message.body, 4_096),
                "color": colour(message.tone()),
            }],
            "allowed_mentions": { "parse": [] },
        });
        PreparedRequest::json(self.url.reveal().clone(), &body).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        match answer.by_status() {
            // 204, or 200 with the message where the URL says `wait=true`.
            Verdict::Delivered if answer.status != 204 && answer.json()["id"].is_null() => answer.not_understood(),
            Verdict::Retry { after, why } if answer.status == 429 => {
                let said = seconds(answer.json()["retry_after"].as_f64());
                Verdict::Retry { after: said.max(after), why }
            }
            other => other,
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 2, per_minute: 30, avoid_marks: false }
    }
}

const fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Good => 0x002e_cc71,
        Tone::Bad(Severity::Info) => 0x0034_98db,
        Tone::Bad(Severity::Warning) => 0x00e6_7e22,
        Tone::Bad(Severity::Critical) => 0x00e7_4c3c,
    }
}
