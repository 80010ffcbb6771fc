//! Sets of UIDs as IMAP writes them.

use std::fmt::Write as _;

/// `3:5,8`: ascending UIDs, runs as ranges.
pub(super) fn set(uids: &[u32]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < uids.len() {
        let mut end = at;
        while end + 1 < uids.len() && uids[end].checked_add(1) == Some(uids[end + 1]) {
            end += 1;
        }
        let comma = if text.is_empty() { "" } else { "," };
        let _ = if at == end {
            write!(text, "{comma}{}", uids[at])
        } else {
            write!(text, "{comma}{}:{}", uids[at], uids[end])
        };
        at = end + 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::set;

    #[test]
    fn runs_become_ranges() {
        for (uids, expected) in [
            (&[][..], ""),
            (&[7], "7"),
            (&[1, 2, 3, 5, 7, 8], "1:3,5,7:8"),
            (&[u32::MAX - 1, u32::MAX], "4294967294:4294967295"),
        ] {
            assert_eq!(set(uids), expected);
        }
    }
}
