//! Whether a receiver takes a message: its shape, its signature, its keyword.

use super::kind::{Complaint, SinkKind};
use super::{Post, Sink};
use crate::accounts::signature::{decode, hmac256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// How far a signature's time may be from ours, ms (an hour, both bots).
const SKEW_MS: i64 = 3_600_000;

/// Feishu's signature: the key is timestamp (seconds) and secret, the message empty (open.feishu.cn, custom bot guide).
pub fn feishu_sign(seconds: &str, secret: &str) -> String {
    STANDARD.encode(hmac256(format!("{seconds}\n{secret}").as_bytes(), ""))
}

/// DingTalk's signature: the key is the secret, the message timestamp (ms) and secret (open.dingtalk.com, custom robot).
pub fn dingtalk_sign(millis: &str, secret: &str) -> String {
    STANDARD.encode(hmac256(secret.as_bytes(), &format!("{millis}\n{secret}")))
}

/// What is wrong with a message, if anything.
pub(crate) fn complaint(sink: &Sink, post: &Post<'_>, now_ms: i64) -> Option<Complaint> {
    let body: Value = serde_json::from_slice(post.body).unwrap_or_default();
    if !is_message(sink.kind, &body) {
        return Some(Complaint::Shape);
    }
    if sink.secret.as_deref().is_some_and(|secret| !is_signed(sink.kind, secret, post.query, &body, now_ms)) {
        return Some(Complaint::Sign);
    }
    let lacks = |keyword: &String| !holds(&body, keyword);
    sink.keyword.as_ref().is_some_and(lacks).then_some(Complaint::Keyword)
}

fn is_message(kind: SinkKind, body: &Value) -> bool {
    let is = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    let named = |member: &str| body[member].as_str().is_some_and(|sort| !sort.is_empty());
    match kind {
        SinkKind::Feishu => named("msg_type") && (is("content") || is("card")),
        SinkKind::Dingtalk | SinkKind::Wecom => body["msgtype"].as_str().is_some_and(is),
        SinkKind::Slack => is("text") || is("blocks") || is("attachments"),
        SinkKind::Discord => is("content") || is("embeds"),
        SinkKind::Telegram => is("chat_id") && named("text"),
        SinkKind::Ntfy => named("topic"),
        SinkKind::Gotify => named("message"),
        SinkKind::Pagerduty => named("routing_key") && named("event_action"),
        SinkKind::Webhook => true,
    }
}

fn is_signed(kind: SinkKind, secret: &str, query: &str, body: &Value, now_ms: i64) -> bool {
    let close = |ms: i64| (now_ms - ms).abs() <= SKEW_MS;
    let parameter = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.clone().find(|(key, _)| *key == name).map(|(_, value)| decode(value).into_owned())
    };
    match kind {
        SinkKind::Feishu => {
            let (time, sign) = (body["timestamp"].as_str().unwrap_or_default(), body["sign"].as_str());
            let seconds = time.parse::<i64>().unwrap_or(i64::MIN / 2_000);
            close(seconds.saturating_mul(1_000)) && sign == Some(&feishu_sign(time, secret))
        }
        SinkKind::Dingtalk => {
            let time = parameter("timestamp").unwrap_or_default();
            close(time.parse().unwrap_or(i64::MIN / 2)) && parameter("sign") == Some(dingtalk_sign(&time, secret))
        }
        _ => true,
    }
}

/// Whether a word is in any text of the body.
fn holds(body: &Value, word: &str) -> bool {
    match body {
        Value::String(text) => text.contains(word),
        Value::Array(items) => items.iter().any(|item| holds(item, word)),
        Value::Object(members) => members.values().any(|member| holds(member, word)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_signatures() {
        assert_eq!(feishu_sign("100", "demo"), "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg=");
        assert_eq!(feishu_sign("1599360473", "demo"), "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
        assert_eq!(dingtalk_sign("1577262236757", "this is secret"), "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=");
        assert_eq!(dingtalk_sign("1700000000000", "SECtest"), "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g=");
    }
}
