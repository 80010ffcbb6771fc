//! The channels of the configuration as drafts. Pure.

use crate::channel::ConfigError;
use crate::quiet::Quiet;
use crate::secrets::redacted;
use crate::shorthand::read_url;
use crate::store::ChannelDraft;
use crate::text::Language;
use model::Severity;
use serde_json::{Map, Value, json};
use settings::{ChannelSettings, NotifySettings, Secret};
use url::Url;

/// Which channel of the configuration cannot be, and why, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("channels[{index}] ({name}): {why}")]
pub struct StatedError {
    /// Which, from 0.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub why: String,
}

/// The drafts of all channels, ready for [`crate::keep`], or the first that cannot be.
pub fn drafts(channels: &[ChannelSettings], notify: &NotifySettings) -> Result<Vec<ChannelDraft>, StatedError> {
    let gateway = Url::parse(&notify.apprise).ok();
    let one = |(index, channel): (usize, &ChannelSettings)| {
        draft(channel, gateway.as_ref(), notify.allow_private).map_err(|ConfigError(why)| StatedError {
            index,
            name: channel.name.clone(),
            why,
        })
    };
    channels.iter().enumerate().map(one).collect()
}

fn draft(channel: &ChannelSettings, gateway: Option<&Url>, allow_private: bool) -> Result<ChannelDraft, ConfigError> {
    let (kind, config) = configuration(channel, gateway)?;
    let quiet = match channel.quiet_hours.as_str() {
        "" => None,
        text => Some(Quiet::try_from(text.to_owned()).map_err(|why| ConfigError(format!("quiet_hours: {why}")))?),
    };
    let gather = channel.digest_window.map(|span| u32::try_from(span.duration().as_secs()).unwrap_or(u32::MAX));
    let draft = ChannelDraft {
        name: channel.name.clone(),
        kind,
        url: None,
        config: Some(Value::Object(config)),
        allow_private: channel.allow_private,
        severity_floor: Severity::parse(&channel.severity_floor).unwrap_or(Severity::Info),
        language: Language::parse(&channel.language).unwrap_or_default(),
        quiet,
        per_second: None,
        per_minute: Some(channel.per_minute).filter(|n| *n > 0),
        gather_seconds: gather,
        enabled: channel.enabled,
    };
    // What is wrong with it is said before anything is opened or written.
    let config = draft.config.as_ref().map(Value::to_string).unwrap_or_default();
    let reach = channel.allow_private && allow_private;
    crate::Destination::parse(&draft.kind, &config, reach).map_err(|e| ConfigError(redacted(&e.0, &draft)))?;
    Ok(draft)
}

/// Kind and configuration: the URL's, with the fields beside it laid over.
fn configuration(
    channel: &ChannelSettings,
    gateway: Option<&Url>,
) -> Result<(String, Map<String, Value>), ConfigError> {
    let url = channel.url.reveal();
    let web = url.starts_with("http://") || url.starts_with("https://");
    let (mut kind, mut config) = (channel.kind.clone(), Map::new());
    if !url.is_empty() && (kind.is_empty() || !web) {
        let read = read_url(url, gateway).map_err(|e| ConfigError(format!("url: {e}")))?;
        if !kind.is_empty() && kind != read.kind {
            return Err(ConfigError(format!("url: is a channel of kind {}, not {kind}", read.kind)));
        }
        read.kind.clone_into(&mut kind);
        config.extend(read.config.as_object().cloned().unwrap_or_default());
    } else if !url.is_empty() {
        config.insert("url".to_owned(), json!(url));
    }
    config.extend(fields(channel)?);
    Ok((kind, config))
}

/// The fields that are set.
fn fields(channel: &ChannelSettings) -> Result<Map<String, Value>, ConfigError> {
    let secrets = [
        ("secret", &channel.secret),
        ("token", &channel.token),
        ("topic", &channel.topic),
        ("password", &channel.password),
        ("routing_key", &channel.routing_key),
        ("key", &channel.key),
    ];
    let texts = [
        ("keyword", &channel.keyword),
        ("format", &channel.format),
        ("chat_id", &channel.chat_id),
        ("user", &channel.user),
        ("source", &channel.source),
        ("host", &channel.host),
        ("tls", &channel.tls),
        ("from", &channel.from),
        ("template", &channel.template),
        ("content_type", &channel.content_type),
        ("tag", &channel.tag),
    ];
    let urls: Vec<&str> = channel.urls.iter().map(Secret::reveal).collect();
    let lists = [("at_mobiles", json!(channel.at_mobiles)), ("to", json!(channel.to)), ("urls", json!(urls))];
    let mut fields: Map<String, Value> = Map::new();
    let mut set = |name: &str, value: Value, given: bool| {
        fields.extend(given.then(|| (name.to_owned(), value)));
    };
    secrets.iter().for_each(|(name, secret)| set(name, json!(secret.reveal()), !secret.is_empty()));
    texts.iter().for_each(|(name, text)| set(name, json!(text), !text.is_empty()));
    lists.iter().for_each(|(name, list)| set(name, list.clone(), list.as_array().is_some_and(|l| !l.is_empty())));
    set("at_all", json!(true), channel.at_all);
    set("port", json!(channel.port), channel.port > 0);
    set("headers", headers(&channel.headers)?, !channel.headers.is_empty());
    Ok(fields)
}

fn headers(lines: &[Secret]) -> Result<Value, ConfigError> {
    let header = |line: &Secret| {
        let (name, value) = line.reveal().split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), json!(value.trim())))
    };
    let headers: Option<Map<String, Value>> = lines.iter().map(header).collect();
    headers.map(Value::Object).ok_or_else(|| ConfigError("headers: write each as Name: value".to_owned()))
}
