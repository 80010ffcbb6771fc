//! Prometheus Alertmanager's own API, v2: alerts are put there as Prometheus does. The same labels are the same alert,
//! so a repeated send changes nothing.

use super::{HookUrl, Sink, utc};
use crate::message::{Item, Message};
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{SECOND, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use settings::Secret;
use std::collections::BTreeMap;

/// An Alertmanager.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alertmanager {
    /// Its address, without `/api/v2/alerts`.
    pub url: HookUrl,
    /// A bearer token, for a proxy before it.
    #[serde(default)]
    pub token: Secret,
    /// A user, for basic authentication.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Secret,
    /// Seconds an alert counts as firing without another word; 0 leaves it to Alertmanager (5 minutes). The default is
    /// an hour more than the day between two reminders.
    #[serde(default = "day_and_hour")]
    pub hold_seconds: u32,
}

const fn day_and_hour() -> u32 {
    25 * 3_600
}

impl Alertmanager {
    fn alert(&self, item: &Item, now: Timestamp) -> Value {
        let mut alert = json!({
            "labels": labels(item),
            "annotations": annotations(item),
            "startsAt": utc::rfc3339(item.at, "Z"),
        });
        let hold = i64::from(self.hold_seconds).saturating_mul(SECOND);
        if item.recovered() {
            alert["endsAt"] = json!(utc::rfc3339(item.at, "Z"));
        } else if hold > 0 {
            alert["endsAt"] = json!(utc::rfc3339(now.plus(hold), "Z"));
        }
        if let Some(link) = &item.link {
            alert["generatorURL"] = json!(link);
        }
        alert
    }
}

/// The labels of an alert in Prometheus' world; they are what makes it the same alert.
pub(crate) fn labels(item: &Item) -> BTreeMap<String, String> {
    let mut labels = item.labels.clone();
    labels.entry("alertname".to_owned()).or_insert_with(|| item.title.clone());
    labels.insert("severity".to_owned(), item.severity.as_str().to_owned());
    labels
}

/// What is told beside the labels.
pub(crate) fn annotations(item: &Item) -> BTreeMap<&str, &str> {
    let mut annotations = BTreeMap::from([("summary", item.title.as_str())]);
    if !item.body.is_empty() {
        annotations.insert("description", &item.body);
    }
    annotations
}

impl Sink for Alertmanager {
    fn request(&self, message: &Message, now: Timestamp) -> Prepared {
        let alerts: Vec<Value> = message.items.iter().map(|item| self.alert(item, now)).collect();
        let request = PreparedRequest::json(self.url.join(&["api", "v2", "alerts"]), &Value::Array(alerts));
        match &self.user {
            _ if !self.token.is_empty() => {
                request.header("authorization", format!("Bearer {}", self.token.reveal())).into()
            }
            Some(user) => {
                let basic = STANDARD.encode(format!("{user}:{}", self.password.reveal()));
                request.header("authorization", format!("Basic {basic}")).into()
            }
            None => request.into(),
        }
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        match answer.by_status() {
            // The real one answers nothing, or at most JSON; a page is somebody else's.
            Verdict::Delivered if answer.body.trim_ascii().starts_with(b"<") => answer.not_understood(),
            other => other,
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 10, per_minute: 300, avoid_marks: false }
    }
}
