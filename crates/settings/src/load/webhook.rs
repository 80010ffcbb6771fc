//! One channel out of the webhook variables of the replaced systems.

use super::draft::Draft;
use super::walk::Assignment;
use super::{Origin, Sources, legacy};
use serde_json::{Value, json};

const KEY: &str = "channels";
const KINDS: [(&str, &str); 4] =
    [("feishu", "feishu"), ("dingtalk", "dingtalk"), ("wecom", "wecom"), ("custom", "webhook")];

/// `WEBHOOK_URL`, with `WEBHOOK_TYPE` as its kind and `WEBHOOK_SOURCE` as its name, behind the channels of the file.
pub(crate) fn apply(draft: &mut Draft, sources: &Sources) {
    let mut get = |name: &str| legacy::look_up(name, draft, sources);
    let [url, kind, source] = ["WEBHOOK_URL", "WEBHOOK_TYPE", "WEBHOOK_SOURCE"].map(&mut get);
    let Some((variable, url)) = url else {
        for (name, _) in [kind, source].into_iter().flatten() {
            draft.notice(Origin::Variable(name), "recognised, not used: takes effect beside WEBHOOK_URL");
        }
        return;
    };
    let kind = match kind {
        None => "webhook",
        Some((variable, word)) => match KINDS.iter().find(|(old, _)| word.eq_ignore_ascii_case(old)) {
            Some((_, kind)) => kind,
            None => {
                let words = KINDS.map(|(old, _)| old).join(", ");
                draft.refuse(Origin::Variable(variable), KEY, format!("{word:?} is not one of {words}"));
                return;
            }
        },
    };
    let name = source.map_or_else(|| "webhook".to_owned(), |(_, name)| name);
    let mut channels = draft.get(KEY).and_then(Value::as_array).cloned().unwrap_or_default();
    if channels.iter().any(|channel| channel["name"] == *name) {
        draft.notice(Origin::Variable(variable), format!("recognised, not used: the file has a channel {name:?}"));
        return;
    }
    channels.push(json!({ "name": name, "kind": kind, "url": url }));
    let channels = Assignment { key: KEY.to_owned(), value: channels.into(), origin: Origin::Variable(variable) };
    draft.layer(vec![channels], sources);
}
