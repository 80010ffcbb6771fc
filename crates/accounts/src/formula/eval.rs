//! Working a formula out over one answer.

use super::value::{self, Value};
use super::{Expr, Operator};
use crate::document::Node;
use model::Timestamp;
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What a formula is worked out over.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The whole answer.
    pub root: &'a Node,
    /// Where paths begin.
    pub here: &'a Node,
    /// What the user set.
    pub params: &'a BTreeMap<String, String>,
    /// The present instant.
    pub now: Timestamp,
    /// The HTTP status of the answer.
    pub http: u16,
}

/// Why a formula has no value. Names places in the answer, never what stands there: answers echo secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalFault {
    /// A path leads nowhere.
    #[error("`{0}` is missing")]
    Missing(String),
    /// An element of a list lacks the key by which it is chosen.
    #[error("an element of a list has no `{0}`")]
    Undecided(String),
    /// A value is of another kind than is wanted.
    #[error("{found} where {wanted} was expected")]
    Wrong {
        /// What is there.
        found: &'static str,
        /// What should be.
        wanted: &'static str,
    },
    /// Beyond what a decimal or a date holds.
    #[error("a number too large or too fine to be kept exactly")]
    TooLarge,
    /// Divided by zero.
    #[error("a division by zero")]
    DivisionByZero,
    /// The user has not set it.
    #[error("the parameter `{0}` is not set")]
    Unset(String),
    /// Something in this place.
    #[error("`{place}` is {fault}")]
    At {
        /// The path.
        place: String,
        /// What is wrong there.
        fault: Box<EvalFault>,
    },
}

impl EvalFault {
    pub(super) fn wrong(found: &Value<'_>, wanted: &'static str) -> Self {
        Self::Wrong { found: found.kind(), wanted }
    }
}

impl<'a> Scope<'a> {
    /// What the user set; empty is unset.
    pub(super) fn param(&self, name: &str) -> Option<&'a str> {
        self.params.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn value(&self, expr: &'a Expr) -> Result<Value<'a>, EvalFault> {
        Ok(match expr {
            Expr::Null => Value::Null,
            Expr::Bool(b) => Value::Bool(*b),
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::text_of(text),
            Expr::Path(path) => match path.one(self)? {
                Some(node) => Value::of(node)
                    .map_err(|fault| EvalFault::At { place: path.to_string(), fault: Box::new(fault) })?,
                None if path.optional => Value::Null,
                None => return Err(EvalFault::Missing(path.to_string())),
            },
            Expr::Param(name, optional) => match self.param(name) {
                Some(text) => Value::text_of(text),
                None if *optional => Value::Null,
                None => return Err(EvalFault::Unset(name.clone())),
            },
            Expr::Negate(inner) => self.amount(inner)?.map_or(Value::Null, |n| Value::Number(-n)),
            Expr::Not(inner) => Value::Bool(!self.value(inner)?.truth()?),
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            Expr::In(left, list) => {
                let left = self.value(left)?;
                let mut found = false;
                for item in list {
                    found |= value::equal(&left, &self.value(item)?, false);
                }
                Value::Bool(found)
            }
            Expr::Call(function, arguments) => function.call(arguments, self)?,
        })
    }

    /// The value as an amount; a fault names the place where one stands in it.
    fn amount(&self, expr: &'a Expr) -> Result<Option<Decimal>, EvalFault> {
        let fault = |fault| match expr {
            Expr::Path(path) => EvalFault::At { place: path.to_string(), fault: Box::new(fault) },
            _ => fault,
        };
        self.value(expr)?.amount("an amount").map_err(fault)
    }

    fn binary(&self, operator: Operator, left: &'a Expr, right: &'a Expr) -> Result<Value<'a>, EvalFault> {
        let compare = |wanted: fn(Ordering) -> bool| {
            let order = value::compare(&self.value(left)?, &self.value(right)?)?;
            Ok(Value::Bool(order.is_some_and(wanted)))
        };
        match operator {
            Operator::Or => Ok(Value::Bool(self.value(left)?.truth()? || self.value(right)?.truth()?)),
            Operator::And => Ok(Value::Bool(self.value(left)?.truth()? && self.value(right)?.truth()?)),
            Operator::Equal => Ok(Value::Bool(value::equal(&self.value(left)?, &self.value(right)?, false))),
            Operator::Unequal => Ok(Value::Bool(!value::equal(&self.value(left)?, &self.value(right)?, false))),
            Operator::Less => compare(Ordering::is_lt),
            Operator::AtMost => compare(Ordering::is_le),
            Operator::More => compare(Ordering::is_gt),
            Operator::AtLeast => compare(Ordering::is_ge),
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
                let (Some(a), Some(b)) = (self.amount(left)?, self.amount(right)?) else { return Ok(Value::Null) };
                arithmetic(operator, a, b).map(Value::Number)
            }
        }
    }
}

fn arithmetic(operator: Operator, a: Decimal, b: Decimal) -> Result<Decimal, EvalFault> {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        _ if b.is_zero() => return Err(EvalFault::DivisionByZero),
        _ => a.checked_div(b),
    };
    // Too fine to be kept: 1 / 10^28 / 10 would silently be 0, a zero that nobody sent.
    let product = matches!(operator, Operator::Multiply | Operator::Divide);
    let vanished = result.is_some_and(|r| product && r.is_zero() && !a.is_zero() && !b.is_zero());
    result.filter(|_| !vanished).ok_or(EvalFault::TooLarge)
}
