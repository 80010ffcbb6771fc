//! Values as the search answer really holds them: numbers as text or as numbers, keys that come and go, and now and
//! then something else altogether, which must cost one row and not the page.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A JSON value that is at most a scalar; objects and lists are only remembered by their name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Scalar<'a> {
    /// The key is missing, or its value is `null`.
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Int(i64),
    Bool(bool),
    /// What it was instead.
    Odd(&'static str),
}

impl Scalar<'_> {
    /// Absent and empty text are `None`; digits in text count as a number. `Err` names what it was instead.
    pub(super) fn int(&self) -> Result<Option<i64>, String> {
        match self {
            Self::Absent => Ok(None),
            Self::Int(n) => Ok(Some(*n)),
            Self::Text(text) if text.trim().is_empty() => Ok(None),
            Self::Text(text) => text.trim().parse().map(Some).map_err(|_| format!("the text {}", quoted(text))),
            Self::Bool(_) => Err("a boolean".into()),
            Self::Odd(name) => Err((*name).into()),
        }
    }

    /// Absent is `None`. `Err` names what it was instead.
    pub(super) fn text(&self) -> Result<Option<&str>, &'static str> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Int(_) => Err("a number"),
            Self::Bool(_) => Err("a boolean"),
            Self::Odd(name) => Err(name),
        }
    }
}

/// At most 40 characters of foreign text, escaped, for a reason or a log line.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

/// A type that any JSON value becomes somehow, so that no value of another type fails what holds it.
pub(super) trait FromAny<'de>: Sized {
    fn scalar(value: Scalar<'de>) -> Self;

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::scalar(Scalar::Odd("a list")))
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::scalar(Scalar::Odd("an object")))
    }
}

/// Reads a [`FromAny`]: the seed and the visitor in one.
pub(super) struct Any<T>(PhantomData<T>);

pub(super) const fn any<T>() -> Any<T> {
    Any(PhantomData)
}

impl<'de, T: FromAny<'de>> DeserializeSeed<'de> for Any<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de, T: FromAny<'de>> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<T, E> {
        Ok(T::scalar(Scalar::Text(Cow::Borrowed(v))))
    }

    fn visit_str<E>(self, v: &str) -> Result<T, E> {
        Ok(T::scalar(Scalar::Text(Cow::Owned(v.to_owned()))))
    }

    fn visit_i64<E>(self, v: i64) -> Result<T, E> {
        Ok(T::scalar(Scalar::Int(v)))
    }

    fn visit_u64<E>(self, v: u64) -> Result<T, E> {
        Ok(T::scalar(i64::try_from(v).map_or(Scalar::Odd("a huge number"), Scalar::Int)))
    }

    fn visit_f64<E>(self, v: f64) -> Result<T, E> {
        let whole = v.fract() == 0.0 && v.abs() < 9e15;
        Ok(T::scalar(if whole { Scalar::Int(v as i64) } else { Scalar::Odd("a fraction or a huge number") }))
    }

    fn visit_bool<E>(self, v: bool) -> Result<T, E> {
        Ok(T::scalar(Scalar::Bool(v)))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::scalar(Scalar::Absent))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::object(object)
    }
}

impl<'de> FromAny<'de> for Scalar<'de> {
    fn scalar(value: Self) -> Self {
        value
    }
}

/// The next key of an object; borrowed from the text where it has no escapes.
pub(super) fn key<'de, A: MapAccess<'de>>(object: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    Ok(object.next_key_seed(any::<Scalar<'_>>())?.map(|key| match key {
        Scalar::Text(text) => text,
        _ => Cow::Borrowed(""),
    }))
}

/// A text, the `uri` of an object, or the first of these in a list; anything else is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FirstUrl<'a>(pub(super) Option<Cow<'a, str>>);

impl<'de> FromAny<'de> for FirstUrl<'de> {
    fn scalar(value: Scalar<'de>) -> Self {
        match value {
            Scalar::Text(text) => Self(Some(text)),
            _ => Self(None),
        }
    }

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let first = list.next_element_seed(any::<Self>())?.unwrap_or_default();
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut found = Self(None);
        while let Some(key) = key(&mut object)? {
            if key == "uri" {
                found = Self::scalar(object.next_value_seed(any())?);
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Reads a whole JSON text as a [`FromAny`].
pub(super) fn read<'de, T: FromAny<'de>>(body: &'de [u8]) -> Result<T, serde_json::Error> {
    let mut d = serde_json::Deserializer::from_slice(body);
    let value = any().deserialize(&mut d)?;
    d.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(json: &str) -> Result<Option<i64>, String> {
        read::<Scalar<'_>>(json.as_bytes()).unwrap().int()
    }

    #[test]
    fn numbers_come_as_text_or_as_numbers() {
        assert_eq!(int(r#""1788341954""#), Ok(Some(1_788_341_954)));
        assert_eq!(int("1788341954"), Ok(Some(1_788_341_954)));
        assert_eq!(int("1500.0"), Ok(Some(1500)));
        assert_eq!(int("null"), Ok(None));
        assert_eq!(int(r#""""#), Ok(None));
        for odd in [r#""12a""#, "true", "[1]", r#"{"a":1}"#, "1.5", "18446744073709551615", r#""9223372036854775808""#]
        {
            assert!(int(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn the_first_url_is_found_in_either_shape_and_nothing_else_is_an_error() {
        let first = |json: &str| read::<FirstUrl<'_>>(json.as_bytes()).unwrap().0.map(Cow::into_owned);
        assert_eq!(first(r#"["a","b"]"#).as_deref(), Some("a"));
        assert_eq!(first(r#"[{"x":[1],"uri":"a"},{"uri":"b"}]"#).as_deref(), Some("a"));
        for none in ["[]", "null", "7", "-7", "1.5", "true", "{}", "[null]", r#"[{"uri":7}]"#] {
            assert_eq!(first(none), None, "{none}");
        }
    }
}
