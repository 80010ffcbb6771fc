//! Section `channels`.

use crate::{Secret, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One channel kept by configuration. Which of the fields from `secret` on it takes depends on its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub struct ChannelSettings {
    /// Its name, unlike all others.
    #[schemars(length(min = 1, max = 191))]
    pub name: String,
    /// What it is; may be left out where the URL says it.
    #[schemars(extend("enum" = ["feishu", "dingtalk", "wecom", "slack", "discord", "telegram", "ntfy", "gotify",
        "pagerduty", "alertmanager", "email", "webhook", "apprise"]))]
    pub kind: String,
    /// The web address its service hands out, or all in one line as feishu://token?secret=…
    pub url: Secret,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Nothing less severe is sent.
    #[schemars(extend("enum" = ["info", "warning", "critical"]))]
    pub severity_floor: String,
    /// When only what is critical is sent at once, as 22:00-07:00 Asia/Tokyo; empty is never.
    pub quiet_hours: String,
    /// The language of what is added to an alert's own words.
    #[schemars(extend("enum" = ["en", "zh", "ja"]))]
    pub language: String,
    /// Alerts within this time become one message; notify.digest_window by default.
    #[schemars(extend("x-min" = "0s", "x-max" = "1h"))]
    pub digest_window: Option<Span>,
    /// Messages in any minute at most; 0 is what the service takes.
    #[schemars(range(min = 0, max = 10_000))]
    pub per_minute: u32,
    /// Whether it may be at an address of the own network, if notify.allow_private says so too.
    pub allow_private: bool,
    /// Secret of the signature (feishu, dingtalk).
    pub secret: Secret,
    /// Word the bot asks for (feishu, dingtalk).
    pub keyword: String,
    /// card or text (feishu); resources or alertmanager (webhook).
    pub format: String,
    /// Telephone numbers that are called (dingtalk).
    pub at_mobiles: Vec<String>,
    /// Calls everybody (dingtalk).
    pub at_all: bool,
    /// Token (telegram, ntfy, gotify, alertmanager).
    pub token: Secret,
    /// Chat (telegram).
    pub chat_id: String,
    /// Topic (ntfy).
    pub topic: Secret,
    /// User (ntfy, alertmanager, email).
    pub user: String,
    /// Password (ntfy, alertmanager, email).
    pub password: Secret,
    /// Routing key (pagerduty).
    pub routing_key: Secret,
    /// Name of the sender (pagerduty).
    pub source: String,
    /// Server (email).
    pub host: String,
    /// Port of the server; 0 is the usual one (email).
    #[schemars(range(min = 0, max = 65_535))]
    pub port: u32,
    /// starttls, wrapper or none (email).
    pub tls: String,
    /// Sender (email).
    pub from: String,
    /// Receivers (email).
    pub to: Vec<String>,
    /// More headers, each as `Name: value` (webhook).
    pub headers: Vec<Secret>,
    /// Body with holes such as {{title}} (webhook).
    pub template: String,
    /// What the template makes (webhook).
    pub content_type: String,
    /// Key of a configuration the gateway keeps (apprise).
    pub key: Secret,
    /// URLs of services (apprise).
    pub urls: Vec<Secret>,
    /// Which services of the configuration (apprise).
    pub tag: String,
}

impl Default for ChannelSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: String::new(),
            url: Secret::default(),
            enabled: true,
            severity_floor: "info".into(),
            quiet_hours: String::new(),
            language: "en".into(),
            digest_window: None,
            per_minute: 0,
            allow_private: false,
            secret: Secret::default(),
            keyword: String::new(),
            format: String::new(),
            at_mobiles: Vec::new(),
            at_all: false,
            token: Secret::default(),
            chat_id: String::new(),
            topic: Secret::default(),
            user: String::new(),
            password: Secret::default(),
            routing_key: Secret::default(),
            source: String::new(),
            host: String::new(),
            port: 0,
            tls: String::new(),
            from: String::new(),
            to: Vec::new(),
            headers: Vec::new(),
            template: String::new(),
            content_type: String::new(),
            key: Secret::default(),
            urls: Vec::new(),
            tag: String::new(),
        }
    }
}
