//! YAML (and so JSON) as a tree in which every key and value knows its line and column.
//! Values stay text: what a text means is the schema's to say, so `name: no` is a name.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};

/// Deeper nesting than any configuration has; keeps a hostile file from exhausting the stack.
const MAX_DEPTH: usize = 64;

/// Line and column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl From<&Marker> for Position {
    fn from(marker: &Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    Scalar(String),
    List(Vec<Node>),
    /// In the order of the file; a key may be there twice.
    Map(Vec<(Key, Node)>),
}

#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) at: Position,
    pub(crate) name: String,
}

/// The first thing in a text that is not YAML, or that a configuration does not need.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: Position,
    pub(crate) message: String,
}

/// Reads one document; an empty text is [`Kind::Null`].
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    let mut builder = Builder { events: Parser::new_from_str(text), at: Position { line: 1, column: 1 } };
    let mut root = Node { at: builder.at, kind: Kind::Null };
    let mut documents = 0;
    loop {
        match builder.next()? {
            Event::StreamEnd => return Ok(root),
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(builder.fault("one document is enough: put everything above this ---"));
                }
            }
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            event => root = builder.node(event, 0)?,
        }
    }
}

struct Builder<'a> {
    events: Parser<'a, StrInput<'a>>,
    at: Position,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Event<'a>, Fault> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                self.at = Position::from(&span.start);
                Ok(event)
            }
            Some(Err(error)) => {
                let message = format!("this is not YAML: {}", error.info());
                Err(Fault { at: Position::from(error.marker()), message })
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn fault(&self, message: &str) -> Fault {
        Fault { at: self.at, message: message.to_owned() }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Node, Fault> {
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err(self.fault("nested too deeply"));
        }
        let kind = match event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _)
                if anchor > 0 =>
            {
                return Err(self.fault("anchors (&) are not used here: write the value where it is needed"));
            }
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                return Err(self.fault("tags (!) are not used here: every key knows its type"));
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~" | "null") => Kind::Null,
            Event::Scalar(text, ..) => Kind::Scalar(text.into_owned()),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            Event::Alias(_) => {
                return Err(self.fault("aliases (*) are not used here: write the value where it is needed"));
            }
            _ => return Err(self.fault("this is not YAML: unexpected end")),
        };
        Ok(Node { at, kind })
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Fault> {
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Kind::List(entries)),
                event => entries.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Fault> {
        let mut entries = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Kind::Map(entries)),
                event => self.node(event, depth + 1)?,
            };
            let Kind::Scalar(name) = key.kind else {
                return Err(Fault { at: key.at, message: "a key is a word".into() });
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            entries.push((Key { at: key.at, name }, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (usize, usize, String) {
        let fault = parse(text).unwrap_err();
        (fault.at.line, fault.at.column, fault.message)
    }

    #[test]
    fn keeps_positions_and_order() {
        let Kind::Map(entries) = parse("# c\na: 1\nb:\n  - x\n").unwrap().kind else { panic!("a map") };
        assert_eq!((entries[0].0.at.line, entries[0].0.at.column), (2, 1));
        assert_eq!((entries[0].1.at.line, entries[0].1.at.column), (2, 4));
        let Kind::List(list) = &entries[1].1.kind else { panic!("a list") };
        assert_eq!((list[0].at.line, list[0].at.column), (4, 5));
    }

    #[test]
    fn json_is_yaml_and_nothing_is_null() {
        assert!(matches!(parse("{\"a\": {\"b\": [1, 2]},\n\t\"c\": null}").unwrap().kind, Kind::Map(_)));
        assert!(matches!(parse("").unwrap().kind, Kind::Null));
        assert!(matches!(parse("# only words\n").unwrap().kind, Kind::Null));
    }

    #[test]
    fn refuses_what_a_configuration_does_not_need() {
        for (text, line, column, part) in [
            ("a: &x 1\nb: *x\n", 1, 4, "anchors"),
            ("a: !!str 1\n", 1, 4, "tags"),
            ("a: 1\n---\nb: 2\n", 2, 1, "one document"),
            ("? [a]\n: 1\n", 1, 3, "a key is a word"),
        ] {
            let (l, c, message) = fault(text);
            assert!(message.contains(part), "{text}: {message}");
            assert_eq!((l, c), (line, column), "{text}: {message}");
        }
        assert!(fault(&"[".repeat(100)).2.contains("nested too deeply"));
        fault(&"[".repeat(100_000));
        fault(&"- ".repeat(100_000));
        assert!(fault("a: [1, 2\nb: 3\n").2.contains("this is not YAML"));
    }
}
