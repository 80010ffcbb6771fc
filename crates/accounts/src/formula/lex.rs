//! Words and signs of a formula.

use super::SyntaxFault;
use crate::amount;
use rust_decimal::Decimal;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// A key between double quotes: never a keyword or a function.
    Key(String),
    Text(String),
    Number(Decimal),
    /// One of the fixed signs.
    Sign(&'static str),
}

impl Token {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Key(key) => format!("`\"{key}\"`"),
            Self::Text(text) => format!("`'{text}'`"),
            Self::Number(number) => format!("`{number}`"),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

// Longer signs first: `<=` is not `<` and `=`.
const SIGNS: [&str; 20] =
    ["==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "(", ")", "[", "]", ",", ".", "?", "$", "@"];

/// Tokens with the position (in characters, from 1) at which each begins.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, SyntaxFault> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text[..text.len() - rest.len()].chars().count() + 1;
        let Some(first) = rest.chars().next() else { return Ok(found) };
        let (token, length) = match first {
            '\'' | '"' => quoted(rest, first).ok_or_else(|| SyntaxFault::new(at, "a quote is not closed"))?,
            '0'..='9' => number(rest).ok_or_else(|| SyntaxFault::new(at, "a number is not understood"))?,
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| SyntaxFault::new(at, format!("`{first}` means nothing here")))?;
                (Token::Sign(sign), sign.len())
            }
        };
        found.push((at, token));
        rest = &rest[length..];
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '#'
}

fn quoted(rest: &str, quote: char) -> Option<(Token, usize)> {
    let inner = &rest[1..];
    let end = inner.find(quote)?;
    let text = inner[..end].to_owned();
    Some((if quote == '\'' { Token::Text(text) } else { Token::Key(text) }, end + 2))
}

fn number(rest: &str) -> Option<(Token, usize)> {
    let whole = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let fraction = rest[whole..].strip_prefix('.').map_or(0, |after| {
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        if digits == 0 { 0 } else { digits + 1 }
    });
    let length = whole + fraction;
    // `5h` is neither a number nor a word.
    let apart = !rest[length..].starts_with(is_word);
    amount::parse(&rest[..length]).filter(|_| apart).map(|n| (Token::Number(n), length))
}
