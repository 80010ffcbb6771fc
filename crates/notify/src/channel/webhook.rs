//! Any HTTP server: the JSON of the balance watcher replaced by this product, Alertmanager's, or a template of the
//! user's own.

use super::template::Template;
use super::{HookUrl, Sink, webhook_v4};
use crate::message::{Item, Message, MessageKind};
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use model::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use settings::Secret;
use std::collections::BTreeMap;

/// A webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to.
    pub url: HookUrl,
    /// PUT instead of POST.
    #[serde(default)]
    pub put: bool,
    /// More headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// The form of the body, where there is no template.
    #[serde(default)]
    pub format: Format,
    /// The body with `{{title}}` and the like in it.
    #[serde(default)]
    pub template: Option<Template>,
    /// What the template makes; `application/json` by default.
    #[serde(default = "json_type")]
    pub content_type: String,
    /// The receiver's name in Alertmanager's form.
    #[serde(default = "receiver")]
    pub receiver: String,
}

/// The form of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `{Type, RuleName, Level, Resources[]}`.
    #[default]
    Resources,
    /// What Alertmanager posts, version 4.
    Alertmanager,
}

fn json_type() -> String {
    "application/json".to_owned()
}

fn receiver() -> String {
    "tidewatch".to_owned()
}

impl Webhook {
    fn makes_json(&self) -> bool {
        self.content_type.contains("json")
    }
}

impl Sink for Webhook {
    fn request(&self, message: &Message, _now: Timestamp) -> Prepared {
        let url = self.url.reveal().clone();
        let mut request = match (&self.template, self.format) {
            (Some(template), _) => {
                let body = template.fill(message, self.makes_json());
                let headers = vec![("content-type".to_owned(), Secret::new(&self.content_type))];
                PreparedRequest { method: Method::POST, url, headers, body }
            }
            (None, Format::Resources) => PreparedRequest::json(url, &resources(message)),
            (None, Format::Alertmanager) => PreparedRequest::json(url, &webhook_v4::body(message, &self.receiver)),
        };
        if self.put {
            request.method = Method::PUT;
        }
        request.headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        // Receivers that know the key see a repeated message as the one it is.
        request.header("idempotency-key", &message.id).into()
    }

    fn judge(&self, answer: &Answer) -> Verdict {
        answer.by_status()
    }

    fn check(&self) -> Result<(), String> {
        for (name, value) in &self.headers {
            let known = HeaderName::try_from(name).map_err(|_| format!("{name:?} is no header name"))?;
            if ["host", "content-length", "transfer-encoding", "connection", "content-type"].contains(&known.as_str()) {
                return Err(format!("the header {name} cannot be set"));
            }
            HeaderValue::try_from(value.reveal()).map_err(|_| format!("the header {name} has an impossible value"))?;
        }
        HeaderValue::try_from(&self.content_type).map_err(|_| "content_type is impossible".to_owned())?;
        let Some(template) = self.template.as_ref().filter(|_| self.makes_json()) else { return Ok(()) };
        let sample = Message::test(Timestamp(0), crate::text::Language::En);
        serde_json::from_str::<Value>(&template.fill(&sample, true))
            .map(drop)
            .map_err(|e| format!("the template does not make JSON: {e}"))
    }
}

/// `{Type, RuleName, Level, Resources[]}`, as the replaced balance watcher posts it.
fn resources(message: &Message) -> Value {
    let renewal = message.items.iter().all(|i| i.labels.get("watch").is_some_and(|w| w == "subscription"));
    let rule = match message.items.as_slice() {
        [item] => &item.title,
        _ => &message.title,
    };
    json!({
        "Type": match message.kind {
            MessageKind::Test => "TestNotification",
            _ if message.items.iter().all(Item::recovered) => "RecoveryNotification",
            _ if renewal => "SubscriptionReminder",
            _ => "AlarmNotification",
        },
        "RuleName": rule,
        "Level": message.severity.as_str(),
        "Resources": message.items.iter().map(resource).collect::<Vec<_>>(),
    })
}

fn resource(item: &Item) -> Value {
    let detail = |name: &str| item.details.get(name).cloned().unwrap_or(Value::Null);
    let mut resource = if item.details.contains_key("ProjectName") || item.details.contains_key("SubscriptionName") {
        Value::Object(item.details.clone())
    } else {
        json!({
            "ProjectName": item.labels.get("name").unwrap_or(&item.title),
            "OwnerProject": item.labels.get("group"),
            "Provider": item.labels.get("provider").or_else(|| item.labels.get("watch")),
            "BalanceType": item.labels.get("alertname"),
            "CurrentValue": detail("value"),
            "Threshold": detail("threshold"),
            "Unit": detail("unit"),
        })
    };
    resource["Message"] = json!(if item.body.is_empty() { &item.title } else { &item.body });
    resource
}
