//! An answer's body as a tree whose numbers are still the digits that were sent.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Deeper than any answer of a provider; keeps a hostile one from exhausting the stack.
const MAX_DEPTH: usize = 32;

/// A value of the body.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The digits of a number, as sent.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object; of a key that is there twice the last counts.
    Object(BTreeMap<String, Node>),
}

/// How the body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON; raw control characters inside texts are forgiven (WxRank sends them).
    #[default]
    Json,
    /// XML as objects: an attribute is the key `@Name`, a child element the key `Name` (a list where it is there
    /// more than once), text is `#text`. The root element's own name is left out.
    Xml,
}

impl Format {
    /// What to ask for in `Accept`.
    pub(crate) const fn accepts(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml, text/xml",
        }
    }

    /// Reads a body; the error says what it looks like instead and repeats nothing of it.
    pub fn read(self, body: &[u8]) -> Result<Node, &'static str> {
        let text = std::str::from_utf8(body).map_err(|_| "an answer that is not UTF-8")?;
        let text = text.trim_start_matches('\u{feff}').trim();
        match self {
            _ if text.is_empty() => Err("an empty answer"),
            Self::Json if text.starts_with('<') => Err("a page instead of JSON"),
            Self::Json => json(text),
            Self::Xml => xml(text),
        }
    }
}

fn json(text: &str) -> Result<Node, &'static str> {
    // Between values a control character is a blank anyway; inside a text it is a fault of the sender.
    let cleaned: String = text.chars().map(|c| if c.is_ascii_control() { ' ' } else { c }).collect();
    let raw: &RawValue = serde_json::from_str(&cleaned).map_err(|_| "an answer that is not JSON")?;
    branch(raw, 0)
}

fn branch(raw: &RawValue, depth: usize) -> Result<Node, &'static str> {
    const BROKEN: &str = "an answer that is not JSON";
    if depth > MAX_DEPTH {
        return Err("an answer nested too deeply");
    }
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'n') => Node::Null,
        Some(b't') => Node::Bool(true),
        Some(b'f') => Node::Bool(false),
        Some(b'"') => Node::Text(serde_json::from_str(text).map_err(|_| BROKEN)?),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| BROKEN)?;
            Node::List(items.into_iter().map(|item| branch(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Some(b'{') => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| BROKEN)?;
            let read = entries.into_iter().map(|(key, value)| Ok((key, branch(value, depth + 1)?)));
            Node::Object(read.collect::<Result<_, &'static str>>()?)
        }
        _ => Node::Number(text.to_owned()),
    })
}

fn xml(text: &str) -> Result<Node, &'static str> {
    // roxmltree refuses document type declarations by default, and with them entity expansion.
    let document = roxmltree::Document::parse(text).map_err(|_| "an answer that is not XML")?;
    element(document.root_element(), 0)
}

fn element(from: roxmltree::Node<'_, '_>, depth: usize) -> Result<Node, &'static str> {
    if depth > MAX_DEPTH {
        return Err("an answer nested too deeply");
    }
    let mut entries: BTreeMap<String, Node> =
        from.attributes().map(|a| (format!("@{}", a.name()), Node::Text(a.value().to_owned()))).collect();
    if let Some(text) = from.text().map(str::trim).filter(|text| !text.is_empty()) {
        entries.insert("#text".to_owned(), Node::Text(text.to_owned()));
    }
    for child in from.children().filter(roxmltree::Node::is_element) {
        let node = element(child, depth + 1)?;
        let name = child.tag_name().name().to_owned();
        match entries.remove(&name) {
            None => entries.insert(name, node),
            Some(Node::List(mut many)) => {
                many.push(node);
                entries.insert(name, Node::List(many))
            }
            Some(first) => entries.insert(name, Node::List(vec![first, node])),
        };
    }
    Ok(Node::Object(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_keep_their_digits() {
        let Node::Object(entries) =
            Format::Json.read(b"\xef\xbb\xbf {\"a\": 0.10, \"b\": [1e2, null, \"\\u4e2d\"]}").unwrap()
        else {
            panic!("an object")
        };
        assert_eq!(entries["a"], Node::Number("0.10".into()));
        assert_eq!(entries["b"], Node::List(vec![Node::Number("1e2".into()), Node::Null, Node::Text("中".into())]));
    }

    #[test]
    fn a_raw_control_character_is_forgiven() {
        assert!(Format::Json.read(b"{\"msg\": \"a\x01\nb\"}").is_ok());
    }

    #[test]
    fn what_it_is_instead_is_said() {
        let deep = "[".repeat(100) + &"]".repeat(100);
        for (body, part) in [
            (&b""[..], "empty"),
            (b" \n", "empty"),
            (b"<!doctype html><p>hello", "page"),
            (b"{\"a\": 1", "not JSON"),
            (b"hello", "not JSON"),
            (b"\xff\xfe", "UTF-8"),
            (deep.as_bytes(), "deeply"),
        ] {
            let fault = Format::Json.read(body).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
        assert!(Format::Xml.read(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").is_err());
        assert!(Format::Xml.read(b"{}").is_err());
    }

    #[test]
    fn xml_becomes_objects() {
        let node = Format::Xml.read(b"<r Status='OK'><e n='1'>x</e><e n='2'/></r>").unwrap();
        let Node::Object(root) = node else { panic!("an object") };
        assert_eq!(root["@Status"], Node::Text("OK".into()));
        let Node::List(list) = &root["e"] else { panic!("a list") };
        assert_eq!(list.len(), 2);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Format::Json.read(&body);
            let _ = Format::Xml.read(&body);
        }
    }
}
