//! What a person may say of a mailbox, checked.

use super::fields::{NAME, name_fits, required};
use crate::options::MailboxOptions;
use crate::store::{Auth, MailboxDraft, Tls};
use notify::{Reach, Sealer, check_address};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use settings::Secret;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A mailbox as written by a person; what is absent stays as it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub(super) struct MailboxFields {
    /// Its name, unlike all others.
    #[schemars(length(min = 1, max = 191), regex(pattern = NAME))]
    pub(super) name: Option<String>,
    #[serde(alias = "server")]
    /// The IMAP server.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z]([a-z0-9-]*[a-z0-9])?(\.[a-z]([a-z0-9-]*[a-z0-9])?)*$")
    )]
    host: Option<String>,
    #[schemars(range(min = 1))]
    port: Option<u16>,
    tls: Option<Tls>,
    /// Of the system replaced: true is TLS, false what came before it, now STARTTLS.
    use_ssl: Option<bool>,
    auth: Option<Auth>,
    #[serde(alias = "email")]
    #[schemars(length(min = 1, max = 191), regex(pattern = NAME))]
    username: Option<String>,
    #[serde(alias = "password", alias = "access_token")]
    secret: Option<Secret>,
    #[schemars(length(min = 1, max = 191), regex(pattern = NAME))]
    folder: Option<String>,
    #[serde(default, alias = "keywords", deserialize_with = "words")]
    #[schemars(with = "Option<Vec<String>>", length(max = 200), inner(length(min = 1, max = 100), regex(pattern = NAME)))]
    words: Option<Option<Vec<String>>>,
    allow_private: Option<bool>,
    #[schemars(range(min = 60, max = 604_800))]
    interval_seconds: Option<u64>,
    enabled: Option<bool>,
    #[serde(flatten)]
    #[schemars(skip)]
    others: BTreeMap<String, Value>,
}

/// The fields of a mailbox that is not there yet: some must be said.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct NewMailbox(pub(super) MailboxFields);

impl JsonSchema for NewMailbox {
    fn schema_name() -> Cow<'static, str> {
        "NewMailbox".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        required::<MailboxFields>(generator, &["name", "host", "username", "secret"])
    }
}

fn words<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Option::<Vec<String>>::deserialize(deserializer).map(Some)
}

/// What the API adds; sent back, it is passed over.
const READ_ONLY: &[&str] = &[
    "id",
    "has_secret",
    "readable",
    "last_scan_at",
    "last_good_at",
    "last_took_ms",
    "last_error",
    "next_scan_at",
    "scans",
    "failed_scans",
    "scanned",
    "hits",
    "uidvalidity",
    "last_uid",
    "created_at",
    "updated_at",
];

impl MailboxFields {
    /// A new mailbox.
    pub(super) fn draft(self, options: &MailboxOptions, sealer: &dyn Sealer) -> Result<MailboxDraft, String> {
        for (name, missing) in [
            ("name", self.name.is_none()),
            ("host", self.host.is_none()),
            ("username", self.username.is_none()),
            ("secret", self.secret.as_ref().is_none_or(Secret::is_empty)),
        ] {
            if missing {
                return Err(format!("{name} is missing"));
            }
        }
        let base = MailboxDraft {
            name: String::new(),
            host: String::new(),
            port: 0,
            tls: Tls::Tls,
            auth: Auth::Password,
            username: String::new(),
            sealed: Secret::default(),
            folder: "INBOX".to_owned(),
            words: None,
            allow_private: false,
            interval: options.interval,
            enabled: true,
        };
        self.over(base, sealer)
    }

    /// The draft with what is said changed in it.
    pub(super) fn over(self, before: MailboxDraft, sealer: &dyn Sealer) -> Result<MailboxDraft, String> {
        if let Some(unknown) = self.others.keys().find(|k| !READ_ONLY.contains(&k.as_str())) {
            return Err(format!("unknown field {unknown:?}"));
        }
        let legacy = self.use_ssl.map(|ssl| if ssl { Tls::Tls } else { Tls::Starttls });
        let tls = self.tls.or(legacy).unwrap_or(before.tls);
        let usual = if tls == Tls::Tls { 993 } else { 143 };
        let kept = Some(before.port).filter(|port| *port != 0 && tls == before.tls);
        let interval = self.interval_seconds.map_or(before.interval, Duration::from_secs);
        let given = self.secret.filter(|s| !s.is_empty());
        let words = self.words.map(|w| w.filter(|list| !list.is_empty()));
        let mut draft = MailboxDraft {
            name: self.name.map_or(before.name, |n| n.trim().to_owned()),
            host: self.host.map_or_else(|| before.host.clone(), |h| h.trim().to_lowercase()),
            port: self.port.or(kept).unwrap_or(usual),
            tls,
            auth: self.auth.unwrap_or(before.auth),
            username: self.username.map_or(before.username, |u| u.trim().to_owned()),
            sealed: before.sealed,
            folder: self.folder.unwrap_or(before.folder),
            words: words.unwrap_or(before.words),
            allow_private: self.allow_private.unwrap_or(before.allow_private),
            interval,
            enabled: self.enabled.unwrap_or(before.enabled),
        };
        match given {
            Some(secret) => {
                let sealed = sealer.seal(secret.reveal()).map_err(|e| format!("the secret cannot be sealed: {e}"))?;
                draft.sealed = Secret::new(sealed);
            }
            // A secret goes only where it was given for: who may change a host must not get it sent to another.
            None if draft.host != before.host || (tls == Tls::None && before.tls != Tls::None) => {
                return Err("give the secret again when the host or its protection changes".to_owned());
            }
            None => {}
        }
        check(&draft)?;
        Ok(draft)
    }
}

fn check(draft: &MailboxDraft) -> Result<(), String> {
    name_fits("name", &draft.name)?;
    name_fits("username", &draft.username)?;
    name_fits("folder", &draft.folder)?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '?' | '#' | '\\' | '"');
    if draft.host.is_empty() || draft.host.len() > 253 || draft.host.contains(odd) {
        return Err("host must be the name of an IMAP server".to_owned());
    }
    if let Ok(address) = draft.host.parse::<IpAddr>() {
        check_address(address, Reach::of(draft.allow_private)).map_err(|e| format!("host: {e}"))?;
    }
    if draft.port == 0 {
        return Err("port must be 1..65535".to_owned());
    }
    if draft.tls == Tls::None && !draft.allow_private {
        return Err("tls none is for servers of the own network; it needs allow_private".to_owned());
    }
    if !(60..=604_800).contains(&draft.interval.as_secs()) {
        return Err("interval_seconds must be 60..604800".to_owned());
    }
    let words = draft.words.iter().flatten();
    if words.clone().count() > 200 || words.clone().any(|w| w.trim().is_empty() || w.chars().count() > 100) {
        return Err("words: at most 200, each of 1 to 100 characters".to_owned());
    }
    Ok(())
}
