//! PagerDuty Events API v2. One event is one alert, so nothing is gathered here; `dedup_key` makes a repeated send the
//! same incident.

use super::{HookUrl, Sink, fit, utc};
use crate::message::{Item, Message};
use crate::rate::Rate;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use settings::Secret;

/// Characters of a summary (PagerDuty/developer-docs, Events API v2).
const MAX_SUMMARY: usize = 1_024;
/// Characters of a dedup key.
const MAX_KEY: usize = 255;
/// Bytes of an event, with room to spare below 512 KB.
const MAX_EVENT: usize = 500_000;

/// A service's integration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerDuty {
    /// The integration's key, 32 characters.
    pub routing_key: Secret,
    /// Another address than `https://events.pagerduty.com/v2/enqueue`, such as that of the EU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<HookUrl>,
    /// Who says so; `tidewatch` by default.
    #[serde(default = "source")]
    pub source: String,
}

fn source() -> String {
    "tidewatch".to_owned()
}

impl PagerDuty {
    fn event(&self, item: &Item) -> Value {
        let mut event = json!({
            "routing_key": self.routing_key.reveal(),
            "event_action": if item.recovered() { "resolve" } else { "trigger" },
            "dedup_key": fit::units(&item.key, MAX_KEY),
        });
        if item.recovered() {
            return event;
        }
        let label = |name: &str| item.labels.get(name);
        let summary = if item.body.is_empty() { item.title.clone() } else { format!("{}: {}", item.title, item.body) };
        event["payload"] = json!({
            "summary": fit::units(&summary, MAX_SUMMARY),
            "source": self.source,
            "severity": item.severity.as_str(),
            "timestamp": utc::rfc3339(item.at, "+0000"),
            "component": label("provider").or_else(|| label("target")),
            "group": label("group").or_else(|| label("watch")),
            "class": label("class").or_else(|| label("alertname")),
            "custom_details": item.details,
        });
        event["client"] = json!(self.source);
        if let Some(link) = &item.link {
            event["client_url"] = json!(link);
        }
        event
    }
}

impl Sink for PagerDuty {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        let url = self.url.clone().map_or_else(|| "https://events.pagerduty.com/v2/enqueue".to_owned().try_into(), Ok);
        let (Ok(url), [item]) = (url, message.items.as_slice()) else {
            return Prepared::Unfit("an event tells of one alert".to_owned());
        };
        let event = self.event(item);
        if event.to_string().len() > MAX_EVENT {
            return Prepared::Unfit("the alert's details are too long for an event".to_owned());
        }
        PreparedRequest::json(url.reveal().clone(), &event).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        match answer.by_status() {
            Verdict::Delivered if answer.json()["status"] != "success" => answer.not_understood(),
            other => other,
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 5, per_minute: 60, avoid_marks: false }
    }

    fn gathers(&self) -> bool {
        false
    }
}
