//! Telegram bots.

use super::{HookUrl, Sink, fit};
use crate::message::Message;
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict, seconds};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use settings::Secret;

/// A bot and the chat it writes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// The bot's token.
    pub token: Secret,
    /// The chat: a number, or `@name` of a public channel.
    pub chat_id: String,
    /// Another server than `https://api.telegram.org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<HookUrl>,
}

impl Sink for Telegram {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        let public = || HookUrl::try_from("https://api.telegram.org".to_owned());
        let Ok(base) = self.base.clone().map_or_else(public, Ok) else {
            return Prepared::Unfit("no URL".to_owned());
        };
        let url = base.join(&[&format!("bot{}", self.token.reveal()), "sendMessage"]);
        // No parse_mode: a stray `_` in a name would make Telegram refuse the message.
        let body = json!({
            "chat_id": self.chat_id,
            "text": fit::units(&message.text(), 4_096),
            "disable_web_page_preview": true,
        });
        PreparedRequest::json(url, &body).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        let body = answer.json();
        let why = || {
            let said = fit::bytes(body["description"].as_str().unwrap_or_default(), 200);
            match body["parameters"]["migrate_to_chat_id"].as_i64() {
                Some(id) => format!("Telegram {}: {said} (the chat's new number is {id})", answer.status),
                None => format!("Telegram {}: {said}", answer.status),
            }
        };
        match body["ok"].as_bool() {
            Some(true) if answer.is_success() => Verdict::Delivered,
            Some(false) if answer.status == 429 || body["error_code"] == 429 => {
                let said = seconds(body["parameters"]["retry_after"].as_f64());
                Verdict::Retry { after: said.max(answer.retry_after()), why: why() }
            }
            Some(false) if answer.status >= 500 => Verdict::retry(why()),
            Some(false) => Verdict::refused(why()),
            _ => answer.not_understood(),
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 1, per_minute: 20, avoid_marks: false }
    }
}
