//! Users and a key out of the variables of the replaced systems.

use super::draft::Draft;
use super::walk::Assignment;
use super::{Origin, Sources, legacy};
use serde_json::{Value, json};

const USERS: &str = "auth.users";
const KEYS: &str = "auth.api_keys";

/// `ADMIN_PASSWORD` is that of the user `admin`; `AUTH_USERNAME` and `AUTH_PASSWORD` are a user, `WEB_API_KEY` is a key
/// called `web`: what they opened is an operator's work here. All are behind those of the file.
pub(crate) fn apply(draft: &mut Draft, sources: &Sources) {
    let mut get = |name: &str| legacy::look_up(name, draft, sources);
    let [admin, user, password, key] =
        ["ADMIN_PASSWORD", "AUTH_USERNAME", "AUTH_PASSWORD", "WEB_API_KEY"].map(&mut get);
    if let Some((variable, password)) = admin {
        let user = json!({ "name": "admin", "password": password, "role": "admin" });
        add(draft, sources, USERS, user, variable);
    }
    match (user, password) {
        (Some((_, name)), Some((variable, password))) => {
            let user = json!({ "name": name, "password": password, "role": "operator" });
            add(draft, sources, USERS, user, variable);
        }
        (Some((variable, _)), None) => {
            draft.notice(Origin::Variable(variable), "recognised, not used: takes effect beside AUTH_PASSWORD");
        }
        (None, Some((variable, _))) => {
            draft.notice(Origin::Variable(variable), "recognised, not used: takes effect beside AUTH_USERNAME");
        }
        (None, None) => {}
    }
    if let Some((variable, key)) = key {
        add(draft, sources, KEYS, json!({ "name": "web", "key": key, "role": "operator" }), variable);
    }
}

fn add(draft: &mut Draft, sources: &Sources, list: &str, entry: Value, variable: String) {
    let mut entries = draft.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    if entries.iter().any(|there| there["name"] == entry["name"]) {
        let message = format!("recognised, not used: {list} has {} already", entry["name"]);
        draft.notice(Origin::Variable(variable), message);
        return;
    }
    entries.push(entry);
    let entries = Assignment { key: list.to_owned(), value: entries.into(), origin: Origin::Variable(variable) };
    draft.layer(vec![entries], sources);
}
