//! A configuration in the making: layers of assignments, the later over the earlier, and what is wrong so far.

use super::walk::Assignment;
use super::{Loaded, Notice, Origin, Problem, Sources, cross};
use crate::Settings;
use crate::schema;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Default)]
pub(crate) struct Draft {
    values: Map<String, Value>,
    origins: BTreeMap<String, Origin>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) notices: Vec<Notice>,
}

impl Draft {
    /// Lays assignments over what is there. A key that names the file of a secret sets the secret too.
    pub(crate) fn layer(&mut self, assignments: Vec<Assignment>, sources: &Sources) {
        let names: Vec<String> = assignments.iter().map(|a| a.key.clone()).collect();
        for assignment in assignments {
            if let Some(secret) = secret_of(&assignment) {
                if names.contains(&secret) {
                    let message = format!("{secret} is set beside it: set one of the two");
                    self.problems.push(Problem::new(assignment.origin.clone(), &assignment.key, message));
                    continue;
                }
                let path = assignment.value.as_str().unwrap_or_default();
                match read_file(sources, path) {
                    Ok(text) => self.set(Assignment { key: secret, value: text.into(), ..assignment.clone() }),
                    Err(m) => self.problems.push(Problem::new(assignment.origin.clone(), &assignment.key, m)),
                }
            }
            self.set(assignment);
        }
    }

    fn set(&mut self, assignment: Assignment) {
        let Assignment { key, value, origin } = assignment;
        let (section, name) = key.rsplit_once('.').unwrap_or(("", &key));
        let mut object = &mut self.values;
        for part in section.split('.').filter(|part| !part.is_empty()) {
            let below = object.entry(part).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(below) = below else { return };
            object = below;
        }
        object.insert(name.to_owned(), value);
        self.origins.insert(key, origin);
    }

    /// What the layers so far say of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut parts = section.split('.').filter(|part| !part.is_empty());
        parts.try_fold(&self.values, |object, part| object.get(part)?.as_object())?.get(name)
    }

    /// Where the layers so far took a key from.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or_default()
    }

    pub(crate) fn refuse(&mut self, origin: Origin, key: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(origin, key, message));
    }

    pub(crate) fn notice(&mut self, origin: Origin, message: impl Into<String>) {
        self.notices.push(Notice { origin, message: message.into() });
    }

    pub(crate) fn finish(mut self) -> Result<Loaded, Vec<Problem>> {
        match serde_json::from_value::<Settings>(Value::Object(std::mem::take(&mut self.values))) {
            Ok(settings) => {
                let found = cross::check(&settings, &self);
                self.problems.extend(found);
                if self.problems.is_empty() {
                    let provenance = schema::keys().into_iter().map(|(key, _)| (self.origin(&key), key));
                    let provenance = provenance.map(|(origin, key)| (key, origin)).collect();
                    return Ok(Loaded { settings, provenance, notices: self.notices });
                }
            }
            // The schema lets nothing pass that the structs refuse; should it, this says so.
            Err(error) => self.refuse(Origin::Default, "", error.to_string()),
        }
        self.problems.sort();
        self.problems.dedup();
        Err(self.problems)
    }
}

/// The secret whose file an assignment names.
fn secret_of(assignment: &Assignment) -> Option<String> {
    let secret = assignment.key.strip_suffix("_file")?;
    let named = assignment.value != "";
    (named && schema::is_secret(schema::find(secret)?)).then(|| secret.to_owned())
}

/// What a file holds, without the line end that editors put there.
pub(crate) fn read_file(sources: &Sources, path: &str) -> Result<String, String> {
    match (sources.read)(Path::new(path)) {
        Ok(text) if text.trim().is_empty() => Err(format!("{path} is empty")),
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => Err(format!("{path} cannot be read: {error}")),
    }
}
