//! The small language in which a provider file says where a number stands and what to make of it.
//!
//! ```text
//! data.total_credits - data.total_usage            paths and + - * /, decimal throughout
//! -(account.balance + account.pending_charges)     signs turned where credit is negative
//! list[currency='CNY'].amount / 100                the first element that fits; several tests: [type='T', unit=3]
//! list[0].x      $.x      "odd-key".x              by position; from the root; a key that is no word
//! sum(list[].amount)                               also min, max, count; over list[k=v].x all that fit are taken
//! data.expires_at?                                 may be missing: then, like null, it is nothing
//! first(remaining?, balance)                       the first that is something
//! number(msg, '剩余')                               the amount in a text after a word
//! unix(t) millis(t) time(t) after(seconds)         instants: epoch seconds, epoch ms, RFC 3339, from now
//! if(a, b, c)  join(a, '-', b)  upper(a)  lower(a)
//! param(currency)                                  what the user set for the account; param(currency)? may be unset
//! http()                                           the HTTP status
//! == != < <= > >=   in ('200', 'Success')   and or not   contains(a, 'x', 'y')   starts(a, 'x')   missing(a.b)
//! ```
//!
//! **Missing is a fault, null is nothing, and neither is ever 0.** A path without `?` that leads nowhere fails the whole
//! reading as malformed, and so does an element that lacks the key by which it is chosen. Arithmetic with nothing gives
//! nothing; so does the sum of an empty list. `==` compares as numbers where one side is a number and the other can be
//! read as one (`Code == 200` holds for `"200"`), else as texts.

mod eval;
mod function;
mod lex;
mod parse;
mod path;
mod value;

pub use eval::{EvalFault, Scope};
pub use parse::SyntaxFault;
pub use value::Value;

use function::Function;
use model::Timestamp;
use path::Path;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

/// A formula that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula(Expr);

#[derive(Clone, Debug, PartialEq)]
enum Expr {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    Path(Path),
    /// What the user set; `true` when it may be unset.
    Param(String, bool),
    Negate(Box<Expr>),
    Not(Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Call(Function, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Formula {
    /// Reads a formula. The error says at which character it stops making sense, and why.
    pub fn parse(text: &str) -> Result<Self, SyntaxFault> {
        parse::parse(text).map(Self)
    }

    /// Its value.
    pub fn value<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>, EvalFault> {
        scope.value(&self.0)
    }

    /// Its value as an amount; `None` is nothing.
    pub fn amount(&self, scope: &Scope<'_>) -> Result<Option<Decimal>, EvalFault> {
        self.value(scope)?.amount("an amount")
    }

    /// Its value as a text; `None` is nothing or empty. A number is its digits.
    pub fn text(&self, scope: &Scope<'_>) -> Result<Option<String>, EvalFault> {
        Ok(self.value(scope)?.text()?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// Its value as an instant; `None` is nothing.
    pub fn instant(&self, scope: &Scope<'_>) -> Result<Option<Timestamp>, EvalFault> {
        match self.value(scope)? {
            Value::Null => Ok(None),
            Value::Time(t) => Ok(Some(t)),
            other => Err(EvalFault::wrong(&other, "an instant: unix(), millis(), time() or after()")),
        }
    }

    /// Whether it holds; nothing does not.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvalFault> {
        self.value(scope)?.truth()
    }

    /// The names of the parameters it asks for.
    pub fn params(&self) -> Vec<&str> {
        let mut names = Vec::new();
        collect(&self.0, &mut names);
        names
    }
}

fn collect<'a>(expr: &'a Expr, names: &mut Vec<&'a str>) {
    match expr {
        Expr::Param(name, _) => names.push(name),
        Expr::Path(path) => names.extend(path.params()),
        Expr::Negate(inner) | Expr::Not(inner) => collect(inner, names),
        Expr::Binary(_, left, right) => {
            collect(left, names);
            collect(right, names);
        }
        Expr::In(left, list) => {
            collect(left, names);
            list.iter().for_each(|e| collect(e, names));
        }
        Expr::Call(_, arguments) => arguments.iter().for_each(|e| collect(e, names)),
        Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::Text(_) => {}
    }
}

impl<'de> Deserialize<'de> for Formula {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).map_err(|fault| de::Error::custom(format!("the formula `{text}`: {fault}")))
    }
}

#[cfg(test)]
mod tests;
