//! What a person may say of a subscription, checked.

use crate::ahead::Ahead;
use crate::cycle::{Cycle, CycleType};
use crate::options::SubscriptionOptions;
use crate::standing::Terms;
use crate::store::SubscriptionDraft;
use crate::zone::Zone;
use jiff::civil::Date;
use model::Timestamp;
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A subscription as written by a person; what is absent stays as it is, and null empties what may be empty.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub(super) struct SubscriptionFields {
    /// Its name, unlike all others.
    #[schemars(length(min = 1, max = 191), regex(pattern = NAME))]
    pub(super) name: Option<String>,
    /// The project or team it belongs to.
    #[serde(alias = "project")]
    #[schemars(length(max = 191))]
    owner_project: Option<String>,
    cycle_type: Option<CycleType>,
    /// 1..7 from Monday, 1..31, or month and day as MMDD.
    #[serde(default, deserialize_with = "day")]
    #[schemars(range(min = 1, max = 1231))]
    renewal_day: Option<i64>,
    alert_days_before: Option<Ahead>,
    /// What it costs, as a number or a decimal text; null when it is not known.
    #[serde(default, deserialize_with = "amount")]
    #[schemars(with = "Option<u32>")]
    amount: Option<Option<Decimal>>,
    /// CNY, USD, JPY …
    #[schemars(length(min = 1, max = 16), regex(pattern = api::openapi::LINE))]
    currency: Option<String>,
    /// A name of the time zone table, or an offset.
    #[serde(alias = "timezone")]
    #[schemars(extend("examples" = ["Asia/Tokyo", "+09:00"]))]
    time_zone: Option<String>,
    /// The day it was last paid for.
    #[serde(default, deserialize_with = "date")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    last_renewed_date: Option<Option<Date>>,
    /// After this day there are no renewals.
    #[serde(default, deserialize_with = "date")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    end_date: Option<Option<Date>>,
    /// Free text.
    #[schemars(length(max = 10_000))]
    notes: Option<String>,
    enabled: Option<bool>,
    #[serde(flatten)]
    #[schemars(skip)]
    others: BTreeMap<String, Value>,
}

/// Names have something to be seen in them, and no control characters.
pub(super) const NAME: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$";

/// The fields of a subscription that is not there yet: some must be said.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct NewSubscription(pub(super) SubscriptionFields);

impl JsonSchema for NewSubscription {
    fn schema_name() -> Cow<'static, str> {
        "NewSubscription".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        required::<SubscriptionFields>(generator, &["name", "cycle_type", "renewal_day"])
    }
}

/// The schema of `T` with some of its fields required, and then not null.
pub(super) fn required<T: JsonSchema>(generator: &mut SchemaGenerator, names: &[&str]) -> Schema {
    let mut schema = T::json_schema(generator);
    for name in names {
        if let Some(property) = schema.pointer_mut(&format!("/properties/{name}")) {
            if let Some(kind) = property.get("type").and_then(|all| all.get(0)).cloned() {
                property["type"] = kind;
            } else if let Some(first) = property.get("anyOf").and_then(|all| all.get(0)).cloned() {
                *property = first;
            }
        }
    }
    schema.insert("required".to_owned(), names.into());
    schema
}

/// What the API adds; sent back, it is passed over, so that what was read can be written.
const READ_ONLY: &[&str] = &[
    "id",
    "status",
    "days_until_renewal",
    "next_renewal_date",
    "next_reminder_date",
    "already_renewed",
    "need_alert",
    "next_check_at",
    "last_checked_at",
    "created_at",
    "updated_at",
];

impl SubscriptionFields {
    /// A new subscription.
    pub(super) fn draft(self, options: &SubscriptionOptions, now: Timestamp) -> Result<SubscriptionDraft, String> {
        let cycle_type = self.cycle_type.ok_or("cycle_type is missing: weekly, monthly or yearly")?;
        let cycle = Cycle::new(cycle_type, self.renewal_day.ok_or("renewal_day is missing")?)?;
        if self.name.is_none() {
            return Err("name is missing".to_owned());
        }
        let base = SubscriptionDraft {
            name: String::new(),
            project: String::new(),
            terms: Terms { cycle, ahead: Ahead::default(), last_renewed: None, end: None },
            amount: None,
            currency: "CNY".to_owned(),
            zone: options.zone.clone(),
            notes: String::new(),
            enabled: true,
        };
        self.over(base, now)
    }

    /// The draft with what is said changed in it.
    pub(super) fn over(self, mut draft: SubscriptionDraft, now: Timestamp) -> Result<SubscriptionDraft, String> {
        if let Some(unknown) = self.others.keys().find(|k| !READ_ONLY.contains(&k.as_str())) {
            return Err(format!("unknown field {unknown:?}"));
        }
        let was = draft.terms.cycle;
        let cycle = self.cycle_type.unwrap_or(was.kind());
        draft.terms.cycle = Cycle::new(cycle, self.renewal_day.unwrap_or(was.day()))?;
        set(&mut draft.terms.ahead, self.alert_days_before);
        set(&mut draft.terms.last_renewed, self.last_renewed_date);
        set(&mut draft.terms.end, self.end_date);
        set(&mut draft.name, self.name.map(|n| n.trim().to_owned()));
        set(&mut draft.project, self.owner_project.map(|p| p.trim().to_owned()));
        set(&mut draft.amount, self.amount);
        set(&mut draft.currency, self.currency.map(|c| c.trim().to_uppercase()));
        set(&mut draft.notes, self.notes);
        set(&mut draft.enabled, self.enabled);
        if let Some(zone) = self.time_zone {
            draft.zone = Zone::parse(&zone)?;
        }
        check(&draft, now)?;
        Ok(draft)
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn check(draft: &SubscriptionDraft, now: Timestamp) -> Result<(), String> {
    name_fits("name", &draft.name)?;
    if draft.project.chars().count() > 191 || draft.notes.chars().count() > 10_000 {
        return Err("owner_project has at most 191 characters, notes 10000".to_owned());
    }
    if draft.currency.is_empty() || draft.currency.chars().count() > 16 || draft.currency.contains(char::is_control) {
        return Err("currency must have 1 to 16 characters".to_owned());
    }
    let most = Decimal::from(1_000_000_000_000_i64);
    if draft.amount.is_some_and(|a| a.is_sign_negative() && !a.is_zero() || a > most || a.scale() > 8) {
        return Err("amount must be 0 to 10^12 with at most 8 decimals".to_owned());
    }
    paid_on(&draft.zone, draft.terms.last_renewed, now)
}

/// Names are shown in messages and metrics.
pub(super) fn name_fits(what: &str, name: &str) -> Result<(), String> {
    let fits = !name.is_empty() && name.chars().count() <= 191 && !name.contains(char::is_control);
    if fits { Ok(()) } else { Err(format!("{what} must have 1 to 191 characters, no control characters")) }
}

/// A payment in the future is a slip of the pen that would silence reminders. Tomorrow has begun somewhere.
pub(super) fn paid_on(zone: &Zone, on: Option<Date>, now: Timestamp) -> Result<(), String> {
    let tomorrow = zone.date(now).and_then(|today| today.tomorrow().ok());
    match (on, tomorrow) {
        (Some(on), Some(tomorrow)) if on > tomorrow => Err(format!("the renewal date {on} is in the future")),
        _ => Ok(()),
    }
}

/// A number, or a text: `15`, `0229`, `02-29`.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let wrong = || serde::de::Error::custom("renewal_day must be 1..7, 1..31 or MMDD");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(n) => n.as_i64().map(Some).ok_or_else(wrong),
        Value::String(text) => text.trim().replace(['-', '/'], "").parse().map(Some).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// A number or a text, read from its digits; null is "not known".
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Decimal>>, D::Error> {
    let text = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(Some(None)),
        Value::Number(n) => n.to_string(),
        Value::String(text) if text.trim().is_empty() => return Ok(Some(None)),
        Value::String(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    let read = text.parse().or_else(|_| Decimal::from_scientific(&text));
    read.map(|a| Some(Some(a))).map_err(|_| serde::de::Error::custom("amount must be a decimal number"))
}

/// `2026-11-21`; null or an empty text is "none".
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Date>>, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref().map(str::trim) {
        None | Some("") => Ok(Some(None)),
        Some(text) => match text.parse() {
            Ok(date) => Ok(Some(Some(date))),
            Err(_) => Err(serde::de::Error::custom("a date must be YYYY-MM-DD")),
        },
    }
}
