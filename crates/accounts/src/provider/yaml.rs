//! YAML (and so JSON) for serde, in which every fault knows its line, column and key.
//! A text stays as written where a text is wanted: `currency: NO` is a text.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};
use serde::de::value::StringDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::fmt;

/// Deeper nesting than any provider file has; keeps a hostile file from exhausting the stack.
const MAX_DEPTH: usize = 24;

type Position = (usize, usize);

/// What is wrong in a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YamlFault {
    at: Option<Position>,
    key: Vec<String>,
    message: String,
}

impl YamlFault {
    fn new(at: Position, message: impl Into<String>) -> Self {
        Self { at: Some(at), key: Vec::new(), message: message.into() }
    }

    /// The innermost place counts.
    fn at(mut self, at: Position) -> Self {
        self.at.get_or_insert(at);
        self
    }

    fn under(mut self, key: &str) -> Self {
        self.key.insert(0, key.to_owned());
        self
    }
}

impl fmt::Display for YamlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.at {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key.join("."))?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for YamlFault {}

impl de::Error for YamlFault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { at: None, key: Vec::new(), message: message.to_string() }
    }
}

/// Reads one document.
pub(super) fn read<T: de::DeserializeOwned>(text: &str) -> Result<T, YamlFault> {
    T::deserialize(parse(text)?)
}

#[derive(Clone, Debug)]
struct Node {
    at: Position,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Null,
    Plain(String),
    Quoted(String),
    List(Vec<Node>),
    Map(Vec<(Position, String, Node)>),
}

fn parse(text: &str) -> Result<Node, YamlFault> {
    let mut builder = Builder { events: Parser::new_from_str(text), at: (1, 1) };
    let mut root = None;
    loop {
        match builder.next()? {
            Event::StreamEnd => return root.ok_or_else(|| YamlFault::new((1, 1), "the file is empty")),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if root.is_some() => return Err(YamlFault::new(builder.at, "one document is enough")),
            event => root = Some(builder.node(event, 0)?),
        }
    }
}

struct Builder<'a> {
    events: Parser<'a, StrInput<'a>>,
    at: Position,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Event<'a>, YamlFault> {
        let position = |marker: &Marker| (marker.line(), marker.col() + 1);
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                self.at = position(&span.start);
                Ok(event)
            }
            Some(Err(error)) => {
                Err(YamlFault::new(position(error.marker()), format!("this is not YAML: {}", error.info())))
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Node, YamlFault> {
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err(YamlFault::new(at, "nested too deeply"));
        }
        let kind = match event {
            Event::Scalar(_, _, anchor, ref tag) if anchor > 0 || tag.is_some() => return Err(no_anchors(at)),
            Event::SequenceStart(anchor, ref tag) | Event::MappingStart(anchor, ref tag)
                if anchor > 0 || tag.is_some() =>
            {
                return Err(no_anchors(at));
            }
            Event::Alias(_) => return Err(no_anchors(at)),
            Event::Scalar(text, ScalarStyle::Plain, ..) if matches!(&*text, "" | "~" | "null") => Kind::Null,
            Event::Scalar(text, ScalarStyle::Plain, ..) => Kind::Plain(text.into_owned()),
            Event::Scalar(text, ..) => Kind::Quoted(text.into_owned()),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(YamlFault::new(at, "this is not YAML: unexpected end")),
        };
        Ok(Node { at, kind })
    }

    fn list(&mut self, depth: usize) -> Result<Kind, YamlFault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Kind::List(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, YamlFault> {
        let mut entries: Vec<(Position, String, Node)> = Vec::new();
        loop {
            let key = match self.next()? {
                Event::MappingEnd => return Ok(Kind::Map(entries)),
                event => self.node(event, depth + 1)?,
            };
            let (Kind::Plain(name) | Kind::Quoted(name)) = key.kind else {
                return Err(YamlFault::new(key.at, "a key is a word"));
            };
            if entries.iter().any(|(_, known, _)| *known == name) {
                return Err(YamlFault::new(key.at, format!("`{name}` is there twice")));
            }
            let event = self.next()?;
            entries.push((key.at, name, self.node(event, depth + 1)?));
        }
    }
}

fn no_anchors(at: Position) -> YamlFault {
    YamlFault::new(
        at,
        "anchors, aliases and tags (& * !) are not used here: quote the text, or write it where it is needed",
    )
}

impl Node {
    fn text(self) -> Result<String, YamlFault> {
        match self.kind {
            Kind::Plain(text) | Kind::Quoted(text) => Ok(text),
            Kind::Null => Err(YamlFault::new(self.at, "is empty; a text is wanted")),
            Kind::List(_) => Err(YamlFault::new(self.at, "is a list; a text is wanted")),
            Kind::Map(_) => {
                Err(YamlFault::new(self.at, "has keys of its own; a text is wanted (quote it if it is one)"))
            }
        }
    }

    fn parsed<T: std::str::FromStr>(self, wanted: &str) -> Result<T, YamlFault> {
        let at = self.at;
        let text = self.text()?;
        text.parse().map_err(|_| YamlFault::new(at, format!("`{text}` is not {wanted}")))
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = YamlFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlFault> {
        let at = self.at;
        match self.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Plain(text) if text == "true" || text == "false" => visitor.visit_bool(text == "true"),
            Kind::Plain(text) => match text.parse() {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => visitor.visit_string(text),
            },
            Kind::Quoted(text) => visitor.visit_string(text),
            Kind::List(items) => visitor.visit_seq(Items { items: items.into_iter().enumerate(), index: 0 }),
            Kind::Map(entries) => visitor.visit_map(Entries { entries: entries.into_iter(), value: None }),
        }
        .map_err(|fault: YamlFault| fault.at(at))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlFault> {
        let at = self.at;
        visitor.visit_string(self.text()?).map_err(|fault: YamlFault| fault.at(at))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlFault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlFault> {
        visitor.visit_bool(self.parsed("true or false")?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlFault> {
        visitor.visit_u32(self.parsed("a whole number")?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlFault> {
        visitor.visit_u16(self.parsed("a whole number below 65536")?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, YamlFault> {
        if matches!(self.kind, Kind::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, YamlFault> {
        let at = self.at;
        visitor.visit_newtype_struct(self).map_err(|fault: YamlFault| fault.at(at))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, YamlFault> {
        let at = self.at;
        match self.kind {
            Kind::Plain(text) | Kind::Quoted(text) => {
                visitor.visit_enum(IntoDeserializer::<YamlFault>::into_deserializer(text))
            }
            Kind::Map(mut entries) if entries.len() == 1 => match entries.pop() {
                Some((at, name, value)) => visitor.visit_enum(Choice { at, name, value }),
                None => Err(YamlFault::new(at, "is empty")),
            },
            _ => Err(YamlFault::new(at, format!("one of {} is wanted", variants.join(", ")))),
        }
        .map_err(|fault: YamlFault| fault.at(at))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

struct Items {
    items: std::iter::Enumerate<std::vec::IntoIter<Node>>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = YamlFault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, YamlFault> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        self.index = index;
        let at = item.at;
        seed.deserialize(item).map(Some).map_err(|fault| fault.at(at).under(&index.to_string()))
    }
}

struct Entries {
    entries: std::vec::IntoIter<(Position, String, Node)>,
    value: Option<(Position, String, Node)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = YamlFault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, YamlFault> {
        let Some((at, name, value)) = self.entries.next() else { return Ok(None) };
        let key: StringDeserializer<YamlFault> = name.clone().into_deserializer();
        self.value = Some((at, name, value));
        seed.deserialize(key).map(Some).map_err(|fault| fault.at(at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, YamlFault> {
        let Some((_, name, value)) = self.value.take() else { return Err(de::Error::custom("a value without a key")) };
        let at = value.at;
        seed.deserialize(value).map_err(|fault| fault.at(at).under(&name))
    }
}

/// `variant: {…}`
struct Choice {
    at: Position,
    name: String,
    value: Node,
}

impl<'de> EnumAccess<'de> for Choice {
    type Error = YamlFault;
    type Variant = Node;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Node), YamlFault> {
        let key: StringDeserializer<YamlFault> = self.name.into_deserializer();
        Ok((seed.deserialize(key).map_err(|fault| fault.at(self.at))?, self.value))
    }
}

impl<'de> VariantAccess<'de> for Node {
    type Error = YamlFault;

    fn unit_variant(self) -> Result<(), YamlFault> {
        if matches!(self.kind, Kind::Null) { Ok(()) } else { Err(YamlFault::new(self.at, "takes nothing more")) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, YamlFault> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, YamlFault> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, YamlFault> {
        self.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    enum Auth {
        Bearer,
        Header { name: String },
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct File {
        name: String,
        auth: Option<Auth>,
        #[serde(default)]
        list: Vec<u32>,
        #[serde(default)]
        any: BTreeMap<String, serde_json::Value>,
    }

    #[test]
    fn what_is_wanted_decides_what_is_read() {
        let file: File =
            read("name: no\nauth: {header: {name: X-Key}}\nlist: [1, 2]\nany: {a: 1, b: '1', c: true, d: ~}\n")
                .unwrap();
        assert_eq!((file.name.as_str(), file.list), ("no", vec![1, 2]));
        assert_eq!(file.auth, Some(Auth::Header { name: "X-Key".into() }));
        assert_eq!(serde_json::to_string(&file.any).unwrap(), r#"{"a":1,"b":"1","c":true,"d":null}"#);
        assert_eq!(read::<File>("{\"name\": \"x\", \"auth\": \"bearer\"}").unwrap().auth, Some(Auth::Bearer));
    }

    #[test]
    fn a_fault_knows_its_place_and_its_key() {
        for (text, part) in [
            ("", "1:1: the file is empty"),
            ("name: x\nnmae: y\n", "2:1: unknown field `nmae`, expected one of `name`, `auth`, `list`, `any`"),
            ("auth: bearer\n", "missing field `name`"),
            ("name: x\nauth: digest\n", "2:7: auth: unknown variant `digest`, expected `bearer` or `header`"),
            ("name: x\nauth: {header: {nam: x}}\n", "2:17: auth: unknown field `nam`, expected `name`"),
            ("name: x\nlist: [1, b]\n", "2:11: list.1: `b` is not a whole number"),
            ("name: [x]\n", "1:7: name: is a list; a text is wanted"),
            ("name: x\nname: y\n", "2:1: `name` is there twice"),
            ("name: &a x\n", "anchors"),
            ("name: !!str x\n", "anchors"),
            ("name: x\n---\nname: y\n", "one document"),
            ("name: [1, 2\n", "this is not YAML"),
            (&"- ".repeat(1000), "nested too deeply"),
        ] {
            let fault = read::<File>(text).unwrap_err().to_string();
            assert!(fault.contains(part), "{text}: {fault}");
        }
    }
}
