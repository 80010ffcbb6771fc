//! The layers of the `TIDEWATCH_SECTION__KEY` variables and of the flags.

use super::draft::{Draft, read_file};
use super::walk::{Assignment, Walk};
use super::{Origin, Problem, Sources, leaf, yaml};
use crate::schema::{self, Shape};
use serde_json::Value;

const PREFIX: &str = "TIDEWATCH_";

/// Names that steer the program before there is a configuration.
const RESERVED: [&str; 2] = ["TIDEWATCH_CONFIG", "TIDEWATCH_IMPORT_URL"];

/// Short names of keys.
const SHORT: [(&str, &str); 2] = [
    ("TIDEWATCH_ENCRYPTION_KEY", "secrets.encryption_key"),
    ("TIDEWATCH_ENCRYPTION_KEY_FILE", "secrets.encryption_key_file"),
];

/// The variable that sets a dotted key.
pub(crate) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

pub(crate) fn apply(draft: &mut Draft, sources: &Sources) {
    let mut found = Vec::new();
    for (name, text) in sources.environment.range(PREFIX.to_owned()..) {
        let Some(rest) = name.strip_prefix(PREFIX) else { break };
        let origin = Origin::Variable(name.clone());
        if RESERVED.contains(&name.as_str()) {
            continue;
        }
        if let Some((_, key)) = SHORT.iter().find(|(short, _)| short == name) {
            let schema = schema::find(key).unwrap_or(&Value::Null);
            match assign(key, schema, text, origin) {
                Ok(assignment) => found.push(assignment),
                Err(mut problems) => draft.problems.append(&mut problems),
            }
            continue;
        }
        // Kubernetes makes such names (TIDEWATCH_PORT, TIDEWATCH_SERVICE_HOST) for a service called tidewatch.
        let whole =
            schema::find(&rest.to_ascii_lowercase()).is_some_and(|s| matches!(schema::shape(s), Shape::List(_)));
        if !rest.contains("__") && !whole {
            draft.notice(origin, "is not a setting (those are written TIDEWATCH_SECTION__KEY), not used");
            continue;
        }
        let key = rest.replace("__", ".").to_ascii_lowercase();
        let of_file = key.strip_suffix("_file").filter(|stem| schema::find(stem).is_some());
        let result = match (schema::find(&key), of_file) {
            (Some(schema), _) => assign(&key, schema, text, origin),
            (None, Some(stem)) => from_file(stem, text, origin, sources),
            (None, None) => Err(vec![Problem::new(origin, "", unknown(&key))]),
        };
        match result {
            Ok(assignment) => found.push(assignment),
            Err(mut problems) => draft.problems.append(&mut problems),
        }
    }
    draft.layer(found, sources);
}

pub(crate) fn apply_flags(draft: &mut Draft, sources: &Sources) {
    let mut found = Vec::new();
    for flag in &sources.flags {
        let origin = Origin::Flag(flag.name.to_owned());
        match schema::find(flag.key).map(|schema| assign(flag.key, schema, &flag.value, origin.clone())) {
            Some(Ok(assignment)) => found.push(assignment),
            Some(Err(mut problems)) => draft.problems.append(&mut problems),
            None => draft.refuse(origin, flag.key, "unknown key"),
        }
    }
    draft.layer(found, sources);
}

/// One text as the value of a key. A list is YAML in brackets, or words between commas.
pub(crate) fn assign(key: &str, schema: &Value, text: &str, origin: Origin) -> Result<Assignment, Vec<Problem>> {
    let value = match schema::shape(schema) {
        Shape::List(_) if text.trim_start().starts_with('[') => {
            let locate = |_| origin.clone();
            let root = yaml::parse(text).map_err(|f| vec![Problem::new(origin.clone(), key, f.message)])?;
            let mut walk = Walk::new(&locate, None);
            walk.value(&root, schema, key).ok_or(walk.problems)?
        }
        Shape::List(items) => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            let values: Result<Vec<_>, _> = words.map(|word| leaf::read(word, items)).collect();
            Value::Array(values.map_err(|message| vec![Problem::new(origin.clone(), key, message)])?)
        }
        _ => leaf::read(text, schema).map_err(|message| vec![Problem::new(origin.clone(), key, message)])?,
    };
    Ok(Assignment { key: key.to_owned(), value, origin })
}

/// `TIDEWATCH_SECTION__KEY_FILE`: the value is what the file holds.
fn from_file(key: &str, path: &str, origin: Origin, sources: &Sources) -> Result<Assignment, Vec<Problem>> {
    let direct = variable_of(key);
    let problem = |message| vec![Problem::new(origin.clone(), key, message)];
    if sources.environment.contains_key(&direct) {
        return Err(problem(format!("{direct} is set beside it: set one of the two")));
    }
    let text = read_file(sources, path).map_err(problem)?;
    let schema = schema::find(key).unwrap_or(&Value::Null);
    assign(key, schema, &text, origin)
}

fn unknown(key: &str) -> String {
    let hint = schema::nearest(key).map(|near| format!("; did you mean {}?", variable_of(&near))).unwrap_or_default();
    format!("there is no setting {key}{hint}")
}
