//! Amounts of money in running text.

use rust_decimal::Decimal;
use std::str::FromStr;

/// An amount as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// How much; negative when it is owed with a sign.
    pub value: Decimal,
    /// ISO 4217.
    pub currency: &'static str,
}

/// `¥` is two currencies; which one is decided by the language around it.
const YEN_OR_YUAN: &str = "¥";

/// Longer ones first: `us$` is not `$`.
const BEFORE: &[(&str, &str)] = &[
    ("人民币", "CNY"),
    ("us$", "USD"),
    ("hk$", "HKD"),
    ("nt$", "TWD"),
    ("usd", "USD"),
    ("cny", "CNY"),
    ("rmb", "CNY"),
    ("jpy", "JPY"),
    ("eur", "EUR"),
    ("gbp", "GBP"),
    ("hkd", "HKD"),
    ("twd", "TWD"),
    ("krw", "KRW"),
    ("sgd", "SGD"),
    ("cn¥", "CNY"),
    ("jp¥", "JPY"),
    ("¥", YEN_OR_YUAN),
    ("$", "USD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("₩", "KRW"),
];
const AFTER: &[(&str, &str)] = &[
    ("美元", "USD"),
    ("美金", "USD"),
    ("港元", "HKD"),
    ("日元", "JPY"),
    ("欧元", "EUR"),
    ("人民币", "CNY"),
    ("円", "JPY"),
    ("元", "CNY"),
    ("圆", "CNY"),
    ("usd", "USD"),
    ("cny", "CNY"),
    ("rmb", "CNY"),
    ("jpy", "JPY"),
    ("eur", "EUR"),
    ("gbp", "GBP"),
    ("hkd", "HKD"),
    ("twd", "TWD"),
    ("krw", "KRW"),
    ("sgd", "SGD"),
    ("dollars", "USD"),
    ("yen", "JPY"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("원", "KRW"),
];

/// The amount closest to any of the positions in a folded text; `japanese` makes `¥` yen.
pub(super) fn nearest(text: &str, positions: impl Iterator<Item = usize>, japanese: bool) -> Option<Amount> {
    let positions: Vec<usize> = positions.collect();
    let distance = |at: usize| positions.iter().map(|p| p.abs_diff(at)).min().unwrap_or(at);
    let mut best: Option<(usize, Amount)> = None;
    for (from, to) in numbers(text) {
        if let Some(mut amount) = read(text, from, to) {
            if amount.currency == YEN_OR_YUAN {
                amount.currency = if japanese { "JPY" } else { "CNY" };
            }
            let away = distance(from);
            if best.as_ref().is_none_or(|(before, _)| away < *before) {
                best = Some((away, amount));
            }
        }
    }
    best.map(|(_, amount)| amount)
}

/// Where numbers begin and end: digits, with single separators between them.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let from = at;
        while at < bytes.len()
            && (bytes[at].is_ascii_digit()
                || (matches!(bytes[at], b',' | b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)))
        {
            at += 1;
        }
        found.push((from, at));
    }
    found
}

fn read(text: &str, from: usize, to: usize) -> Option<Amount> {
    let mut value = decimal(&text[from..to])?;
    let head = text[..from].trim_end();
    let (unsigned, mut negative) = sign(head);
    let mut rest = text[to..].trim_start();
    if let Some(after) = rest.strip_prefix('万') {
        value = value.checked_mul(Decimal::from(10_000))?;
        rest = after;
    }
    let before = BEFORE.iter().find(|(mark, _)| {
        unsigned.strip_suffix(mark).is_some_and(|h| !(letter(mark.chars().next()) && letter(h.chars().next_back())))
    });
    let currency = match before {
        Some((mark, currency)) => {
            negative |= sign(unsigned.strip_suffix(mark)?.trim_end()).1;
            currency
        }
        None => {
            let matches = |(mark, _): &&(&str, &str)| {
                rest.strip_prefix(mark).is_some_and(|r| !(letter(mark.chars().next()) && letter(r.chars().next())))
            };
            AFTER.iter().find(matches).map(|(_, currency)| currency)?
        }
    };
    Some(Amount { value: if negative { -value } else { value }, currency })
}

/// The text before a minus sign, and whether there is one. A dash behind a letter or digit is none: `pro-12 元`.
fn sign(head: &str) -> (&str, bool) {
    match head.strip_suffix('-') {
        Some(rest) if !rest.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric() || c == '-') => {
            (rest.trim_end(), true)
        }
        _ => (head, false),
    }
}

fn letter(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_alphabetic())
}

/// `1,234.56`, `1.234,56`, `1234`: the last separator is the decimal one unless it can only part thousands.
fn decimal(text: &str) -> Option<Decimal> {
    if text.len() > 24 {
        return None;
    }
    let Some(at) = text.rfind([',', '.']) else { return Decimal::from_str(text).ok() };
    let (separator, digits_behind) = (text.as_bytes()[at], text.len() - at - 1);
    let again = text.as_bytes()[..at].contains(&separator);
    let parts_thousands = again || (separator == b',' && digits_behind == 3);
    let plain = |t: &str| t.replace([',', '.'], "");
    let text = if parts_thousands { plain(text) } else { format!("{}.{}", plain(&text[..at]), &text[at + 1..]) };
    Decimal::from_str(&text).ok()
}
