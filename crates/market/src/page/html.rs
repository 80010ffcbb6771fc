//! Writing HTML: markup is `&'static str`, so nothing that comes from outside can be written without escaping.

use model::Timestamp;
use std::fmt::{self, Display, Write as _};

/// A piece of a page.
#[derive(Default)]
pub(super) struct Html(String);

/// Escapes on its way into the text; safe between tags and within double quotes.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

impl Html {
    /// Markup of our own.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Anything else, escaped.
    pub fn text(&mut self, value: impl Display) -> &mut Self {
        let _ = write!(Escaped(&mut self.0), "{value}");
        self
    }

    /// A whole number with separators, or a dash when it is not known.
    pub fn number(&mut self, n: Option<i64>) -> &mut Self {
        match n {
            Some(n) => self.text(grouped(n)),
            None => self.raw("<span class=\"unknown\" title=\"not known\">–</span>"),
        }
    }

    /// A number that may be a lower bound.
    pub fn bounded(&mut self, n: i64, saturated: bool) -> &mut Self {
        if saturated {
            self.raw(
                "<abbr class=\"bound\" title=\"lower bound: more moved than one crawl could see\">≥</abbr>\u{2009}",
            );
        }
        self.text(grouped(n))
    }

    /// A ratio with two decimals, or a dash.
    pub fn ratio(&mut self, n: Option<f64>) -> &mut Self {
        match n {
            Some(n) => self.text(format_args!("{n:.2}")),
            None => self.number(None),
        }
    }

    /// A price in yen, or a dash.
    pub fn yen(&mut self, price: Option<f64>) -> &mut Self {
        match price {
            Some(price) => self.text(format_args!("¥{}", grouped(price.round() as i64))),
            None => self.number(None),
        }
    }

    /// An instant as `2026-11-21 12:00`, or the words when there is none.
    pub fn time(&mut self, at: Option<Timestamp>, none: &'static str) -> &mut Self {
        let Some(at) = at else { return self.raw(none) };
        let text = at.to_rfc3339_jst();
        self.raw("<time datetime=\"").text(&text).raw("\">").text(minute(&text)).raw("</time>")
    }

    /// Another piece.
    pub fn append(&mut self, piece: Self) -> &mut Self {
        self.0.push_str(&piece.0);
        self
    }

    /// The whole.
    pub fn finish(self) -> String {
        self.0
    }
}

/// `2026-11-21T12:00:00+09:00` as `2026-11-21 12:00`.
fn minute(rfc3339: &str) -> String {
    rfc3339.get(..16).unwrap_or(rfc3339).replace('T', " ")
}

/// 1234567 as `1,234,567`.
pub(super) fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + 8);
    if n < 0 {
        text.push('−');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let mut h = Html::default();
        h.raw("<p title=\"").text("\"><script>'&").raw("\">").text(7).raw("</p>");
        assert_eq!(h.finish(), "<p title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">7</p>");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567, -4_321].map(grouped), ["0", "999", "1,000", "1,234,567", "−4,321"]);
    }
}
