//! The effective configuration, key by key.

use crate::load::{Loaded, Origin};
use crate::schema;
use serde_json::{Value, json};

/// One effective value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The dotted key.
    pub key: String,
    /// The value as it is written in a file; secrets are `***`.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl Loaded {
    /// Every key with its value and origin, in the order of the documentation.
    pub fn rows(&self) -> Vec<Row> {
        let settings = json!(self.settings);
        let row = |(key, _): (String, _)| {
            let value = settings.pointer(&format!("/{}", key.replace('.', "/"))).unwrap_or(&Value::Null);
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let origin = self.provenance.get(&key).cloned().unwrap_or_default();
            Row { key, value, origin }
        };
        schema::keys().into_iter().map(row).collect()
    }

    /// The same as one JSON object: `settings`, `provenance` and `notices`.
    pub fn to_json(&self) -> Value {
        let provenance = self.provenance.iter().map(|(key, origin)| (key.clone(), json!(origin.to_string())));
        let notices: Vec<String> = self.notices.iter().map(ToString::to_string).collect();
        json!({
            "settings": self.settings,
            "provenance": provenance.collect::<serde_json::Map<_, _>>(),
            "notices": notices,
        })
    }
}
