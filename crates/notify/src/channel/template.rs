//! A body with holes: `{{title}}`, `{{body}}`, `{{text}}`, `{{severity}}`, `{{kind}}`, `{{at}}`, `{{id}}`, `{{link}}`
//! stand inside quotes, `{{items}}` is a JSON array of everything.

use super::utc;
use crate::message::Message;
use serde::{Deserialize, Serialize};

/// A template whose holes are all known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(String);

const HOLES: [&str; 9] = ["title", "body", "text", "severity", "kind", "at", "id", "link", "items"];

impl Template {
    /// The body for a message. With `json`, texts are escaped to stand between quotes.
    pub fn fill(&self, message: &Message, json: bool) -> String {
        let mut filled = String::with_capacity(self.0.len() + 256);
        for piece in pieces(&self.0) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Hole("items") => filled.push_str(&serde_json::json!(message.items).to_string()),
                Piece::Hole(name) => {
                    let value = value(message, name);
                    let quoted = serde_json::Value::from(value.as_str()).to_string();
                    filled.push_str(if json { &quoted[1..quoted.len() - 1] } else { &value });
                }
            }
        }
        filled
    }
}

fn value(message: &Message, name: &str) -> String {
    match name {
        "title" => message.title.clone(),
        "body" => message.body.clone(),
        "text" => message.text(),
        "severity" => message.severity.as_str().to_owned(),
        "kind" => message.kind.as_str().to_owned(),
        "at" => utc::rfc3339(message.at, "Z"),
        "id" => message.id.clone(),
        _ => message.link.clone().unwrap_or_default(),
    }
}

enum Piece<'a> {
    Text(&'a str),
    Hole(&'a str),
}

/// The template in one pass, so that what is filled in is never itself searched for holes.
fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let hole = rest.strip_prefix("{{").and_then(|r| r.split_once("}}"));
        if let Some((name, after)) = hole {
            rest = after;
            return Some(Piece::Hole(name.trim()));
        }
        // A lone `{{` at the beginning is text, so the search begins behind it.
        let from = rest.char_indices().nth(1).map_or(rest.len(), |(i, _)| i);
        let end = rest[from..].find("{{").map_or(rest.len(), |i| from + i);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Text(text))
    })
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        for piece in pieces(&text) {
            if let Piece::Hole(name) = piece
                && !HOLES.contains(&name)
            {
                return Err(format!("the template has {{{{{name}}}}}; known are {}", HOLES.join(", ")));
            }
        }
        Ok(Self(text))
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn holes_are_filled_and_escaped_once() {
        let mut message = Message::test(Timestamp(0), Language::En);
        message.title = "a \"b\"\n{{body}}".into();
        let template = Template::try_from(r#"{"t":"{{ title }}","x":{"y":"{{kind}}"}}"#.to_owned()).unwrap();
        assert_eq!(template.fill(&message, true), r#"{"t":"a \"b\"\n{{body}}","x":{"y":"test"}}"#);
        let plain = Template::try_from("{{{at}} {{title}} {{".to_owned());
        assert!(plain.is_err(), "{{{{{{at is not a known hole");
        let plain = Template::try_from("é{ {{at}} {{severity}} {{".to_owned()).unwrap();
        assert_eq!(plain.fill(&message, false), "é{ 1970-01-01T00:00:00.000Z info {{");
        assert!(Template::try_from("{{secret}}".to_owned()).is_err());
    }

    use model::Timestamp;
}
