//! WeCom (企业微信) group robots.

use super::{HookUrl, Sink, fit};
use crate::message::{Message, Tone};
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use model::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Largest markdown content, in bytes (developer.work.weixin.qq.com/document/path/91770).
const MAX_CONTENT: usize = 4096;

/// A robot of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeCom {
    /// The webhook URL, `https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…`.
    pub url: HookUrl,
}

impl Sink for WeCom {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        // `<@somebody>` in a name would call that person, a `<` could end the colour.
        let safe = |text: &str| text.replace('<', "＜");
        let title = fit::bytes(&safe(&message.title), 1_000);
        let mut content = format!("<font color=\"{}\">{title}</font>", colour(message.tone()));
        for line in message.body.lines().filter(|l| !l.is_empty()) {
            content.push_str("\n>");
            content.push_str(&safe(line));
        }
        let content = fit::bytes(&content, MAX_CONTENT);
        let body = json!({ "msgtype": "markdown", "markdown": { "content": content } });
        PreparedRequest::json(self.url.reveal().clone(), &body).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        let body = answer.json();
        let Some(code) = body["errcode"].as_i64() else { return answer.not_understood() };
        let why = format!("WeCom errcode {code}: {}", fit::bytes(body["errmsg"].as_str().unwrap_or_default(), 200));
        match code {
            0 if answer.is_success() => Verdict::Delivered,
            45_009 => Verdict::retry_after(60, why),
            -1 => Verdict::retry(why),
            _ if answer.is_success() => Verdict::refused(why),
            _ => answer.by_status(),
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 5, per_minute: 20, avoid_marks: false }
    }
}

/// The three colours WeCom knows: green, grey, orange.
const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "info",
        Tone::Bad(Severity::Info) => "comment",
        Tone::Bad(Severity::Warning | Severity::Critical) => "warning",
    }
}
