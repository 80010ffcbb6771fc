//! Values while a formula is worked out.

use super::eval::EvalFault;
use crate::amount;
use crate::document::Node;
use model::Timestamp;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What a formula gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing: `null`, or a missing optional value.
    Null,
    /// True or false.
    Bool(bool),
    /// An amount.
    Number(Decimal),
    /// A text.
    Text(Cow<'a, str>),
    /// An instant.
    Time(Timestamp),
    /// A list or an object.
    Node(&'a Node),
}

impl<'a> Value<'a> {
    /// The value of a place in the answer; a number beyond what a decimal holds is a fault.
    pub(super) fn of(node: &'a Node) -> Result<Self, EvalFault> {
        Ok(match node {
            Node::Null => Self::Null,
            Node::Bool(b) => Self::Bool(*b),
            Node::Number(digits) => Self::Number(amount::parse(digits).ok_or(EvalFault::TooLarge)?),
            Node::Text(text) => Self::Text(Cow::Borrowed(text)),
            Node::List(_) | Node::Object(_) => Self::Node(node),
        })
    }

    pub(super) fn text_of(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// As an amount: a number, or a text that is one. `wanted` names it in the fault.
    pub(super) fn amount(&self, wanted: &'static str) -> Result<Option<Decimal>, EvalFault> {
        match self {
            Self::Null => Ok(None),
            Self::Number(number) => Ok(Some(*number)),
            Self::Text(text) => amount::parse(text).map(Some).ok_or_else(|| EvalFault::wrong(self, wanted)),
            Self::Bool(_) | Self::Time(_) | Self::Node(_) => Err(EvalFault::wrong(self, wanted)),
        }
    }

    /// As a text: a text, or the digits of a number.
    pub(super) fn text(self) -> Result<Option<Cow<'a, str>>, EvalFault> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Number(number) => Ok(Some(Cow::Owned(number.normalize().to_string()))),
            Self::Bool(_) | Self::Time(_) | Self::Node(_) => Err(EvalFault::wrong(&self, "a text")),
        }
    }

    pub(super) fn truth(&self) -> Result<bool, EvalFault> {
        match self {
            Self::Null => Ok(false),
            Self::Bool(b) => Ok(*b),
            Self::Text(text) if text.as_ref() == "true" => Ok(true),
            Self::Text(text) if text.as_ref() == "false" => Ok(false),
            other => Err(EvalFault::wrong(other, "true or false")),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Time(_) => "an instant",
            Self::Node(Node::List(_)) => "a list",
            Self::Node(_) => "an object",
        }
    }
}

/// Whether two values say the same. Between a number and a text the text is read as an amount.
pub(super) fn equal(a: &Value<'_>, b: &Value<'_>, any_case: bool) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a == b || any_case && a.eq_ignore_ascii_case(b),
        (Value::Number(n), Value::Text(t)) | (Value::Text(t), Value::Number(n)) => amount::parse(t) == Some(*n),
        (Value::Bool(b), Value::Text(t)) | (Value::Text(t), Value::Bool(b)) => t == if *b { "true" } else { "false" },
        (Value::Node(a), Value::Node(b)) => a == b,
        _ => a == b,
    }
}

/// Which of two amounts is larger; `None` when either is nothing.
pub(super) fn compare(a: &Value<'_>, b: &Value<'_>) -> Result<Option<Ordering>, EvalFault> {
    if let (Value::Time(a), Value::Time(b)) = (a, b) {
        return Ok(Some(a.cmp(b)));
    }
    Ok(match (a.amount("an amount to compare")?, b.amount("an amount to compare")?) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => None,
    })
}
