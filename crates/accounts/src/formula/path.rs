//! Where in an answer a value stands.

use super::eval::{EvalFault, Scope};
use super::value::{self, Value};
use crate::document::Node;
use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    /// From the root of the answer rather than from where `at` points.
    pub(super) from_root: bool,
    pub(super) steps: Vec<Step>,
    /// Whether it may lead nowhere.
    pub(super) optional: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
    /// Every element.
    Each,
    /// The elements for which every test holds.
    Where(Vec<(String, Wanted)>),
}

/// What an element must hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    Text(String),
    Number(rust_decimal::Decimal),
    Param(String),
}

impl Path {
    pub(super) fn has_each(&self) -> bool {
        self.steps.contains(&Step::Each)
    }

    pub(super) fn has_where(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Where(_)))
    }

    pub(super) fn params(&self) -> impl Iterator<Item = &str> {
        let tests = self.steps.iter().filter_map(|step| if let Step::Where(tests) = step { Some(tests) } else { None });
        tests
            .flatten()
            .filter_map(|(_, wanted)| if let Wanted::Param(name) = wanted { Some(name.as_str()) } else { None })
    }

    /// The first value it leads to; `None` when it leads nowhere.
    pub(super) fn one<'a>(&self, scope: &Scope<'a>) -> Result<Option<&'a Node>, EvalFault> {
        Ok(self.walk(scope, false)?.into_iter().next())
    }

    /// All values it leads to. An element that lacks what the path asks of it is a fault: a sum over some is not a sum.
    pub(super) fn all<'a>(&self, scope: &Scope<'a>) -> Result<Vec<&'a Node>, EvalFault> {
        self.walk(scope, true)
    }

    fn walk<'a>(&self, scope: &Scope<'a>, strict: bool) -> Result<Vec<&'a Node>, EvalFault> {
        let mut found = vec![if self.from_root { scope.root } else { scope.here }];
        for step in &self.steps {
            let mut next = Vec::new();
            for node in found {
                match (step, node) {
                    (Step::Key(key), Node::Object(entries)) => match entries.get(key) {
                        Some(value) => next.push(value),
                        None if strict => return Err(EvalFault::Missing(self.to_string())),
                        None => {}
                    },
                    (Step::Index(n), Node::List(items)) => next.extend(items.get(*n)),
                    (Step::Each, Node::List(items)) => next.extend(items),
                    (Step::Where(tests), Node::List(items)) => {
                        for item in items {
                            if fits(item, tests, scope)? {
                                next.push(item);
                            }
                        }
                    }
                    _ if strict => return Err(EvalFault::Missing(self.to_string())),
                    _ => {}
                }
            }
            found = next;
        }
        Ok(found)
    }
}

fn fits(item: &Node, tests: &[(String, Wanted)], scope: &Scope<'_>) -> Result<bool, EvalFault> {
    for (key, wanted) in tests {
        let node = if let Node::Object(entries) = item { entries.get(key) } else { None };
        // It might be the one that is looked for: passing it over would read another in its place.
        let node = node.ok_or_else(|| EvalFault::Undecided(key.clone()))?;
        let wanted = match wanted {
            Wanted::Text(text) => Value::text_of(text),
            Wanted::Number(number) => Value::Number(*number),
            Wanted::Param(name) => Value::text_of(scope.param(name).ok_or_else(|| EvalFault::Unset(name.clone()))?),
        };
        // Currency codes come as USD and as usd.
        if !value::equal(&Value::of(node)?, &wanted, true) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from_root {
            f.write_str("$")?;
        }
        for (n, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) if n == 0 && !self.from_root => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Each => f.write_str("[]")?,
                Step::Where(tests) => {
                    let keys: Vec<_> = tests.iter().map(|(key, _)| format!("{key}=…")).collect();
                    write!(f, "[{}]", keys.join(","))?;
                }
            }
        }
        Ok(())
    }
}
