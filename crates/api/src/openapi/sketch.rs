//! One operation while it is being described.

use super::schemas::Schemas;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One operation while it is being described: its parameters, its body and its answers.
pub struct Sketch<'a> {
    schemas: &'a mut Schemas,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) answers: BTreeMap<u16, Value>,
}

impl<'a> Sketch<'a> {
    pub(super) const fn new(schemas: &'a mut Schemas) -> Self {
        Self { schemas, parameters: Vec::new(), body: None, answers: BTreeMap::new() }
    }

    /// The schema of what `T` looks like in an answer.
    pub fn told<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.schemas.told::<T>()
    }

    /// The schema of what `T` looks like in a request.
    pub fn given<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.schemas.given::<T>()
    }

    /// Adds a parameter `in` the path, the query or a header.
    pub fn parameter(&mut self, place: &str, name: &str, required: bool, about: &str, schema: Value) {
        let mut parameter = json!({ "name": name, "in": place, "required": required, "schema": schema });
        if !about.is_empty() {
            parameter["description"] = about.into();
        }
        self.parameters.push(parameter);
    }

    /// The body, with a schema for each media type it may have.
    pub fn body(&mut self, required: bool, media: &[(&str, Value)]) {
        self.body = Some(json!({ "required": required, "content": content(media) }));
    }

    /// An answer of this status, with a schema for each media type it may have; none is an empty one.
    pub fn answer(&mut self, status: u16, about: &str, media: &[(&str, Value)]) {
        let mut answer = json!({ "description": about });
        if !media.is_empty() {
            answer["content"] = content(media);
        }
        self.answers.insert(status, answer);
    }

    /// An answer in the envelope of errors.
    pub fn refusal(&mut self, status: u16) {
        let named = json!({ "$ref": format!("#/components/responses/{status}") });
        self.answers.entry(status).or_insert(named);
    }
}

fn content(media: &[(&str, Value)]) -> Value {
    let of = |(name, schema): &(&str, Value)| ((*name).to_owned(), json!({ "schema": schema }));
    Value::Object(media.iter().map(of).collect::<Map<_, _>>())
}
