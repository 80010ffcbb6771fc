//! The body Alertmanager posts to webhook receivers (version 4 of its format), for receivers that expect it.

use super::alertmanager::{annotations, labels};
use super::utc;
use crate::message::{Item, Message};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What Alertmanager writes for "not ended".
const NEVER: &str = "0001-01-01T00:00:00Z";

type Pairs<'a> = BTreeMap<&'a str, &'a str>;

/// The whole body.
pub(crate) fn body(message: &Message, receiver: &str) -> Value {
    let firing = message.items.iter().any(|i| !i.recovered());
    let all: Vec<_> = message.items.iter().map(labels).collect();
    let common_labels = common(all.iter().map(|l| l.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect()));
    let common_annotations = common(message.items.iter().map(annotations));
    let group: Pairs<'_> = common_labels.iter().filter(|(k, _)| **k == "alertname").map(|(k, v)| (*k, *v)).collect();
    let key: Vec<String> = group.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{{}}}", key.join(",")),
        "truncatedAlerts": 0,
        "status": status(!firing),
        "receiver": receiver,
        "groupLabels": group,
        "commonLabels": common_labels,
        "commonAnnotations": common_annotations,
        "externalURL": message.link.as_deref().unwrap_or_default(),
        "alerts": message.items.iter().map(alert).collect::<Vec<_>>(),
    })
}

fn alert(item: &Item) -> Value {
    let labels = labels(item);
    let at = utc::rfc3339(item.at, "Z");
    json!({
        "status": status(item.recovered()),
        "fingerprint": fingerprint(&labels),
        "labels": labels,
        "annotations": annotations(item),
        "startsAt": at,
        "endsAt": if item.recovered() { at.as_str() } else { NEVER },
        "generatorURL": item.link.as_deref().unwrap_or_default(),
    })
}

const fn status(recovered: bool) -> &'static str {
    if recovered { "resolved" } else { "firing" }
}

/// The pairs that all have.
fn common<'a>(mut all: impl Iterator<Item = Pairs<'a>>) -> Pairs<'a> {
    let first = all.next().unwrap_or_default();
    all.fold(first, |kept, other| kept.into_iter().filter(|(k, v)| other.get(k) == Some(v)).collect())
}

/// FNV-1a over names and values with 0xff behind each, as prometheus/common computes it.
fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    let bytes = labels.iter().flat_map(|(k, v)| [k, v]).flat_map(|text| text.bytes().chain([0xff]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
