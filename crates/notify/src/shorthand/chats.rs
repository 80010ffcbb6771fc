//! Services at addresses of their own: a line holds their tokens only.

use super::parts::Parts;
use super::{Stated, wrong};
use crate::channel::ConfigError;
use serde_json::{Map, Value, json};
use url::Url;

type Read = Result<Stated, ConfigError>;

/// `https://host/…` with segments of our making behind it: a token with a slash in it stays one segment.
fn web(base: &str, segments: &[&str]) -> Result<Url, ConfigError> {
    let mut url = Url::parse(base).map_err(|_| wrong("url", "is not a URL"))?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    Ok(url)
}

/// The keys that have a value.
pub(super) fn config<const N: usize>(keys: [(&str, Option<Value>); N]) -> Value {
    let set = keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(set.collect::<Map<_, _>>())
}

pub(super) fn text(value: Option<String>) -> Option<Value> {
    value.map(Value::from)
}

/// `feishu://token?secret=&keyword=&format=card|text`.
pub(super) fn feishu(mut parts: Parts, host: &str) -> Read {
    let token = parts.next("token")?;
    let url = web(&format!("https://{host}/open-apis/bot/v2/hook"), &[&token])?;
    let config = config([
        ("url", Some(json!(url.as_str()))),
        ("secret", text(parts.take("secret"))),
        ("keyword", text(parts.take("keyword"))),
        ("format", text(parts.take("format"))),
    ]);
    parts.end()?;
    Ok(Stated::new("feishu", config))
}

/// `dingtalk://[secret@]token[/phone…]?secret=&keyword=&at_all=yes`.
pub(super) fn dingtalk(mut parts: Parts) -> Read {
    let token = parts.next("token")?;
    let mut url = web("https://oapi.dingtalk.com/robot/send", &[])?;
    url.query_pairs_mut().append_pair("access_token", &token);
    let phones = parts.rest();
    if phones.iter().any(|phone| !phone.chars().all(|c| c.is_ascii_digit() || c == '+' || c == '-')) {
        return Err(wrong("phone", "is not a number"));
    }
    let secret = parts.take("secret").or_else(|| parts.user.take());
    let at_all = parts.flag("at_all")?;
    let config = config([
        ("url", Some(json!(url.as_str()))),
        ("secret", text(secret)),
        ("keyword", text(parts.take("keyword"))),
        ("at_mobiles", (!phones.is_empty()).then(|| json!(phones))),
        ("at_all", at_all.then_some(json!(true))),
    ]);
    parts.end()?;
    Ok(Stated::new("dingtalk", config))
}

/// `wecom://key`.
pub(super) fn wecom(mut parts: Parts) -> Read {
    let key = parts.next("key")?;
    let mut url = web("https://qyapi.weixin.qq.com/cgi-bin/webhook/send", &[])?;
    url.query_pairs_mut().append_pair("key", &key);
    parts.end()?;
    Ok(Stated::new("wecom", json!({ "url": url.as_str() })))
}

/// `slack://T…/B…/…`, the three parts of an incoming webhook.
pub(super) fn slack(mut parts: Parts) -> Read {
    let [a, b, c] = [parts.next("team")?, parts.next("webhook")?, parts.next("token")?];
    parts.end()?;
    let url = web("https://hooks.slack.com/services", &[&a, &b, &c])?;
    Ok(Stated::new("slack", json!({ "url": url.as_str() })))
}

/// `discord://id/token`.
pub(super) fn discord(mut parts: Parts) -> Read {
    let (id, token) = (parts.next("id")?, parts.next("token")?);
    if !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong("id", "is not a number"));
    }
    parts.end()?;
    let url = web("https://discord.com/api/webhooks", &[&id, &token])?;
    Ok(Stated::new("discord", json!({ "url": url.as_str() })))
}

/// `tgram://bot-token/chat`.
pub(super) fn telegram(mut parts: Parts) -> Read {
    let token = parts.next("token")?;
    if token.split_once(':').is_none_or(|(id, _)| id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit())) {
        return Err(wrong("token", "is not a bot's token, a number and a text with a colon between"));
    }
    let chat = parts.next("chat_id")?;
    parts.end()?;
    Ok(Stated::new("telegram", json!({ "token": token, "chat_id": chat })))
}

/// `pagerduty://routing_key[@…]?region=eu&source=`.
pub(super) fn pagerduty(mut parts: Parts) -> Read {
    // Apprise puts a key of another API behind the @, which events do not need.
    let key = match parts.user.take() {
        Some(key) => {
            parts.rest();
            key
        }
        None => parts.next("routing_key")?,
    };
    let url = match parts.take("region").as_deref() {
        None | Some("us") => None,
        Some("eu") => Some(json!("https://events.eu.pagerduty.com/v2/enqueue")),
        Some(_) => return Err(wrong("region", "is not us or eu")),
    };
    let config = config([("routing_key", Some(json!(key))), ("url", url), ("source", text(parts.take("source")))]);
    parts.end()?;
    Ok(Stated::new("pagerduty", config))
}
