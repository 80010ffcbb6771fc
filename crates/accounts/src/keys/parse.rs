//! Lists of keys as people have them: one in a line, `name,key`, or JSON. Read in chunks of any size; pure.

use super::csv;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use settings::Secret;

/// Longest line that is read, in bytes.
const LONGEST_LINE: usize = 8 << 10;
/// Longest JSON text that is read, in bytes; lines are not bounded in number.
pub(crate) const LONGEST_JSON: usize = 64 << 20;
const LONGEST_KEY: usize = 4096;
const SHORTEST_KEY: usize = 8;
const LONGEST_NAME: usize = 190;
/// Blanks at the beginning that are kept while it is not clear what follows.
const MOST_BLANKS: usize = 64 << 10;

/// A key and what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands, from 1.
    pub line: u64,
    /// Its name; empty when it has none.
    pub name: String,
    /// The key itself.
    pub key: Secret,
}

/// What is wrong with a line. The line itself is not quoted: it may hold a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "KeyImportError")]
pub struct LineError {
    /// Where it stands, from 1; in JSON the number of the element.
    pub line: u64,
    /// What is wrong.
    pub error: String,
}

/// A key and its name as JSON gives them, for descriptions.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is only described")]
pub struct NamedKey {
    /// The key.
    #[schemars(length(min = 8, max = 4096), regex(pattern = "^[!-~]+$"))]
    key: String,
    /// Its name.
    #[schemars(length(max = 190), regex(pattern = api::openapi::LINE))]
    name: Option<String>,
}

/// What a line gave.
pub type Line = Result<Entry, LineError>;

fn entry(line: u64, name: &str, key: &str) -> Line {
    let (name, key) = (name.trim(), key.trim());
    let fault = key_fault(key).or_else(|| name_fault(name));
    match fault {
        Some(fault) => Err(LineError { line, error: fault.to_owned() }),
        None => Ok(Entry { line, name: name.to_owned(), key: Secret::new(key) }),
    }
}

fn key_fault(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        Some("there is no key")
    } else if !key.bytes().all(|b| b.is_ascii_graphic()) {
        Some("a key has neither blanks nor letters beyond ASCII")
    } else if key.contains("...") || key.contains("***") {
        Some("this is a masked key, not a key")
    } else if key.len() < SHORTEST_KEY {
        Some("the key is shorter than 8 characters")
    } else if key.len() > LONGEST_KEY {
        Some("the key is longer than 4096 characters")
    } else {
        None
    }
}

fn name_fault(name: &str) -> Option<&'static str> {
    if name.chars().count() > LONGEST_NAME {
        Some("the name is longer than 190 characters")
    } else if name.chars().any(char::is_control) {
        Some("the name holds a control character")
    } else {
        None
    }
}

/// Reads a list in chunks. Whether it is JSON shows at its first character.
#[derive(Debug)]
pub struct Parser {
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Only blanks so far.
    Open(Vec<u8>),
    Lines(Lines),
    Json(Vec<u8>),
}

impl Default for Parser {
    fn default() -> Self {
        Self { form: Form::Open(Vec::new()) }
    }
}

impl Parser {
    /// Reads on. Errs when JSON is longer than 64 MiB.
    pub fn push(&mut self, chunk: &[u8], found: &mut Vec<Line>) -> Result<(), String> {
        if let Form::Open(blanks) = &mut self.form {
            blanks.extend_from_slice(chunk);
            let text = blanks.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(blanks);
            // One or two bytes may be the beginning of a byte order mark.
            let begun = text.iter().position(|b| !b.is_ascii_whitespace()).filter(|_| blanks.len() >= 3);
            if begun.is_none() && blanks.len() < MOST_BLANKS {
                return Ok(());
            }
            let json = begun.is_some_and(|at| matches!(text[at], b'[' | b'{'));
            return self.decide(json, found);
        }
        match &mut self.form {
            Form::Lines(lines) => lines.push(chunk, found),
            Form::Json(text) if text.len() + chunk.len() > LONGEST_JSON => return Err(too_long()),
            Form::Json(text) | Form::Open(text) => text.extend_from_slice(chunk),
        }
        Ok(())
    }

    fn decide(&mut self, json: bool, found: &mut Vec<Line>) -> Result<(), String> {
        let form = if json { Form::Json(Vec::new()) } else { Form::Lines(Lines::default()) };
        let Form::Open(text) = std::mem::replace(&mut self.form, form) else { return Ok(()) };
        self.push(text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text), found)
    }

    /// Reads what is left. Errs when the whole is neither JSON nor lines.
    pub fn finish(mut self, found: &mut Vec<Line>) -> Result<(), String> {
        if let Form::Open(text) = &self.form {
            let json = text.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| matches!(b, b'[' | b'{'));
            self.decide(json, found)?;
        }
        match self.form {
            Form::Lines(lines) => lines.finish(found),
            Form::Json(text) => found.extend(parse_json(&text)?),
            Form::Open(_) => {}
        }
        Ok(())
    }
}

fn too_long() -> String {
    format!("more than {} MiB of JSON; lines are read in any number", LONGEST_JSON >> 20)
}

/// Reads `["…", {"name": "…", "key": "…"}]`, or such a list as `keys` of an object.
pub fn parse_json(bytes: &[u8]) -> Result<Vec<Line>, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| format!("not JSON: {}", place(&e)))?;
    match value {
        Value::Array(keys) => Ok(parse_values(keys)),
        Value::Object(mut object) => match object.remove("keys") {
            Some(Value::Array(keys)) => Ok(parse_values(keys)),
            _ => Err("the object has no list `keys`".into()),
        },
        _ => Err("neither a list of keys nor an object with `keys`".into()),
    }
}

/// Where JSON breaks; the words of the error itself may quote a key.
fn place(e: &serde_json::Error) -> String {
    format!("line {} column {}", e.line(), e.column())
}

/// Reads the elements of a JSON list.
pub(crate) fn parse_values(values: Vec<Value>) -> Vec<Line> {
    let element = |(i, value): (usize, Value)| {
        let line = i as u64 + 1;
        match value {
            Value::String(key) => entry(line, "", &key),
            Value::Object(object) => {
                let text = |name: &str| match object.get(name) {
                    None | Some(Value::Null) => Ok(""),
                    Some(Value::String(text)) => Ok(text.as_str()),
                    Some(_) => Err(LineError { line, error: format!("`{name}` is not a text") }),
                };
                entry(line, text("name")?, text("key")?)
            }
            _ => Err(LineError { line, error: "neither a text nor an object with `key`".into() }),
        }
    };
    values.into_iter().enumerate().map(element).collect()
}

/// Which columns count.
#[derive(Clone, Copy, Debug)]
struct Columns {
    name: Option<usize>,
    key: usize,
}

#[derive(Debug, Default)]
struct Lines {
    line: u64,
    rest: Vec<u8>,
    overlong: bool,
    /// The first line that says something was seen.
    begun: bool,
    header: Option<Columns>,
}

impl Lines {
    fn push(&mut self, chunk: &[u8], found: &mut Vec<Line>) {
        for piece in chunk.split_inclusive(|b| *b == b'\n') {
            if self.rest.len() + piece.len() > LONGEST_LINE {
                self.overlong = true;
                self.rest.clear();
            }
            if !self.overlong {
                self.rest.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                self.end_line(found);
            }
        }
    }

    fn finish(mut self, found: &mut Vec<Line>) {
        if !self.rest.is_empty() || self.overlong {
            self.end_line(found);
        }
    }

    fn end_line(&mut self, found: &mut Vec<Line>) {
        self.line += 1;
        let bytes = std::mem::take(&mut self.rest);
        let line = if std::mem::take(&mut self.overlong) {
            Some(Err(self.fault("the line is longer than 8 KiB")))
        } else {
            match std::str::from_utf8(&bytes) {
                Ok(text) => self.read(text.trim()),
                Err(_) => Some(Err(self.fault("the line is not UTF-8"))),
            }
        };
        found.extend(line);
        self.rest = bytes;
        self.rest.clear();
    }

    fn fault(&self, error: &str) -> LineError {
        LineError { line: self.line, error: error.to_owned() }
    }

    fn read(&mut self, text: &str) -> Option<Line> {
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let fields = match csv::split(text) {
            Ok(fields) => fields,
            Err(error) => return Some(Err(self.fault(error))),
        };
        if !std::mem::replace(&mut self.begun, true) {
            self.header = header(&fields);
            if self.header.is_some() {
                return None;
            }
        }
        let field = |at: usize| fields.get(at).map_or("", String::as_str);
        Some(match (self.header, fields.len()) {
            (Some(columns), _) => entry(self.line, columns.name.map_or("", field), field(columns.key)),
            (None, 1) => entry(self.line, "", field(0)),
            (None, 2) => entry(self.line, field(0), field(1)),
            (None, _) => Err(self.fault("more than two columns need a first line with their names: name,key")),
        })
    }
}

fn header(fields: &[String]) -> Option<Columns> {
    let find = |names: &[&str]| fields.iter().position(|f| names.contains(&f.to_lowercase().as_str()));
    let key = find(&["key", "api_key", "apikey", "api key", "secret", "token"])?;
    Some(Columns { name: find(&["name", "label", "title"]), key })
}

#[cfg(test)]
mod tests;
