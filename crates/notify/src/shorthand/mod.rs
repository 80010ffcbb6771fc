//! A channel in one line, as Apprise writes it: `feishu://token?secret=…`, `tgram://bot-token/chat`, and the web
//! addresses the services themselves hand out. What has no channel here goes to an Apprise gateway, if there is one.
//! Pure. An error names the part that is wrong and never repeats it, as most parts are secrets.

mod chats;
mod parts;
mod servers;

use crate::channel::ConfigError;
use parts::Parts;
use serde_json::{Value, json};
use url::Url;

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// The kind of channel.
    pub kind: &'static str,
    /// Its configuration, secrets and all.
    pub config: Value,
}

impl Stated {
    pub(crate) const fn new(kind: &'static str, config: Value) -> Self {
        Self { kind, config }
    }
}

/// Reads a line; `gateway` is the Apprise gateway for schemes that have no channel here.
pub fn read_url(text: &str, gateway: Option<&Url>) -> Result<Stated, ConfigError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("scheme", "is missing, as in feishu://token"))?;
    let scheme = scheme.to_ascii_lowercase();
    if matches!(scheme.as_str(), "http" | "https") {
        return native(text);
    }
    let parts = Parts::parse(rest)?;
    match scheme.as_str() {
        "feishu" => chats::feishu(parts, "open.feishu.cn"),
        "lark" => chats::feishu(parts, "open.larksuite.com"),
        "dingtalk" => chats::dingtalk(parts),
        "wecom" | "wecombot" => chats::wecom(parts),
        "slack" => chats::slack(parts),
        "discord" => chats::discord(parts),
        "tgram" | "telegram" => chats::telegram(parts),
        "pagerduty" => chats::pagerduty(parts),
        "ntfy" => servers::ntfy(parts, "http"),
        "ntfys" => servers::ntfy(parts, "https"),
        "gotify" => servers::gotify(parts, "http"),
        "gotifys" => servers::gotify(parts, "https"),
        "alertmanager" => servers::alertmanager(parts, "http"),
        "alertmanagers" => servers::alertmanager(parts, "https"),
        "json" => servers::webhook(parts, "http"),
        "jsons" => servers::webhook(parts, "https"),
        "apprise" => servers::apprise(parts, "http"),
        "apprises" => servers::apprise(parts, "https"),
        "mailto" | "mailtos" => servers::mail(parts),
        _ => through(text, &scheme, gateway),
    }
}

fn wrong(part: &str, why: &str) -> ConfigError {
    ConfigError(format!("{part} {why}"))
}

/// The web address a service hands out says by its host what it is.
fn native(text: &str) -> Result<Stated, ConfigError> {
    let url = Url::parse(text).map_err(|_| wrong("url", "is not a URL"))?;
    let kind = match url.host_str().unwrap_or_default() {
        "open.feishu.cn" | "open.larksuite.com" => "feishu",
        "oapi.dingtalk.com" => "dingtalk",
        "qyapi.weixin.qq.com" => "wecom",
        "hooks.slack.com" => "slack",
        "discord.com" | "discordapp.com" => "discord",
        _ => "webhook",
    };
    Ok(Stated::new(kind, json!({ "url": text })))
}

fn through(text: &str, scheme: &str, gateway: Option<&Url>) -> Result<Stated, ConfigError> {
    let plain = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !plain {
        return Err(wrong("scheme", "is none"));
    }
    let Some(gateway) = gateway else {
        let why = format!("{scheme:?} is no channel of this program, and no Apprise gateway is set (notify.apprise)");
        return Err(wrong("scheme", &why));
    };
    Ok(Stated::new("apprise", json!({ "url": gateway.as_str(), "urls": [text] })))
}

#[cfg(test)]
mod tests;
