//! DingTalk custom robots.

use super::{HookUrl, Sink, fit, sign, with_keyword};
use crate::message::Message;
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use settings::Secret;

/// Largest body a robot takes.
const MAX_BODY: usize = 20_000;

/// A custom robot of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DingTalk {
    /// The webhook URL, `https://oapi.dingtalk.com/robot/send?access_token=…`.
    pub url: HookUrl,
    /// The secret of the robot's signature check (`SEC…`); empty when it has none.
    #[serde(default)]
    pub secret: Secret,
    /// The word of the robot's keyword check, added to messages that lack it.
    #[serde(default)]
    pub keyword: Option<String>,
    /// Telephone numbers of those who are called by every message.
    #[serde(default)]
    pub at_mobiles: Vec<String>,
    /// Calls everybody.
    #[serde(default)]
    pub at_all: bool,
}

impl Sink for DingTalk {
    fn request(&self, message: &Message, now: Timestamp) -> Prepared {
        let mut text = format!("#### {}", message.title);
        for line in message.body.lines().filter(|l| !l.is_empty()) {
            text.push_str("\n> ");
            text.push_str(line);
        }
        // Markdown calls only those whose number is in the text as well.
        let called: String = self.at_mobiles.iter().map(|m| format!(" @{m}")).collect();
        let text = with_keyword(&text, self.keyword.as_deref());
        let body = fit::json(&text, MAX_BODY, |text| {
            let text = if called.is_empty() { text.to_owned() } else { format!("{text}\n\n{}", called.trim()) };
            json!({
                "msgtype": "markdown",
                "markdown": { "title": fit::bytes(&message.title, 200), "text": text },
                "at": { "atMobiles": self.at_mobiles, "atUserIds": [], "isAtAll": self.at_all },
            })
        });
        let mut url = self.url.reveal().clone();
        if !self.secret.is_empty() {
            let sign = sign::dingtalk(now.millis(), self.secret.reveal());
            url.query_pairs_mut().append_pair("timestamp", &now.millis().to_string()).append_pair("sign", &sign);
        }
        PreparedRequest::json(url, &body).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        let body = answer.json();
        let Some(code) = body["errcode"].as_i64() else { return answer.not_understood() };
        let why = format!("DingTalk errcode {code}: {}", fit::bytes(body["errmsg"].as_str().unwrap_or_default(), 200));
        match code {
            0 if answer.is_success() => Verdict::Delivered,
            // Whoever sends too fast is shut out for ten minutes.
            130_101 => Verdict::retry_after(600, why),
            -1 => Verdict::retry(why),
            _ if answer.is_success() => Verdict::refused(why),
            _ => answer.by_status(),
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 5, per_minute: 20, avoid_marks: false }
    }
}
