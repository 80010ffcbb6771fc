//! Keeping a text within what a channel takes.

use serde_json::Value;

const CUT: &str = "…";

/// The text, or as much of its beginning as fits into `max` bytes with a `…` behind.
pub(crate) fn bytes(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max.saturating_sub(CUT.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if max < CUT.len() { "" } else { CUT };
    format!("{}{cut}", &text[..end])
}

/// As [`bytes`], counted in UTF-16 units as chat servers count characters.
pub(crate) fn units(text: &str, max: usize) -> String {
    if text.encode_utf16().count() <= max {
        return text.to_owned();
    }
    let mut left = max.saturating_sub(1);
    let kept: String = text
        .chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect();
    format!("{kept}{CUT}")
}

/// The JSON that `build` makes of the text, cut until the whole is at most `max` bytes; escaping makes texts longer.
pub(crate) fn json(text: &str, max: usize, build: impl Fn(&str) -> Value) -> Value {
    let mut room = max;
    loop {
        let value = build(&bytes(text, room));
        let over = value.to_string().len().saturating_sub(max);
        if over == 0 || room == 0 {
            return value;
        }
        // An escaped byte is at most six bytes long, so this never cuts more than is needed by much.
        room = room.min(text.len()).saturating_sub((over / 6).max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_short_text_stays_and_a_long_one_ends_with_a_mark() {
        assert_eq!(bytes("余额不足", 12), "余额不足");
        assert_eq!(bytes("余额不足", 11), "余额…");
        assert_eq!(bytes("余额不足", 2), "");
        assert_eq!(units("a😀b", 4), "a😀b");
        assert_eq!(units("a😀b", 3), "a…");
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_allowed(text in ".{0,400}", max in 3usize..300) {
            prop_assert!(bytes(&text, max).len() <= max);
            prop_assert!(units(&text, max).encode_utf16().count() <= max);
            let json = json(&text, max.max(20), |t| serde_json::json!({ "text": t }));
            prop_assert!(json.to_string().len() <= max.max(20));
        }
    }
}
