//! Aligned columns, also of Japanese text.

use std::fmt;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Which side of a column is straight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a head, two spaces between columns.
#[derive(Clone, Debug)]
pub struct Table {
    head: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<const N: usize>(head: [(&'static str, Align); N]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row of one cell a column.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.head.len(), "a cell for each column");
        self.rows.push(cells.to_vec());
    }

    fn line<'a>(&self, f: &mut fmt::Formatter<'_>, cells: impl Iterator<Item = &'a str>) -> fmt::Result {
        let mut line = String::new();
        for (i, cell) in cells.enumerate() {
            let (name, align) = self.head[i];
            let widest = self.rows.iter().map(|row| row[i].width()).max().unwrap_or(0).max(name.width());
            let space = " ".repeat(widest.saturating_sub(cell.width()));
            let gap = if i == 0 { "" } else { "  " };
            match align {
                Align::Left => line.extend([gap, cell, &space]),
                Align::Right => line.extend([gap, &space, cell]),
            }
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f, self.head.iter().map(|(name, _)| *name))?;
        self.rows.iter().try_for_each(|row| self.line(f, row.iter().map(String::as_str)))
    }
}

/// The text in at most `cells` cells of a terminal; what is cut ends in an ellipsis.
pub fn fit(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= cells
    });
    kept.chain(['…']).collect()
}

/// A whole number with its thousands apart: 12,300.
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::from(if n < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_takes_two_cells_a_character() {
        let mut table = Table::new([("IP", Align::Left), ("n", Align::Right), ("x", Align::Left)]);
        table.row(["初音ミク".into(), "7".into(), "a".into()]);
        table.row(["Re:ゼロ".into(), "1,234".into(), String::new()]);
        assert_eq!(table.to_string(), "IP            n  x\n初音ミク      7  a\nRe:ゼロ   1,234\n");
    }

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        assert_eq!(fit("初音ミク", 8), "初音ミク");
        assert_eq!(fit("初音ミク", 7), "初音ミ…");
        assert_eq!(fit("初音ミク", 6), "初音…");
        assert_eq!(fit("abc", 2), "a…");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1_000, -12_345, 1_234_567].map(grouped), ["0", "999", "1,000", "-12,345", "1,234,567"]);
    }
}
