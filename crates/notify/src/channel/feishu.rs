//! Feishu and Lark custom bots.

use super::{HookUrl, Sink, fit, sign, with_keyword};
use crate::message::{Message, Tone};
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict, seconds};
use model::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use settings::Secret;

/// Largest body a bot takes (open.feishu.cn, custom bot guide: 20 KB).
const MAX_BODY: usize = 20_000;

/// A custom bot of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feishu {
    /// The webhook URL, `https://open.feishu.cn/open-apis/bot/v2/hook/<id>` or at open.larksuite.com.
    pub url: HookUrl,
    /// The secret of the bot's signature check; empty when the bot has none.
    #[serde(default)]
    pub secret: Secret,
    /// The word of the bot's keyword check, added to messages that lack it.
    #[serde(default)]
    pub keyword: Option<String>,
    /// How messages look.
    #[serde(default)]
    pub format: Format,
}

/// How messages look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A card with a coloured head.
    #[default]
    Card,
    /// Plain text.
    Text,
}

impl Feishu {
    fn content(&self, message: &Message, body: &str) -> Value {
        match self.format {
            Format::Text => json!({ "msg_type": "text", "content": { "text": body } }),
            Format::Card => json!({
                "msg_type": "interactive",
                "card": {
                    "config": { "wide_screen_mode": true },
                    "header": {
                        "title": { "tag": "plain_text", "content": fit::bytes(&message.title, 1_000) },
                        "template": colour(message.tone()),
                    },
                    "elements": [{ "tag": "markdown", "content": body }],
                },
            }),
        }
    }
}

impl Sink for Feishu {
    fn request(&self, message: &Message, now: Timestamp) -> Prepared {
        let text = match self.format {
            Format::Card => message.body.clone(),
            Format::Text => message.text(),
        };
        let keyword = self.keyword.as_deref().filter(|k| self.format == Format::Text || !message.title.contains(*k));
        // `<at id=all>` in a name would call everybody.
        let text = with_keyword(&text, keyword).replace("<at", "<\u{200b}at");
        let signed = |body: &str| {
            let mut value = self.content(message, body);
            if !self.secret.is_empty() {
                value["timestamp"] = json!(now.secs().to_string());
                value["sign"] = json!(sign::feishu(now.secs(), self.secret.reveal()));
            }
            value
        };
        PreparedRequest::json(self.url.reveal().clone(), &fit::json(&text, MAX_BODY, signed)).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        let body = answer.json();
        // Old gateways answer StatusCode only.
        let Some(code) = body["code"].as_i64().or_else(|| body["StatusCode"].as_i64()) else {
            return answer.not_understood();
        };
        let message = body["msg"].as_str().unwrap_or_default();
        let why = format!("Feishu code {code}: {}", fit::bytes(message, 200));
        match code {
            0 if answer.is_success() => Verdict::Delivered,
            11232 => Verdict::retry_after(60, why),
            9499 if message.to_ascii_lowercase().contains("too many") => Verdict::retry_after(60, why),
            99_991_400 => {
                let reset = answer.headers.get("x-ogw-ratelimit-reset").and_then(|v| v.to_str().ok());
                let after = seconds(reset.and_then(|v| v.trim().parse().ok())).or_else(|| answer.retry_after());
                Verdict::Retry { after, why }
            }
            _ if answer.is_success() => Verdict::refused(why),
            _ => answer.by_status(),
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 5, per_minute: 100, avoid_marks: true }
    }
}

const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "green",
        Tone::Bad(Severity::Info) => "blue",
        Tone::Bad(Severity::Warning) => "orange",
        Tone::Bad(Severity::Critical) => "red",
    }
}
