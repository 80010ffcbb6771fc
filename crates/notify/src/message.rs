//! What is told: one alert, several in one, or a test. Pure data; channels put it into their own form.

use crate::text::Language;
use aws_lc_rs::digest;
use model::{NoticeKind, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Why people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageKind {
    /// An alert fires for the first time.
    Fired,
    /// It still fires, a cool-down later.
    Reminder,
    /// It is over.
    Recovered,
    /// Somebody tries the channel.
    Test,
    /// Several of the above in one.
    Digest,
}

impl MessageKind {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Reminder => "reminder",
            Self::Recovered => "recovered",
            Self::Test => "test",
            Self::Digest => "digest",
        }
    }

    /// Reads the notice of an outbox row.
    pub fn of_notice(text: &str) -> Option<Self> {
        [Self::Fired, Self::Reminder, Self::Recovered].into_iter().find(|k| k.as_str() == text)
    }
}

impl From<NoticeKind> for MessageKind {
    fn from(notice: NoticeKind) -> Self {
        match notice {
            NoticeKind::Fired => Self::Fired,
            NoticeKind::Reminder => Self::Reminder,
            NoticeKind::Recovered => Self::Recovered,
        }
    }
}

/// How a message looks: its severity, or good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something is over, or a test.
    Good,
    /// As bad as this.
    Bad(Severity),
}

/// One alert's word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// The same for one and the same message, however often it is sent.
    pub id: String,
    /// The same for every message about one alert, from its firing to its recovery.
    pub key: String,
    /// Why.
    pub kind: MessageKind,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// What happened.
    pub body: String,
    /// When it was found.
    pub at: Timestamp,
    /// What kind of alert it is and whose: `alertname`, `watch`, `target` …
    pub labels: BTreeMap<String, String>,
    /// Figures and names for machines.
    pub details: Map<String, Value>,
    /// Where to look.
    pub link: Option<String>,
    /// How many seconds the alert lasted, when it is over and that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasted: Option<u64>,
}

impl Item {
    /// Whether it says that something is over.
    pub fn recovered(&self) -> bool {
        self.kind == MessageKind::Recovered
    }
}

/// What one send tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// The same for the same content: a provider that knows idempotency keys gets it.
    pub id: String,
    /// Why.
    pub kind: MessageKind,
    /// The worst of what still fires; of everything when nothing does.
    pub severity: Severity,
    /// One line, in the channel's language.
    pub title: String,
    /// The rest, lines divided by `\n`.
    pub body: String,
    /// When the newest part was found.
    pub at: Timestamp,
    /// Where to look.
    pub link: Option<String>,
    /// The alerts in it, oldest first; at least one.
    pub items: Vec<Item>,
}

impl Message {
    /// One alert's message.
    pub fn single(item: Item, language: Language) -> Self {
        Self {
            id: item.id.clone(),
            kind: item.kind,
            severity: item.severity,
            title: language.headline(item.kind, item.severity, &item.title),
            body: body(&item, language),
            at: item.at,
            link: item.link.clone(),
            items: vec![item],
        }
    }

    /// Several alerts in one message; `None` without any. One alone is a [`Message::single`].
    pub fn digest(mut items: Vec<Item>, language: Language) -> Option<Self> {
        if items.len() == 1 {
            return items.pop().map(|item| Self::single(item, language));
        }
        let at = items.iter().map(|i| i.at).max()?;
        let firing = items.iter().filter(|i| !i.recovered());
        let worst = firing.clone().map(|i| i.severity).max();
        let count = firing.count();
        let lines: Vec<String> = items.iter().map(|item| line(item, language)).collect();
        Some(Self {
            id: digest_id(&items),
            kind: MessageKind::Digest,
            severity: worst.or_else(|| items.iter().map(|i| i.severity).max())?,
            title: language.digest_title(count, items.len() - count),
            body: lines.join("\n"),
            at,
            link: items.iter().find_map(|i| i.link.clone()),
            items,
        })
    }

    /// What is sent when somebody tries a channel.
    pub fn test(now: Timestamp, language: Language) -> Self {
        let id = format!("test:{}", now.millis());
        let item = Item {
            key: id.clone(),
            id,
            kind: MessageKind::Test,
            severity: Severity::Info,
            title: language.test_title().to_owned(),
            body: language.test_body().to_owned(),
            at: now,
            labels: BTreeMap::from([("alertname".to_owned(), "test".to_owned())]),
            details: Map::new(),
            link: None,
            lasted: None,
        };
        Self::single(item, language)
    }

    /// How it looks.
    pub fn tone(&self) -> Tone {
        if self.kind == MessageKind::Test || self.items.iter().all(Item::recovered) {
            Tone::Good
        } else {
            Tone::Bad(self.severity)
        }
    }

    /// Title and body as one text.
    pub fn text(&self) -> String {
        if self.body.is_empty() { self.title.clone() } else { format!("{}\n{}", self.title, self.body) }
    }
}

/// What an alert says, and how long it lasted.
fn body(item: &Item, language: Language) -> String {
    match item.lasted.map(|seconds| language.lasted(seconds)) {
        Some(lasted) if item.body.is_empty() => lasted,
        Some(lasted) => format!("{}\n{lasted}", item.body),
        None => item.body.clone(),
    }
}

fn line(item: &Item, language: Language) -> String {
    let head = language.headline(item.kind, item.severity, &item.title);
    let body = body(item, language);
    // Chats show a digest as a list: what an alert says in several lines stands in one here.
    let body = body.split('\n').map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("; ");
    if body.is_empty() { format!("- {head}") } else { format!("- {head} ({body})") }
}

fn digest_id(items: &[Item]) -> String {
    let mut ids: Vec<&str> = items.iter().map(|i| i.id.as_str()).collect();
    ids.sort_unstable();
    let hash = digest::digest(&digest::SHA256, ids.join("\n").as_bytes());
    let hex: String = hash.as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("digest:{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(n: i64, kind: MessageKind, severity: Severity) -> Item {
        Item {
            id: format!("{n}:x"),
            key: format!("alert/{n}"),
            kind,
            severity,
            title: format!("title {n}"),
            body: "a\n b".into(),
            at: Timestamp(n),
            labels: BTreeMap::new(),
            details: Map::new(),
            link: None,
            lasted: None,
        }
    }

    #[test]
    fn one_alert_alone_is_itself_and_says_how_bad_it_is() {
        for (language, kind, title) in [
            (Language::En, MessageKind::Fired, "Critical: title 1"),
            (Language::En, MessageKind::Reminder, "Critical, still firing: title 1"),
            (Language::Zh, MessageKind::Recovered, "已恢复：title 1"),
            (Language::Ja, MessageKind::Fired, "重大：title 1"),
        ] {
            let message = Message::digest(vec![item(1, kind, Severity::Critical)], language).unwrap();
            assert_eq!((message.kind, message.title.as_str(), message.body.as_str()), (kind, title, "a\n b"));
        }
    }

    #[test]
    fn several_become_one_with_the_worst_that_still_fires() {
        let items = vec![
            item(1, MessageKind::Recovered, Severity::Critical),
            item(2, MessageKind::Fired, Severity::Warning),
            item(3, MessageKind::Reminder, Severity::Info),
        ];
        let message = Message::digest(items.clone(), Language::En).unwrap();
        assert_eq!(message.severity, Severity::Warning);
        assert_eq!(message.title, "3 alerts: 2 firing, 1 recovered");
        assert_eq!(message.body.lines().next(), Some("- Recovered: title 1 (a; b)"));
        assert_eq!(message.at, Timestamp(3));
        assert_eq!(message.tone(), Tone::Bad(Severity::Warning));
        let mut turned = items;
        turned.reverse();
        assert_eq!(Message::digest(turned, Language::En).unwrap().id, message.id, "the order does not matter");
        assert_eq!(Message::digest(Vec::new(), Language::En), None);
    }

    #[test]
    fn good_news_looks_good() {
        let items = vec![item(1, MessageKind::Recovered, Severity::Critical); 2];
        assert_eq!(Message::digest(items, Language::Zh).unwrap().tone(), Tone::Good);
        assert_eq!(Message::test(Timestamp(7), Language::Ja).tone(), Tone::Good);
    }
}
