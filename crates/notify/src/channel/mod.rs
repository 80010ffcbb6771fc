//! Where messages go. One file and one line of [`Channel`] each: how a message looks there, and what an answer means.
//! Everything in here is pure; the sending is in `send`.

mod alertmanager;
mod apprise;
mod dingtalk;
mod discord;
mod email;
mod feishu;
mod fit;
mod gotify;
mod hook;
mod ntfy;
mod pagerduty;
mod sign;
mod slack;
mod telegram;
mod template;
mod utc;
mod webhook;
mod webhook_v4;
mod wecom;

pub use hook::HookUrl;

use crate::message::Message;
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, Verdict};
use model::Timestamp;
use std::borrow::Cow;

/// What a channel must know.
trait Sink {
    /// The message in the channel's form.
    fn request(&self, message: &Message, now: Timestamp) -> Prepared;

    /// What an answer means.
    fn judge(&self, answer: &Answer) -> Verdict;

    /// How fast it takes messages.
    fn rate(&self) -> Rate {
        Rate { per_second: 5, per_minute: 60, avoid_marks: false }
    }

    /// Whether several alerts go as one message.
    fn gathers(&self) -> bool {
        true
    }

    /// What the types of the configuration cannot say.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Why a configuration cannot be used, for the person who gave it: it may repeat what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

macro_rules! channels {
    ($($(#[$doc:meta])* $name:ident = $kind:literal in $module:ident),* $(,)?) => {
        /// A channel's kind with its configuration.
        #[derive(Clone, Debug)]
        pub enum Channel {
            $($(#[$doc])* $name($module::$name)),*
        }

        impl Channel {
            /// The kinds there are.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// Reads a configuration of a kind.
            pub fn parse(kind: &str, config: &str) -> Result<Self, ConfigError> {
                let channel = match kind {
                    $($kind => serde_json::from_str(config).map(Self::$name),)*
                    _ => return Err(ConfigError(format!("no such kind of channel; there are {}", Self::KINDS.join(", ")))),
                };
                let channel = channel.map_err(|e| ConfigError(e.to_string()))?;
                channel.sink().check().map_err(ConfigError)?;
                Ok(channel)
            }

            /// The kind's word in tables and JSON.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $kind),* }
            }

            /// The configuration as it may be shown: secrets are `***`.
            pub fn shown(&self) -> serde_json::Value {
                match self { $(Self::$name(c) => serde_json::to_value(c).unwrap_or_default()),* }
            }

            fn sink(&self) -> &dyn Sink {
                match self { $(Self::$name(c) => c),* }
            }
        }
    };
}

channels! {
    /// Feishu or Lark custom bot.
    Feishu = "feishu" in feishu,
    /// DingTalk custom robot.
    DingTalk = "dingtalk" in dingtalk,
    /// WeCom group robot.
    WeCom = "wecom" in wecom,
    /// Slack incoming webhook.
    Slack = "slack" in slack,
    /// Discord webhook.
    Discord = "discord" in discord,
    /// Telegram bot.
    Telegram = "telegram" in telegram,
    /// ntfy topic.
    Ntfy = "ntfy" in ntfy,
    /// Gotify application.
    Gotify = "gotify" in gotify,
    /// PagerDuty service.
    PagerDuty = "pagerduty" in pagerduty,
    /// Alertmanager.
    Alertmanager = "alertmanager" in alertmanager,
    /// Mail.
    Email = "email" in email,
    /// Any HTTP server.
    Webhook = "webhook" in webhook,
    /// Apprise gateway.
    Apprise = "apprise" in apprise,
}

impl Channel {
    /// The message in the channel's form.
    pub fn request(&self, message: &Message, now: Timestamp) -> Prepared {
        self.sink().request(message, now)
    }

    /// What an answer means.
    pub fn judge(&self, answer: &Answer) -> Verdict {
        self.sink().judge(answer)
    }

    /// How fast it takes messages, unless its row says otherwise.
    pub fn rate(&self) -> Rate {
        self.sink().rate()
    }

    /// Whether several alerts go as one message.
    pub fn gathers(&self) -> bool {
        self.sink().gathers()
    }
}

/// The text with the keyword a bot asks for, if it is not in it already. It goes in front, where no cut removes it.
fn with_keyword<'a>(text: &'a str, keyword: Option<&str>) -> Cow<'a, str> {
    match keyword {
        Some(word) if !word.is_empty() && !text.contains(word) => Cow::Owned(format!("{word}\n{text}")),
        _ => Cow::Borrowed(text),
    }
}
