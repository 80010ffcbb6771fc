//! IPs in bulk, from JSON or CSV: a bad entry fails alone.

mod csv;
mod fields;
mod write;

pub use csv::parse_csv;
pub use fields::{Entry, EntryError, IpFields, NewIp};
pub(crate) use write::changes;
pub use write::{Detail, ImportOptions, ImportReport, import};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Entries of one import at most.
pub const MAX_ENTRIES: usize = 10_000;

/// Entries that were read, good and bad.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entries {
    /// In the order of the file.
    pub entries: Vec<Result<Entry, EntryError>>,
    /// Whether IPs that are there already are to be changed; `None` when the file does not say.
    pub upsert: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    ips: Vec<Value>,
    upsert: Option<bool>,
}

/// The body of an import as it is described: entries are read one by one, so that a bad one fails alone.
#[derive(JsonSchema)]
#[schemars(rename = "IpImport")]
#[schemars(untagged)]
pub enum Bulk {
    /// The entries, and what to do with those that are there already.
    Whole {
        /// Entries as `POST /api/v1/ips` takes them; one that is none fails alone.
        #[schemars(length(max = 10_000))]
        ips: Vec<Value>,
        /// Whether IPs that are there already are changed; else they are skipped.
        upsert: Option<bool>,
    },
    /// The entries alone.
    Entries(#[schemars(length(max = 10_000))] Vec<Value>),
}

/// Reads `{"ips":[…],"upsert":true}`, or just the list. Errs only when the whole is no such thing.
pub fn parse_json(bytes: &[u8]) -> Result<Entries, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| format!("not JSON: {e}"))?;
    let body = match value {
        Value::Array(ips) => Body { ips, upsert: None },
        value => serde_json::from_value(value).map_err(|e| format!("not an import: {e}"))?,
    };
    too_many(body.ips.len())?;
    let entries = body.ips.into_iter().enumerate().map(|(i, value)| entry(i, value)).collect();
    Ok(Entries { entries, upsert: body.upsert })
}

fn entry(i: usize, value: Value) -> Result<Entry, EntryError> {
    let name = value.get("name").and_then(Value::as_str).map(str::to_owned);
    let place = || format!("ips[{i}]");
    let fields: IpFields = match serde_json::from_value(value) {
        Ok(fields) => fields,
        Err(e) => return Err(EntryError { name, error: format!("{}: {e}", place()) }),
    };
    fields.entry().map_err(|e| EntryError { name, error: format!("{}: {e}", place()) })
}

fn too_many(n: usize) -> Result<(), String> {
    if n > MAX_ENTRIES {
        return Err(format!("{n} entries; at most {MAX_ENTRIES} at once"));
    }
    Ok(())
}
