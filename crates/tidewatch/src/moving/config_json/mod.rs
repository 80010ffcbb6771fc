//! The `config.json` of balance-alert, read entry by entry. Pure: what cannot be used says why and where, and keeps
//! nothing else from being used.

mod fields;
mod sections;

use accounts::draft::Stated;
use fields::{Fields, quoted};
use model::Timestamp;
use notify::ChannelDraft;
use reminders::store::{MailboxDraft, SubscriptionDraft};
use reminders::{MailboxOptions, SubscriptionOptions};
use serde_json::{Map, Value};
use settings::Secret;
use std::collections::HashMap;

/// What a file says.
#[derive(Default)]
pub struct Moved {
    /// `projects`.
    pub accounts: Vec<Entry<Stated>>,
    /// `subscriptions`.
    pub subscriptions: Vec<Entry<SubscriptionDraft>>,
    /// `email`: the mailbox without its secret, and the secret.
    pub mailboxes: Vec<Entry<(MailboxDraft, Secret)>>,
    /// `webhook`.
    pub channels: Vec<Entry<ChannelDraft>>,
    /// What is in the file and is kept elsewhere here, or nowhere.
    pub notes: Vec<String>,
}

/// One entry of the file.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// Where it stands: `projects[3]`.
    pub at: String,
    /// What people call it; may be empty when that is what is wrong with it.
    pub name: String,
    /// What it says here, or why it cannot be used.
    pub what: Result<T, String>,
}

/// What a file is read with.
pub struct Reading<'a> {
    /// The value of a variable; `None` when it is not set.
    pub look_up: &'a dyn Fn(&str) -> Option<String>,
    /// What a subscription is that does not say otherwise.
    pub subscriptions: &'a SubscriptionOptions,
    /// What a mailbox is that does not say otherwise.
    pub mailboxes: &'a MailboxOptions,
    /// Now.
    pub now: Timestamp,
}

/// The lists of the file, and the names they have had.
const LISTS: [&[&str]; 3] = [&["projects"], &["subscriptions"], &["email", "emails", "mailboxes"]];

/// Whether this is such a file: an object with one of its sections, and without the list of IPs.
pub fn is_one(text: &str) -> bool {
    let Ok(Value::Object(file)) = serde_json::from_str(&quoted(text)) else { return false };
    let sections = LISTS.concat();
    !file.contains_key("ips") && sections.iter().chain(&["webhook"]).any(|section| file.contains_key(*section))
}

/// Reads a file. Fails when it is not one; the words of it are not repeated, as they may be secrets.
pub fn read(text: &str, reading: &Reading<'_>) -> Result<Moved, String> {
    let text = quoted(text.trim_start_matches('\u{feff}'));
    let file = serde_json::from_str(&text)
        .map_err(|e: serde_json::Error| format!("not JSON: line {} column {}", e.line(), e.column()))?;
    let Value::Object(file) = file else { return Err("not an object with projects, subscriptions, email".into()) };
    let mut moved = Moved { notes: sections::notes(&file), ..Moved::default() };
    let interval = sections::interval(&file, reading, &mut moved.notes);
    let [projects, subscriptions, mailboxes] = LISTS;
    moved.accounts = entries(&file, projects, reading, |fields| sections::account(fields, interval))?;
    moved.subscriptions = entries(&file, subscriptions, reading, |fields| sections::subscription(fields, reading))?;
    moved.mailboxes = entries(&file, mailboxes, reading, |fields| sections::mailbox(fields, reading))?;
    moved.channels = channel(&file, reading)?;
    refuse_shared_secrets(&mut moved.accounts);
    Ok(moved)
}

fn entries<T>(
    file: &Map<String, Value>,
    sections: &[&'static str],
    reading: &Reading<'_>,
    read: impl Fn(&Fields) -> Result<T, String>,
) -> Result<Vec<Entry<T>>, String> {
    let mut all = Vec::new();
    for section in sections {
        let elements = match file.get(*section) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(elements)) => elements.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            Some(_) => return Err(format!("{section} is not a list")),
        };
        all.extend(elements.into_iter().enumerate().map(|(i, element)| {
            let at = format!("{section}[{i}]");
            entry(at, element, reading, &read)
        }));
    }
    refuse_shared_names(&mut all);
    Ok(all)
}

fn entry<T>(
    at: String,
    element: &Value,
    reading: &Reading<'_>,
    read: impl Fn(&Fields) -> Result<T, String>,
) -> Entry<T> {
    let Value::Object(object) = element else {
        return Entry { at, name: String::new(), what: Err("not an object".into()) };
    };
    let fields = Fields::of(object, reading.look_up);
    Entry { name: fields.shown_name(), what: fields.whole().and_then(|()| read(&fields)), at }
}

/// The webhook; one without a URL is none.
fn channel(file: &Map<String, Value>, reading: &Reading<'_>) -> Result<Vec<Entry<ChannelDraft>>, String> {
    match file.get("webhook") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(webhook)) if webhook.get("url").is_none_or(|url| url.is_null() || url == "") => {
            Ok(Vec::new())
        }
        Some(webhook @ Value::Object(_)) => {
            let mut entry = entry("webhook".into(), webhook, reading, sections::channel);
            if let Ok(draft) = &entry.what {
                entry.name.clone_from(&draft.name);
            }
            Ok(vec![entry])
        }
        Some(_) => Err("webhook is not an object".into()),
    }
}

/// Here a name is one thing's: of those that share it the first is taken.
fn refuse_shared_names<T>(entries: &mut [Entry<T>]) {
    let mut seen = HashMap::new();
    for entry in entries.iter_mut().filter(|entry| entry.what.is_ok()) {
        let first = seen.entry(entry.name.to_lowercase()).or_insert_with(|| entry.at.clone());
        if *first != entry.at {
            entry.what = Err(format!("{first} has this name already"));
        }
    }
}

/// Here a secret is one account's: of those that share it the first is taken.
fn refuse_shared_secrets(entries: &mut [Entry<Stated>]) {
    let mut seen = HashMap::new();
    for entry in entries {
        let Ok(Some(secret)) = entry.what.as_ref().map(|stated| stated.secret.clone()) else { continue };
        let first = seen.entry(secret.reveal().trim().to_owned()).or_insert_with(|| entry.at.clone());
        if *first != entry.at {
            entry.what = Err(format!("{first} has this api_key already; one account is enough for it"));
        }
    }
}
