//! One form for what looks the same.

/// Small letters, ASCII for full-width forms, one space for any run of white space, and none between ideographs: a line
/// may be broken anywhere in them.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        let c = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            '\u{ffe5}' => '¥',
            '\u{ffe0}' => '¢',
            '\u{ffe1}' => '£',
            // What is not seen must not keep a word from being found.
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{00ad}' => continue,
            '\u{2212}' => '-',
            other => other,
        };
        if c.is_whitespace() || c.is_control() {
            space = true;
            continue;
        }
        if space {
            let before = folded.chars().next_back();
            if before.is_some_and(|b| !(is_wide(b) && is_wide(c))) {
                folded.push(' ');
            }
            space = false;
        }
        folded.extend(c.to_lowercase());
    }
    folded
}

/// Kana, ideographs and their punctuation.
const fn is_wide(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
