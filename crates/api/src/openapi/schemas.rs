//! The schemas that operations share.

use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Schemas of requests and of answers; a type may look different in the two.
pub(super) struct Schemas {
    given: SchemaGenerator,
    told: SchemaGenerator,
}

/// Where schemas lie in the document.
const PLACE: &str = "#/components/schemas/";
/// How those of requests end while it is not known whether they are others than those of answers.
const INPUT: &str = "Input";

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = |of: fn(SchemaSettings) -> SchemaSettings| {
            let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
            of(settings).into_generator()
        };
        Self { given: settings(SchemaSettings::for_deserialize), told: settings(SchemaSettings::for_serialize) }
    }

    pub(super) fn told<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.told.subschema_for::<T>().to_value()
    }

    pub(super) fn given<T: JsonSchema + ?Sized>(&mut self) -> Value {
        let mut schema = self.given.subschema_for::<T>().to_value();
        renamed(&mut schema, &|name| Some(format!("{name}{INPUT}")));
        schema
    }

    /// Puts all named schemas into the document. Those of requests end in `Input` only where answers look different.
    pub(super) fn into_components(mut self, document: &mut Value) {
        let mut told: Map<String, Value> = self.told.take_definitions(true).into_iter().collect();
        let given: Map<String, Value> = self.given.take_definitions(true).into_iter().collect();
        let own = own_look(&told, &given);
        for (name, mut schema) in given {
            renamed(&mut schema, &|name| own.contains(name).then(|| format!("{name}{INPUT}")));
            let name = if own.contains(&name) { format!("{name}{INPUT}") } else { name };
            told.entry(name).or_insert(schema);
        }
        told.sort_keys();
        renamed(document, &|name| {
            name.strip_suffix(INPUT).filter(|name| !told.contains_key(&format!("{name}{INPUT}"))).map(str::to_owned)
        });
        document["components"]["schemas"] = Value::Object(told);
    }
}

/// Names whose schema in requests is another than in answers, by itself or by what it refers to.
fn own_look(told: &Map<String, Value>, given: &Map<String, Value>) -> BTreeSet<String> {
    let mut own = BTreeSet::new();
    loop {
        let before = own.len();
        for (name, schema) in given {
            let Some(other) = told.get(name) else { continue };
            if schema != other || refers(schema, &own) {
                own.insert(name.clone());
            }
        }
        if own.len() == before {
            return own;
        }
    }
}

fn refers(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| match value {
            Value::String(to) if key == "$ref" => to.strip_prefix(PLACE).is_some_and(|name| names.contains(name)),
            value => refers(value, names),
        }),
        Value::Array(all) => all.iter().any(|value| refers(value, names)),
        _ => false,
    }
}

/// Gives references other names.
fn renamed(schema: &mut Value, name_of: &dyn Fn(&str) -> Option<String>) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(to) if key == "$ref" => {
                        if let Some(name) = to.strip_prefix(PLACE).and_then(name_of) {
                            *to = format!("{PLACE}{name}");
                        }
                    }
                    value => renamed(value, name_of),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| renamed(value, name_of)),
        _ => {}
    }
}
