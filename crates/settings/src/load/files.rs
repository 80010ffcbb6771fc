//! The layer of the files: one file, or the files of a directory as if they were one.

use super::draft::Draft;
use super::walk::{Assignment, Walk};
use super::yaml::{self, Position};
use super::{Origin, SourceFile, Sources};
use crate::schema::{self, Shape};
use serde_json::Value;

pub(crate) fn apply(draft: &mut Draft, sources: &Sources) {
    let mut all: Vec<Assignment> = Vec::new();
    for file in &sources.files {
        for found in walk(draft, file, sources) {
            let Some(earlier) = all.iter_mut().find(|earlier| earlier.key == found.key) else {
                all.push(found);
                continue;
            };
            match (&mut earlier.value, found.value) {
                // Lists grow from file to file, so that each IP may have a file of its own.
                (Value::Array(list), Value::Array(more)) => list.extend(more),
                _ => {
                    let message = format!("is set in two files: also at {}", earlier.origin);
                    draft.refuse(found.origin, &found.key, message);
                }
            }
        }
    }
    draft.layer(all, sources);
}

fn walk(draft: &mut Draft, file: &SourceFile, sources: &Sources) -> Vec<Assignment> {
    let locate = |at: Position| Origin::File { name: file.name.clone(), line: at.line, column: at.column };
    let root = match yaml::parse(&file.text) {
        Ok(root) => root,
        Err(fault) => {
            draft.refuse(locate(fault.at), "", fault.message);
            return Vec::new();
        }
    };
    let Shape::Section(keys) = schema::shape(schema::json_schema()) else { return Vec::new() };
    let mut walk = Walk::new(&locate, Some(&sources.environment));
    walk.section(&root, keys, "");
    draft.problems.append(&mut walk.problems);
    walk.found
}
