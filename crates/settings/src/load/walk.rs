//! A file's tree held against the schema: what fits becomes assignments, what does not becomes problems.

use super::interpolate::interpolate;
use super::leaf;
use super::yaml::{Key, Kind, Node, Position};
use super::{Environment, Origin, Problem};
use crate::schema::{self, Shape};
use serde_json::{Map, Value};

/// One key set by somebody.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// One walk over one text.
pub(crate) struct Walk<'a> {
    /// Turns a position into a place to show.
    pub(crate) locate: &'a dyn Fn(Position) -> Origin,
    /// Where `${VAR}` is looked up; `None` leaves references alone.
    pub(crate) variables: Option<&'a Environment>,
    pub(crate) found: Vec<Assignment>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(locate: &'a dyn Fn(Position) -> Origin, variables: Option<&'a Environment>) -> Self {
        Self { locate, variables, found: Vec::new(), problems: Vec::new() }
    }

    /// Walks a section: every key below it that is set is found.
    pub(crate) fn section(&mut self, node: &Node, keys: &Map<String, Value>, key: &str) {
        match &node.kind {
            // A section whose keys are all commented out.
            Kind::Null => {}
            Kind::Map(entries) => {
                for (schema, path, _, node) in self.known(entries, keys, key) {
                    if let Shape::Section(keys) = schema::shape(schema) {
                        self.section(node, keys, &path);
                    } else if let Some(value) = self.value(node, schema, &path) {
                        let origin = (self.locate)(node.at);
                        self.found.push(Assignment { key: path, value, origin });
                    }
                }
            }
            Kind::Scalar(_) | Kind::List(_) => {
                self.refuse::<()>(node.at, key, "is a section: write the keys below it, indented");
            }
        }
    }

    /// One value; `None` when a problem was found in it.
    pub(crate) fn value(&mut self, node: &Node, schema: &Value, key: &str) -> Option<Value> {
        match (&node.kind, schema::shape(schema)) {
            (Kind::Null, _) => self.refuse(node.at, key, "has no value; leave the key out to get the default"),
            (Kind::Scalar(text), Shape::Section(_)) => {
                self.refuse(node.at, key, format!("{text:?} is not a group of keys"))
            }
            (Kind::Scalar(text), _) => self.scalar(text, node, schema, key),
            (Kind::List(entries), Shape::List(items)) => {
                let mut values = Vec::new();
                for (n, entry) in entries.iter().enumerate() {
                    values.push(self.value(entry, items, &format!("{key}[{n}]")));
                }
                values.into_iter().collect::<Option<Vec<_>>>().map(Value::Array)
            }
            (Kind::Map(entries), Shape::Section(keys)) => self.object(node, entries, schema, keys, key),
            (Kind::List(_), shape) => self.refuse(node.at, key, format!("is a list; write {}", wanted(shape))),
            (Kind::Map(_), shape) => self.refuse(node.at, key, format!("is a group of keys; write {}", wanted(shape))),
        }
    }

    fn scalar(&mut self, text: &str, node: &Node, schema: &Value, key: &str) -> Option<Value> {
        let text = match self.variables {
            None => text.to_owned(),
            Some(variables) => match interpolate(text, |name| variables.get(name).map(String::as_str)) {
                Ok(text) => text,
                Err(error) => return self.refuse(node.at, key, error.to_string()),
            },
        };
        leaf::read(&text, schema).map_err(|message| self.refuse::<()>(node.at, key, message)).ok()
    }

    /// An entry of a list that has keys of its own.
    fn object(
        &mut self,
        node: &Node,
        entries: &[(Key, Node)],
        schema: &Value,
        keys: &Map<String, Value>,
        key: &str,
    ) -> Option<Value> {
        let before = self.problems.len();
        let mut object = Map::new();
        for (schema, path, name, node) in self.known(entries, keys, key) {
            if let Some(value) = self.value(node, schema, &path) {
                object.insert(name.to_owned(), value);
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !entries.iter().any(|(key, _)| key.name == **name)) {
            self.refuse::<()>(node.at, &schema::join(key, name), "is missing");
        }
        (self.problems.len() == before).then_some(Value::Object(object))
    }

    /// The entries whose key the schema knows, each once; the others are problems.
    fn known<'n>(
        &mut self,
        entries: &'n [(Key, Node)],
        keys: &'n Map<String, Value>,
        section: &str,
    ) -> Vec<(&'n Value, String, &'n str, &'n Node)> {
        let mut known: Vec<(&Value, String, &str, &Node)> = Vec::new();
        for (n, (key, node)) in entries.iter().enumerate() {
            let path = schema::join(section, &key.name);
            if let Some((first, _)) = entries[..n].iter().find(|(earlier, _)| earlier.name == key.name) {
                let message = format!("is there twice: first at {}", (self.locate)(first.at));
                self.refuse::<()>(key.at, &path, message);
            } else if let Some(schema) = keys.get(&key.name) {
                known.push((schema, path, &key.name, node));
            } else {
                let meant = schema::suggest(section, &key.name, keys);
                let hint = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                self.refuse::<()>(key.at, &path, format!("unknown key{hint}"));
            }
        }
        known
    }

    fn refuse<T>(&mut self, at: Position, key: &str, message: impl Into<String>) -> Option<T> {
        self.problems.push(Problem::new((self.locate)(at), key, message));
        None
    }
}

fn wanted(shape: Shape<'_>) -> &'static str {
    match shape {
        Shape::Section(_) => "the keys below it",
        Shape::List(_) => "a list",
        Shape::Choice => "one word",
        Shape::Span => "a length of time such as 15m",
        Shape::Text => "text",
        Shape::Integer => "a whole number",
        Shape::Number => "a number",
        Shape::Boolean => "true or false",
    }
}
