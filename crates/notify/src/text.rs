//! The few words a message adds to what an alert says, in the languages a channel can be set to.

use crate::message::MessageKind;
use model::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The language of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ChannelLanguage")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
    /// Japanese.
    Ja,
}

/// One line of the table: English, Chinese, Japanese.
type Words = [&'static str; 3];

const INFO: Words = ["Info", "提示", "情報"];
const WARNING: Words = ["Warning", "警告", "警告"];
const CRITICAL: Words = ["Critical", "严重", "重大"];
const REMINDER: Words = ["still firing", "仍未恢复", "継続中"];
const RECOVERED: Words = ["Recovered", "已恢复", "復旧"];
const TEST: Words = ["Test", "测试", "テスト"];
const TEST_TITLE: Words = ["Tidewatch can reach this channel", "Tidewatch 可以使用此渠道", "Tidewatch から届きました"];
const TEST_BODY: Words = [
    "This is a test message. Alerts will look like this one.",
    "这是一条测试消息，告警将以相同方式送达。",
    "これはテストです。アラートも同じ形で届きます。",
];
const DIGEST: Words = [
    "{n} alerts: {f} firing, {r} recovered",
    "{n} 条告警：{f} 条触发，{r} 条恢复",
    "アラート {n} 件：発生 {f}、復旧 {r}",
];

const LASTED: Words = ["Lasted {t}", "持续 {t}", "継続時間 {t}"];
const DAYS: Words = ["{n} d", "{n} 天", "{n} 日"];
const HOURS: Words = ["{n} h", "{n} 小时", "{n} 時間"];
const MINUTES: Words = ["{n} min", "{n} 分钟", "{n} 分"];
const SECONDS: Words = ["{n} s", "{n} 秒", "{n} 秒"];

impl Language {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
            Self::Ja => "ja",
        }
    }

    /// Reads what [`Language::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::En, Self::Zh, Self::Ja].into_iter().find(|l| l.as_str() == text)
    }

    const fn of(self, words: Words) -> &'static str {
        match self {
            Self::En => words[0],
            Self::Zh => words[1],
            Self::Ja => words[2],
        }
    }

    /// How bad, in a word.
    pub const fn severity(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Info => self.of(INFO),
            Severity::Warning => self.of(WARNING),
            Severity::Critical => self.of(CRITICAL),
        }
    }

    /// A title with what the reader must know before it: how bad, whether again, whether over.
    pub fn headline(self, kind: MessageKind, severity: Severity, title: &str) -> String {
        let colon = if self == Self::En { ": " } else { "：" };
        let comma = if self == Self::En { ", " } else { "、" };
        let word = self.severity(severity);
        match kind {
            MessageKind::Fired => format!("{word}{colon}{title}"),
            MessageKind::Reminder => format!("{word}{comma}{}{colon}{title}", self.of(REMINDER)),
            MessageKind::Recovered => format!("{}{colon}{title}", self.of(RECOVERED)),
            MessageKind::Test => format!("{}{colon}{title}", self.of(TEST)),
            MessageKind::Digest => title.to_owned(),
        }
    }

    /// Title of a test message.
    pub const fn test_title(self) -> &'static str {
        self.of(TEST_TITLE)
    }

    /// Body of a test message.
    pub const fn test_body(self) -> &'static str {
        self.of(TEST_BODY)
    }

    /// Title of a digest of `firing` + `recovered` alerts.
    pub fn digest_title(self, firing: usize, recovered: usize) -> String {
        self.of(DIGEST)
            .replace("{n}", &(firing + recovered).to_string())
            .replace("{f}", &firing.to_string())
            .replace("{r}", &recovered.to_string())
    }

    /// How long something lasted, in its two largest units.
    pub fn lasted(self, seconds: u64) -> String {
        let units = [(DAYS, seconds / 86_400), (HOURS, seconds / 3_600 % 24), (MINUTES, seconds / 60 % 60)];
        let said = units.into_iter().chain([(SECONDS, seconds % 60)]).skip_while(|(_, n)| *n == 0).take(2);
        let said: Vec<String> =
            said.filter(|(_, n)| *n > 0).map(|(unit, n)| self.of(unit).replace("{n}", &n.to_string())).collect();
        let span = if said.is_empty() { self.of(SECONDS).replace("{n}", "0") } else { said.join(" ") };
        self.of(LASTED).replace("{t}", &span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_largest_units() {
        for (language, seconds, said) in [
            (Language::En, 0, "Lasted 0 s"),
            (Language::En, 59, "Lasted 59 s"),
            (Language::En, 7_500, "Lasted 2 h 5 min"),
            (Language::Zh, 7_259, "持续 2 小时"),
            (Language::Ja, 90_061, "継続時間 1 日 1 時間"),
        ] {
            assert_eq!(language.lasted(seconds), said);
        }
    }
}
