//! Parameters of a query as a route declares them: what is not declared is refused, and what is declared is described.

use serde_json::{Value, json};

/// What a route's query may ask.
pub trait Declared {
    /// Its parameters.
    const PARAMETERS: &'static [Parameter];
}

/// Nothing.
impl Declared for () {
    const PARAMETERS: &'static [Parameter] = &[];
}

/// One parameter of a query.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What it must be.
    pub expects: Expects,
}

/// What a parameter must be.
#[derive(Clone, Copy, Debug)]
pub enum Expects {
    /// Text of at most so many characters.
    Text(usize),
    /// A whole number from the first to the second, and what it is when left out.
    Number(i64, i64, Option<i64>),
    /// One of these words.
    Word(&'static [&'static str]),
    /// An instant: RFC 3339, or seconds since the epoch.
    Time,
    /// A day of the market's calendar, `2026-11-21`.
    Date,
    /// A number with a fraction, as a decimal.
    Decimal,
    /// Several words of one parameter, separated by commas.
    Words(&'static [&'static str]),
}

impl Parameter {
    /// Text of at most `most` characters.
    pub const fn text(name: &'static str, most: usize, about: &'static str) -> Self {
        Self { name, about, expects: Expects::Text(most) }
    }

    /// A whole number from `from` to `to`; without a default it may be absent.
    pub const fn number(name: &'static str, from: i64, to: i64, default: Option<i64>, about: &'static str) -> Self {
        Self { name, about, expects: Expects::Number(from, to, default) }
    }

    /// One of `words`.
    pub const fn word(name: &'static str, words: &'static [&'static str], about: &'static str) -> Self {
        Self { name, about, expects: Expects::Word(words) }
    }

    /// `true` or `false`.
    pub const fn flag(name: &'static str, about: &'static str) -> Self {
        Self::word(name, &["true", "false"], about)
    }

    /// An instant.
    pub const fn time(name: &'static str, about: &'static str) -> Self {
        Self { name, about, expects: Expects::Time }
    }

    /// A day.
    pub const fn date(name: &'static str, about: &'static str) -> Self {
        Self { name, about, expects: Expects::Date }
    }

    /// The number of a row.
    pub const fn id(name: &'static str, about: &'static str) -> Self {
        Self::number(name, 1, i64::MAX, None, about)
    }

    /// A decimal.
    pub const fn decimal(name: &'static str, about: &'static str) -> Self {
        Self { name, about, expects: Expects::Decimal }
    }

    /// `page`.
    pub const PAGE: Self = Self::number("page", 1, 1_000_000, Some(1), "Which page, from 1.");
    /// `page_size`.
    pub const PAGE_SIZE: Self = Self::number("page_size", 1, 100, Some(20), "Rows of a page.");

    /// Its JSON Schema.
    pub(crate) fn schema(&self) -> Value {
        match self.expects {
            Expects::Text(most) => json!({ "type": "string", "maxLength": most, "pattern": super::LINE }),
            Expects::Number(from, to, default) => {
                let mut schema = json!({ "type": "integer", "minimum": from, "maximum": to });
                if let Some(default) = default {
                    schema["default"] = default.into();
                }
                schema
            }
            Expects::Word(words) => json!({ "type": "string", "enum": words }),
            Expects::Words(words) => {
                let one = words.join("|");
                json!({ "type": "string", "pattern": format!("^({one})(,({one}))*$") })
            }
            Expects::Time => {
                let (text, seconds) =
                    (json!({ "type": "string", "format": "date-time" }), json!({ "type": "integer" }));
                json!({ "anyOf": [text, seconds] })
            }
            Expects::Date => json!({ "type": "string", "format": "date" }),
            Expects::Decimal => json!({ "type": "string", "pattern": r"^-?\d{1,18}(\.\d{1,9})?$" }),
        }
    }
}
