//! What each section of the file is here.

use super::Reading;
use super::fields::Fields;
use accounts::draft::Stated;
use jiff::civil::Date;
use model::{Severity, TargetState};
use notify::{ChannelDraft, Language, Reach, check_address};
use reminders::ahead::Ahead;
use reminders::cycle::{Cycle, CycleType};
use reminders::standing::Terms;
use reminders::store::{Auth, MailboxDraft, SubscriptionDraft, Tls};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use settings::Secret;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A provider there, its name here, and the parameters that make it read what was read there.
type Provider = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Providers whose name or reading differs; all others keep their name.
const PROVIDERS: &[Provider] = &[
    ("volc", "volcengine", &[]),
    // The address that was asked, and the paid balance only, without free credit.
    ("tikhub", "tikhub", &[("site", "china"), ("amount", "paid")]),
    ("glm", "zai", &[("site", "bigmodel")]),
];

/// Providers whose numbers are per cent of a quota.
const PER_CENT: [&str; 1] = ["glm"];

/// Kinds of webhooks there, and of channels here.
const CHANNELS: [(&str, &str); 4] =
    [("feishu", "feishu"), ("dingtalk", "dingtalk"), ("wecom", "wecom"), ("custom", "webhook")];

/// Keys of `settings` that are elsewhere here.
const ELSEWHERE: [(&str, &str); 3] = [
    ("max_concurrent_checks", "accounts.max_concurrent_checks"),
    ("alert_cooldown_seconds", "notify.cooldown"),
    ("log_level", "log.level"),
];

const INTERVAL: &str = "balance_refresh_interval_seconds";

/// What of the file is not moved.
pub(super) fn notes(file: &Map<String, Value>) -> Vec<String> {
    let read = ["settings", "projects", "subscriptions", "email", "emails", "mailboxes", "webhook", "version"];
    let unread = file.keys().filter(|key| !read.contains(&key.as_str()) && !key.starts_with('_'));
    let mut notes: Vec<String> = unread.map(|key| format!("{key}: not moved, it has no counterpart")).collect();
    let settings = file.get("settings").and_then(Value::as_object).into_iter().flatten();
    for (key, _) in settings.filter(|(key, _)| *key != INTERVAL && !key.starts_with('_')) {
        notes.push(match ELSEWHERE.iter().find(|(there, _)| there == key) {
            Some((_, here)) => format!("settings.{key}: not moved, here it is {here} of the configuration"),
            None => format!("settings.{key}: not moved, it has no counterpart"),
        });
    }
    notes
}

/// Time between two looks at a balance, in seconds.
pub(super) fn interval(file: &Map<String, Value>, reading: &Reading<'_>, notes: &mut Vec<String>) -> Option<u64> {
    let settings = Fields::of(file.get("settings")?.as_object()?, reading.look_up);
    let within = |seconds: &i64| (60..=2_592_000).contains(seconds);
    match settings.whole_number(INTERVAL) {
        Ok(None) => None,
        Ok(Some(seconds)) if within(&seconds) => u64::try_from(seconds).ok(),
        _ => {
            notes.push(format!("settings.{INTERVAL}: not moved, it is not 60 to 2592000"));
            None
        }
    }
}

/// A project is an account.
pub(super) fn account(fields: &Fields, interval: Option<u64>) -> Result<Stated, String> {
    let there = fields.required("provider")?.to_lowercase();
    if there == "xai" {
        return Err("provider: xai is the quota of grok.com there, which no provider here reads".into());
    }
    let known = PROVIDERS.iter().find(|(name, ..)| *name == there);
    let (provider, params) = known.map_or((there.as_str(), &[][..]), |(_, here, params)| (*here, *params));
    let params: BTreeMap<_, _> = params.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let state = if fields.flag("enabled", true)? { TargetState::Active } else { TargetState::Paused };
    Ok(Stated {
        name: Some(fields.required("name")?.to_owned()),
        provider: Some(provider.to_owned()),
        secret: Some(Secret::new(fields.required("api_key")?)),
        group: fields.text(&["owner_project", "project"]).map(str::to_owned),
        tags: None,
        params: (!params.is_empty()).then_some(params),
        thresholds: threshold(fields, PER_CENT.contains(&there.as_str()))?,
        interval_seconds: interval,
        state: Some(state),
    })
}

fn threshold(fields: &Fields, per_cent: bool) -> Result<Option<Value>, String> {
    let Some(text) = fields.text(&["threshold"]) else { return Ok(None) };
    let below = accounts::amount::parse(text).ok_or("threshold is not a number")?;
    if below < Decimal::ZERO {
        return Err("threshold is below 0".into());
    }
    let below = below.normalize();
    Ok(match per_cent {
        // Nothing is left of less than nothing of a quota.
        true if below.is_zero() => None,
        true => Some(Value::from(format!("remaining < {below} %"))),
        false => Some(Value::from(format!("remaining < {below}"))),
    })
}

/// Names are shown in messages and metrics.
fn named(fields: &Fields, names: &[&str]) -> Result<String, String> {
    let name = fields.text(names).ok_or("name is missing")?;
    let fits = name.chars().count() <= 191 && !name.contains(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err("name must have 1 to 191 characters, no control characters".into()) }
}

/// A subscription is one here, too.
pub(super) fn subscription(fields: &Fields, reading: &Reading<'_>) -> Result<SubscriptionDraft, String> {
    let zone = reading.subscriptions.zone.clone();
    let last_renewed = date(fields, "last_renewed_date")?;
    let tomorrow = zone.date(reading.now).and_then(|today| today.tomorrow().ok());
    if last_renewed.zip(tomorrow).is_some_and(|(paid, tomorrow)| paid > tomorrow) {
        return Err("last_renewed_date is in the future".into());
    }
    let currency = fields.text(&["currency"]).unwrap_or("CNY").to_uppercase();
    if currency.chars().count() > 16 {
        return Err("currency has more than 16 characters".into());
    }
    let amount = fields.text(&["amount"]).map(|text| accounts::amount::parse(text).ok_or("amount is not a number"));
    let amount = amount.transpose()?;
    if amount.is_some_and(|amount| amount < Decimal::ZERO) {
        return Err("amount is below 0".into());
    }
    Ok(SubscriptionDraft {
        name: named(fields, &["name"])?,
        project: fields.text(&["owner_project", "project"]).unwrap_or_default().to_owned(),
        terms: Terms {
            cycle: cycle(fields, last_renewed)?,
            ahead: ahead(fields)?,
            last_renewed,
            end: date(fields, "end_date")?,
        },
        // 0 is what the other system has for an amount that nobody stated.
        amount: amount.filter(|amount| !amount.is_zero()),
        currency,
        zone,
        notes: fields.text(&["notes"]).unwrap_or_default().to_owned(),
        enabled: fields.flag("enabled", true)?,
    })
}

fn date(fields: &Fields, name: &str) -> Result<Option<Date>, String> {
    let read = fields.text(&[name]).map(|text| text.get(..10).unwrap_or(text).parse());
    read.transpose().map_err(|_| format!("{name} is not a date YYYY-MM-DD"))
}

/// `3`, or a list `[7, 3, 1]`, or `"7,3,1"`.
fn ahead(fields: &Fields) -> Result<Ahead, String> {
    const NAME: &str = "alert_days_before";
    let list = fields.list(NAME).map(|list| list.iter().map(Value::to_string).collect::<Vec<_>>().join(",") + ",");
    let text = list.as_deref().or_else(|| fields.text(&[NAME]));
    text.map_or_else(|| Ok(Ahead::default()), Ahead::parse)
}

fn cycle(fields: &Fields, last_renewed: Option<Date>) -> Result<Cycle, String> {
    let word = fields.text(&["cycle_type"]).unwrap_or("monthly").to_lowercase();
    let kind = CycleType::parse(&word).ok_or("cycle_type is none of weekly, monthly, yearly")?;
    let day = match fields.text(&["renewal_day"]) {
        Some(text) if text.contains(['-', '/']) => {
            text.replace(['-', '/'], "").parse().map_err(|_| "renewal_day is neither a day nor MMDD")?
        }
        _ => fields.whole_number("renewal_day")?.unwrap_or(1),
    };
    if kind != CycleType::Yearly || day > 31 {
        return Cycle::new(kind, day);
    }
    // Files of before MMDD: the month stands apart, or only the last payment tells the day of the year.
    match (fields.whole_number("renewal_month")?, last_renewed) {
        (Some(month), _) => Cycle::new(kind, month * 100 + day),
        (None, Some(paid)) => Cycle::new(kind, i64::from(paid.month()) * 100 + i64::from(paid.day())),
        (None, None) => Err("renewal_day of a yearly cycle must be MMDD (315 is 15 March), or give \
             last_renewed_date"
            .into()),
    }
}

/// A mailbox, and its secret.
pub(super) fn mailbox(fields: &Fields, reading: &Reading<'_>) -> Result<(MailboxDraft, Secret), String> {
    let tls = if fields.flag("use_ssl", true)? { Tls::Tls } else { Tls::Starttls };
    let usual = if tls == Tls::Tls { 993 } else { 143 };
    let port = fields.whole_number("port")?.unwrap_or(usual);
    let host = fields.text(&["host", "server"]).ok_or("host is missing")?.to_lowercase();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '?' | '#' | '\\' | '"');
    if host.len() > 253 || host.contains(odd) {
        return Err("host must be the name of an IMAP server".into());
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        check_address(address, Reach::of(false)).map_err(|e| format!("host: {e}"))?;
    }
    let draft = MailboxDraft {
        name: named(fields, &["name", "username", "email"])?,
        host,
        port: u16::try_from(port).ok().filter(|port| *port > 0).ok_or("port must be 1..65535")?,
        tls,
        auth: Auth::Password,
        username: fields.text(&["username", "email"]).ok_or("username is missing")?.to_owned(),
        sealed: Secret::default(),
        folder: "INBOX".into(),
        words: None,
        allow_private: false,
        interval: reading.mailboxes.interval,
        enabled: fields.flag("enabled", true)?,
    };
    Ok((draft, Secret::new(fields.required("password")?)))
}

/// The webhook is a channel; its source is its name, as with the variable `WEBHOOK_SOURCE`.
pub(super) fn channel(fields: &Fields) -> Result<ChannelDraft, String> {
    let url = fields.required("url")?;
    let stated = match fields.text(&["type", "platform"]).map(str::to_lowercase) {
        Some(word) => {
            let known = CHANNELS.iter().find(|(there, _)| *there == word);
            let words = || format!("type is none of {}", CHANNELS.map(|(there, _)| there).join(", "));
            let (_, kind) = known.ok_or_else(words)?;
            notify::Stated { kind, config: serde_json::json!({ "url": url }) }
        }
        None => notify::read_url(url, None).map_err(|e| format!("url: {}", e.0))?,
    };
    let mut config = stated.config;
    if let Some(secret) = fields.text(&["secret"]).filter(|_| ["feishu", "dingtalk"].contains(&stated.kind)) {
        config["secret"] = secret.into();
    }
    Ok(ChannelDraft {
        name: fields.text(&["source"]).unwrap_or("webhook").to_owned(),
        kind: stated.kind.to_owned(),
        url: None,
        config: Some(config),
        allow_private: false,
        severity_floor: Severity::Info,
        language: Language::default(),
        quiet: None,
        per_second: None,
        per_minute: None,
        gather_seconds: None,
        enabled: fields.flag("enabled", true)?,
    })
}
