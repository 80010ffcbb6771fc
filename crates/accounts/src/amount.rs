//! Amounts as providers write them: a JSON number, a decimal text, a text with thousands separators. Never by way of a
//! binary float.

use rust_decimal::Decimal;

/// Reads an amount: `-11.19`, `2.4e-05`, `1,234.56`. `None` when the text is anything else, or beyond what a decimal
/// of 28 digits holds. A comma counts only where the whole text is grouped by thousands: `1,5` might be one and a half.
pub fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if text.contains(',') { grouped(text) } else { plain(text) }
}

fn plain(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    if !is_decimal(mantissa) {
        return None;
    }
    let Some(exponent) = exponent else { return mantissa.parse().ok() };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if !is_digits(digits) {
        return None;
    }
    let value: Decimal = mantissa.parse().ok()?;
    if value.is_zero() {
        return Some(Decimal::ZERO);
    }
    shifted(value, exponent.parse().ok()?)
}

/// value × 10^exponent, or `None` where digits would be lost.
fn shifted(value: Decimal, exponent: i32) -> Option<Decimal> {
    if !(-28..=28).contains(&exponent) {
        return None;
    }
    let factor = Decimal::from_i128_with_scale(10i128.pow(exponent.unsigned_abs()), 0);
    let moved = if exponent < 0 { value.checked_div(factor)? } else { value.checked_mul(factor)? };
    (!moved.is_zero()).then_some(moved)
}

/// `^-?\d{1,3}(,\d{3})*(\.\d+)?$`
fn grouped(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let fits = is_digits(first) && first.len() <= 3 && groups.all(|g| is_digits(g) && g.len() == 3);
    if !fits || !is_digits(fraction) {
        return None;
    }
    text.replace(',', "").parse().ok()
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    is_digits(whole) && is_digits(fraction)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The first amount in `text` after `prefix` and any blanks; `None` when the prefix is not there or no digit follows it.
pub fn after(text: &str, prefix: &str) -> Option<Decimal> {
    let rest = text[text.find(prefix)? + prefix.len()..].trim_start();
    let unsigned = rest.strip_prefix('-').unwrap_or(rest);
    let length = unsigned.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(unsigned.len());
    let end = rest.len() - unsigned.len() + length;
    // A full stop or comma at the end belongs to the sentence.
    parse(rest[..end].trim_end_matches(['.', ',']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_documented_form_is_read_to_the_digit() {
        for (text, value) in [
            ("0", "0"),
            ("110.00", "110.00"),
            ("-11.19", "-11.19"),
            ("1,234.56", "1234.56"),
            ("-1,234,567", "-1234567"),
            ("123,456.000000000", "123456"),
            ("2.4e-05", "0.000024"),
            ("1E12", "1000000000000"),
            ("1e12", "1000000000000"),
            ("0e99", "0"),
            (" 42.488000000 ", "42.488"),
            ("1000000000000.123456789", "1000000000000.123456789"),
            ("9999999999999999999", "9999999999999999999"),
        ] {
            assert_eq!(parse(text), Some(value.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_not_surely_an_amount_is_none() {
        for text in [
            "",
            " ",
            "-",
            ".",
            "1.",
            ".5",
            "+5",
            "1,5",
            "12,34",
            "1234,567",
            "1,234,56",
            ",123",
            "1,234.",
            "1_000",
            "0x10",
            "NaN",
            "inf",
            "Infinity",
            "1e",
            "1e+",
            "1e400",
            "1e-400",
            "--1",
            "1 000",
            "$5",
            "５",
            "null",
            "1.2.3",
            "99999999999999999999999999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_amount_in_a_sentence_is_found_after_its_word() {
        let remaining = |text| after(text, "剩余").map(|d| d.to_string());
        assert_eq!(remaining("剩余9810积分").as_deref(), Some("9810"));
        assert_eq!(remaining("剩余 -1,234.5 积分").as_deref(), Some("-1234.5"));
        assert_eq!(remaining("剩余100次，共200次").as_deref(), Some("100"));
        assert_eq!(remaining("剩余12.").as_deref(), Some("12"));
        assert_eq!(remaining("共200次"), None);
        assert_eq!(remaining("剩余无数据 3"), None);
    }

    proptest! {
        #[test]
        fn any_decimal_comes_back(units in any::<i64>(), scale in 0u32..12) {
            let value = Decimal::new(units, scale);
            prop_assert_eq!(parse(&value.to_string()), Some(value));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}", prefix in "\\PC{0,3}") {
            parse(&text);
            after(&text, &prefix);
        }
    }
}
