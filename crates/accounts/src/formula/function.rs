//! The functions of the language.

use super::Expr;
use super::eval::{EvalFault, Scope};
use super::value::Value;
use crate::amount;
use model::{SECOND, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::borrow::Cow;

/// Far beyond any allowance, and far from overflowing milliseconds: the year 9999.
const LATEST_SECOND: i64 = 253_402_300_799;

macro_rules! functions {
    ($($variant:ident $name:literal $least:literal..=$most:literal $wants:literal;)*) => {
        /// A function by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Function { $($variant),* }

        impl Function {
            const ALL: &[(&'static str, Self)] = &[$(($name, Self::$variant)),*];

            /// How many arguments it takes, at least and at most, and that in words.
            const fn arity(self) -> (usize, usize, &'static str) {
                match self { $(Self::$variant => ($least, $most, $wants)),* }
            }
        }
    };
}

functions! {
    First "first" 1..=8 "values, of which the first that is something counts";
    Sum "sum" 1..=8 "a path over a list, or several values";
    Min "min" 1..=8 "a path over a list, or several values";
    Max "max" 1..=8 "a path over a list, or several values";
    Count "count" 1..=1 "a path over a list";
    Number "number" 2..=2 "a text and the word the amount stands after";
    Unix "unix" 1..=1 "seconds since 1970";
    Millis "millis" 1..=1 "milliseconds since 1970";
    Time "time" 1..=1 "an RFC 3339 time or a date";
    After "after" 1..=1 "seconds from now";
    If "if" 3..=3 "a condition and two values";
    Join "join" 1..=8 "texts";
    Upper "upper" 1..=1 "a text";
    Lower "lower" 1..=1 "a text";
    Contains "contains" 2..=24 "a text and the texts of which it may contain one";
    Starts "starts" 2..=24 "a text and the texts with one of which it may start";
    Missing "missing" 1..=1 "a path";
    Http "http" 0..=0 "nothing";
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    pub(super) fn names() -> String {
        let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).chain(["param"]).collect();
        names.join(", ")
    }

    pub(super) const fn wants(self) -> &'static str {
        self.arity().2
    }

    pub(super) fn accepts(self, arguments: usize) -> bool {
        let (least, most, _) = self.arity();
        (least..=most).contains(&arguments)
    }

    pub(super) const fn takes_list(self) -> bool {
        matches!(self, Self::Sum | Self::Min | Self::Max | Self::Count)
    }

    /// Whether the one argument is a place, not a value.
    pub(super) const fn takes_path(self) -> bool {
        matches!(self, Self::Count | Self::Missing)
    }

    /// Works the function out.
    pub(super) fn call<'a>(self, arguments: &'a [Expr], scope: &Scope<'a>) -> Result<Value<'a>, EvalFault> {
        let value = |n: usize| scope.value(arguments.get(n).unwrap_or(&Expr::Null));
        match self {
            Self::First => first(arguments, scope),
            Self::Sum | Self::Min | Self::Max => self.fold(arguments, scope),
            Self::Count => count(arguments, scope),
            Self::Number => number(value(0)?, value(1)?),
            Self::Unix => seconds(&value(0)?, SECOND, Timestamp(0)),
            Self::Millis => seconds(&value(0)?, 1, Timestamp(0)),
            Self::After => seconds(&value(0)?, SECOND, scope.now),
            Self::Time => time(value(0)?),
            Self::If => value(if value(0)?.truth()? { 1 } else { 2 }),
            Self::Join => join(arguments, scope),
            Self::Upper => Ok(map_text(value(0)?.text()?, str::to_uppercase)),
            Self::Lower => Ok(map_text(value(0)?.text()?, str::to_lowercase)),
            Self::Contains => any_text(arguments, scope, |text, part| text.contains(part)),
            Self::Starts => any_text(arguments, scope, |text, part| text.starts_with(part)),
            Self::Missing => match arguments {
                [Expr::Path(path)] => Ok(Value::Bool(path.one(scope)?.is_none())),
                _ => Ok(Value::Null),
            },
            Self::Http => Ok(Value::Number(Decimal::from(scope.http))),
        }
    }

    /// Sum, least or greatest. Of nothing it is nothing; one nothing makes a sum nothing.
    fn fold<'a>(self, arguments: &'a [Expr], scope: &Scope<'a>) -> Result<Value<'a>, EvalFault> {
        let mut values = Vec::new();
        for argument in arguments {
            match argument {
                Expr::Path(path) if path.has_each() || path.has_where() => {
                    let missing = path.optional && path.one(scope)?.is_none();
                    let nodes = if missing { Vec::new() } else { path.all(scope)? };
                    values.extend(nodes.into_iter().map(Value::of).collect::<Result<Vec<_>, _>>()?);
                }
                other => values.push(scope.value(other)?),
            }
        }
        let amounts: Vec<Option<Decimal>> =
            values.iter().map(|v| v.amount("an amount in a list")).collect::<Result<_, _>>()?;
        let known = || amounts.iter().copied().flatten();
        let folded = match self {
            Self::Min => known().min(),
            Self::Max => known().max(),
            _ if amounts.is_empty() || amounts.contains(&None) => None,
            _ => Some(known().try_fold(Decimal::ZERO, Decimal::checked_add).ok_or(EvalFault::TooLarge)?),
        };
        Ok(folded.map_or(Value::Null, Value::Number))
    }
}

fn first<'a>(arguments: &'a [Expr], scope: &Scope<'a>) -> Result<Value<'a>, EvalFault> {
    let mut missing = None;
    for argument in arguments {
        match scope.value(argument) {
            Ok(Value::Null) => {}
            Err(fault @ EvalFault::Missing(_)) => missing = Some(missing.unwrap_or(fault)),
            other => return other,
        }
    }
    missing.map_or(Ok(Value::Null), Err)
}

fn count<'a>(arguments: &'a [Expr], scope: &Scope<'a>) -> Result<Value<'a>, EvalFault> {
    match arguments {
        [Expr::Path(path)] => Ok(Value::Number(Decimal::from(path.all(scope)?.len()))),
        _ => Ok(Value::Null),
    }
}

fn number<'a>(text: Value<'a>, prefix: Value<'a>) -> Result<Value<'a>, EvalFault> {
    match (text, prefix) {
        (Value::Text(text), Value::Text(prefix)) => {
            Ok(amount::after(&text, &prefix).map_or(Value::Null, Value::Number))
        }
        (Value::Null, _) => Ok(Value::Null),
        (other, _) => Err(EvalFault::wrong(&other, "a text")),
    }
}

/// `from` + value × unit milliseconds. Zero and below is what providers write for never, so it is nothing.
fn seconds<'a>(value: &Value<'a>, unit: i64, from: Timestamp) -> Result<Value<'a>, EvalFault> {
    let Some(amount) = value.amount("a number of seconds")? else { return Ok(Value::Null) };
    if amount <= Decimal::ZERO && from == Timestamp(0) {
        return Ok(Value::Null);
    }
    let millis = amount.checked_mul(Decimal::from(unit)).and_then(|m| m.round().to_i64());
    let at = millis.and_then(|m| from.0.checked_add(m)).map(Timestamp);
    at.filter(|t| (0..=LATEST_SECOND).contains(&t.secs())).map(Value::Time).ok_or(EvalFault::TooLarge)
}

fn time(value: Value<'_>) -> Result<Value<'_>, EvalFault> {
    let text = match &value {
        Value::Null => return Ok(Value::Null),
        Value::Text(text) if text.trim().is_empty() => return Ok(Value::Null),
        Value::Text(text) => text.trim(),
        other => return Err(EvalFault::wrong(other, "an RFC 3339 time")),
    };
    // A time without a zone is taken as UTC: of the providers that leave it out none says otherwise.
    let forms = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
    let read = forms.iter().find_map(|form| form.parse::<jiff::Timestamp>().ok());
    read.map(|t| Value::Time(Timestamp(t.as_millisecond()))).ok_or_else(|| EvalFault::wrong(&value, "an RFC 3339 time"))
}

fn join<'a>(arguments: &'a [Expr], scope: &Scope<'a>) -> Result<Value<'a>, EvalFault> {
    let mut joined = String::new();
    for argument in arguments {
        match scope.value(argument)?.text()? {
            Some(text) => joined.push_str(&text),
            None => return Ok(Value::Null),
        }
    }
    Ok(Value::Text(Cow::Owned(joined)))
}

fn map_text<'a>(text: Option<Cow<'a, str>>, change: impl Fn(&str) -> String) -> Value<'a> {
    text.map_or(Value::Null, |text| Value::Text(Cow::Owned(change(&text))))
}

fn any_text<'a>(
    arguments: &'a [Expr],
    scope: &Scope<'a>,
    holds: impl Fn(&str, &str) -> bool,
) -> Result<Value<'a>, EvalFault> {
    let Some((text, parts)) = arguments.split_first() else { return Ok(Value::Bool(false)) };
    let Some(text) = scope.value(text)?.text()? else { return Ok(Value::Bool(false)) };
    for part in parts {
        if scope.value(part)?.text()?.is_some_and(|part| holds(&text, &part)) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}
