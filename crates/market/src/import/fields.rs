//! What a person may say of an IP, checked.

use crate::store::{IpDraft, IpPatch};
use crate::thresholds::Thresholds;
use api::openapi::LINE;
use model::TargetState;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// An IP as written by a person; what is absent or null is not said.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct IpFields {
    /// Japanese name, the search keyword, unique.
    #[schemars(
        length(min = 1, max = 191),
        regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$")
    )]
    pub(super) name: Option<String>,
    /// English name.
    #[schemars(length(max = 191), regex(pattern = LINE))]
    pub(super) name_en: Option<String>,
    /// Chinese name.
    #[schemars(length(max = 191), regex(pattern = LINE))]
    pub(super) name_cn: Option<String>,
    /// anime, game, vocaloid, character, vtuber …
    #[schemars(length(max = 64), regex(pattern = LINE))]
    pub(super) category: Option<String>,
    /// Free words.
    #[schemars(length(max = 32), inner(length(max = 64), regex(pattern = LINE)))]
    pub(super) tags: Option<Vec<String>>,
    /// A picture; empty for none.
    #[schemars(length(max = 2000), regex(pattern = r"^(https?://[A-Za-z0-9][A-Za-z0-9._/-]*)?$"))]
    pub(super) image_url: Option<String>,
    /// A number of another system, as text or number.
    #[serde(default, deserialize_with = "text_or_number")]
    #[schemars(length(max = 191), regex(pattern = LINE))]
    pub(super) external_id: Option<String>,
    /// Free text.
    #[schemars(length(max = 4000), regex(pattern = LINE))]
    pub(super) notes: Option<String>,
    /// base interval / interval.
    #[schemars(range(min = 0.1, max = 10.0))]
    pub(super) weight: Option<f64>,
    /// Whether it is crawled.
    #[schemars(extend("enum" = ["active", "paused", null]))]
    status: Option<TargetState>,
    /// Thresholds of its own.
    thresholds: Option<Thresholds>,
    #[serde(flatten)]
    #[schemars(skip)]
    others: BTreeMap<String, Value>,
}

/// The fields of an IP that is not there yet: the name must be said.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct NewIp(pub IpFields);

impl JsonSchema for NewIp {
    fn schema_name() -> Cow<'static, str> {
        "NewIp".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = IpFields::json_schema(generator);
        schema.insert("required".to_owned(), serde_json::json!(["name"]));
        if let Some(name) = schema.pointer_mut("/properties/name/type") {
            *name = "string".into();
        }
        schema
    }
}

/// What the API adds to an IP; sent back, it is passed over, so that what was read can be written.
const READ_ONLY: &[&str] = &[
    "id",
    "last_crawled_at",
    "created_at",
    "updated_at",
    "tracking_since",
    "covered_until",
    "on_sale_total",
    "sold_total",
    "next_due",
    "failures",
    "failing",
    "last_error",
    "last_error_class",
];

/// One good entry of an import.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Search keyword.
    pub name: String,
    /// What it says; the name is in it.
    pub patch: IpPatch,
}

/// An entry that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError {
    /// Its name, as far as it has one.
    pub name: Option<String>,
    /// What is wrong, and where.
    pub error: String,
}

impl IpFields {
    /// Checks every field; the first problem is the answer.
    pub fn patch(self) -> Result<IpPatch, String> {
        if let Some(name) = self.others.keys().find(|name| !READ_ONLY.contains(&name.as_str())) {
            return Err(format!("unknown field {name:?}"));
        }
        if self.status == Some(TargetState::Deleted) {
            return Err("status must be active or paused; use DELETE to delete".to_owned());
        }
        let thresholds = self.thresholds.map(|t| thresholds(&t)).transpose()?;
        Ok(IpPatch {
            name: self.name.map(|t| filled("name", &t)).transpose()?,
            name_en: self.name_en.map(|t| line("name_en", &t, 191)).transpose()?,
            name_cn: self.name_cn.map(|t| line("name_cn", &t, 191)).transpose()?,
            category: self.category.map(|t| line("category", &t, 64)).transpose()?,
            tags: self.tags.map(|t| tags(&t)).transpose()?,
            image_url: self.image_url.map(|t| url("image_url", &t)).transpose()?,
            external_id: self.external_id.map(|t| line("external_id", &t, 191)).transpose()?,
            notes: self.notes.map(|t| notes(&t)).transpose()?,
            weight: self.weight.map(weight).transpose()?,
            status: self.status,
            thresholds,
        })
    }

    /// The same as an entry of an import: the name must be there.
    pub fn entry(self) -> Result<Entry, String> {
        let patch = self.patch()?;
        let name = patch.name.clone().ok_or("name is missing")?;
        Ok(Entry { name, patch })
    }
}

impl Entry {
    /// A new IP with what the entry says and the defaults for the rest.
    pub fn draft(&self) -> IpDraft {
        let p = self.patch.clone();
        IpDraft {
            name: self.name.clone(),
            name_en: p.name_en.unwrap_or_default(),
            name_cn: p.name_cn.unwrap_or_default(),
            category: p.category.unwrap_or_default(),
            tags: p.tags.unwrap_or_default(),
            image_url: p.image_url.unwrap_or_default(),
            external_id: p.external_id.unwrap_or_default(),
            notes: p.notes.unwrap_or_default(),
            weight: p.weight.unwrap_or(1.0),
        }
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    match Option::<Value>::deserialize(d)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(n)) => Ok(Some(n.to_string())),
        Some(_) => Err(serde::de::Error::custom("external_id must be text or a number")),
    }
}

fn line(field: &str, text: &str, max: usize) -> Result<String, String> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(format!("{field} must not hold control characters"));
    }
    match text.chars().count() {
        n if n > max => Err(format!("{field} must have at most {max} characters, has {n}")),
        _ => Ok(text.to_owned()),
    }
}

fn filled(field: &str, text: &str) -> Result<String, String> {
    let text = line(field, text, 191)?;
    if text.is_empty() { Err(format!("{field} must not be empty")) } else { Ok(text) }
}

fn notes(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("notes must not hold control characters".to_owned());
    }
    match text.chars().count() {
        n if n > 4_000 => Err(format!("notes must have at most 4000 characters, has {n}")),
        _ => Ok(text.to_owned()),
    }
}

fn tags(tags: &[String]) -> Result<Vec<String>, String> {
    let mut checked: Vec<String> = Vec::new();
    for tag in tags {
        let tag = line("tags", tag, 64)?;
        if !tag.is_empty() && !checked.contains(&tag) {
            checked.push(tag);
        }
    }
    if checked.len() > 32 {
        return Err(format!("tags must be at most 32, got {}", checked.len()));
    }
    Ok(checked)
}

fn url(field: &str, text: &str) -> Result<String, String> {
    let text = line(field, text, 2_000)?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = host.is_some_and(|h| h.starts_with(|c: char| c.is_alphanumeric() || c == '['));
    if text.is_empty() || good && !text.contains(char::is_whitespace) {
        return Ok(text);
    }
    Err(format!("{field} must be an http or https address"))
}

fn weight(weight: f64) -> Result<f64, String> {
    if (0.1..=10.0).contains(&weight) { Ok(weight) } else { Err(format!("weight must be 0.1..10, got {weight}")) }
}

fn thresholds(t: &Thresholds) -> Result<String, String> {
    let numbers = [t.low_liquidity, t.surge, t.price_drop];
    if numbers.iter().flatten().any(|n| *n < 0.0) || t.high_outflow.is_some_and(|n| n < 0) {
        return Err("thresholds must not be negative".to_owned());
    }
    serde_json::to_string(t).map_err(|e| e.to_string())
}
