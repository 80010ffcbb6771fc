//! Takes secrets out of texts that others wrote: providers echo headers, addresses and what was signed.

use crate::signer::encode;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::fmt;

const MASK: &str = "***";
/// Shorter texts would take half of every sentence with them.
const SHORTEST: usize = 4;
/// Longer notes are a provider's page, not its words.
const LONGEST_NOTE: usize = 240;

/// Knows what must not be seen.
#[derive(Clone)]
pub struct Redactor(Vec<String>);

impl Redactor {
    /// A redactor for these texts, in every form in which they travel: as they are, percent-encoded (once and twice, as
    /// in a signed query), as a form or JSON writes them, in base64.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.into_iter().map(str::trim).filter(|secret| secret.len() >= SHORTEST) {
            let once = encode(secret);
            let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = serde_json::Value::from(secret).to_string();
            forms.extend([encode(&once), json.trim_matches('"').to_owned(), form, once]);
            // A user alone in `Authorization: Basic` is followed by a colon.
            for plain in [secret.to_owned(), format!("{secret}:")] {
                forms.extend([STANDARD.encode(&plain), URL_SAFE_NO_PAD.encode(&plain)]);
            }
            forms.push(secret.to_owned());
        }
        // The longest first: a part of a secret must not leave the rest of it standing.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self(forms)
    }

    /// The text without the secrets. Letters are compared without case, as encoders write %2F and %2f.
    pub fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for form in &self.0 {
            clean = without(&clean, form);
        }
        clean
    }

    /// A provider's words as part of a note: clean, in one line, of bounded length.
    pub fn note(&self, text: &str) -> String {
        // Cleaned before it is cut: half a secret would not be recognised.
        let line: String = self.clean(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LONGEST_NOTE) {
            Some((cut, _)) => format!("{}…", &line[..cut]),
            None => line,
        }
    }
}

fn without(text: &str, form: &str) -> String {
    // ASCII case only, so that positions are the same in both.
    let (lower, wanted) = (text.to_ascii_lowercase(), form.to_ascii_lowercase());
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(found) = lower[from..].find(&wanted) {
        clean.push_str(&text[from..from + found]);
        clean.push_str(MASK);
        from += found + wanted.len();
    }
    clean.push_str(&text[from..]);
    clean
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let redactor = Redactor::new(["sk-a/b+c=\"d", "AKID:SECRET"]);
        for text in [
            "Bearer sk-a/b+c=\"d!",
            "SK-A/B+C=\"D",
            "?k=sk-a%2Fb%2Bc%3D%22d&",
            "?k=sk-a%2fb%2bc%3d%22d&",
            "GET&%2F&k%3Dsk-a%252Fb%252Bc%253D%2522d",
            r#"{"k":"sk-a/b+c=\"d"}"#,
            "Basic QUtJRDpTRUNSRVQ=",
        ] {
            let clean = redactor.clean(text);
            assert!(clean.contains(MASK), "{text}: {clean}");
            assert!(!clean.to_lowercase().contains("sk-a") && !clean.contains("QUtJ"), "{text}: {clean}");
        }
        assert!(!format!("{redactor:?}").contains("sk-a"));
        assert_eq!(Redactor::new(["", "abc"]).clean("abc"), "abc");
    }

    #[test]
    fn a_note_is_one_short_line() {
        let redactor = Redactor::new(["secret-key"]);
        assert_eq!(redactor.note(" bad\n\tkey  secret-key\0 "), "bad key ***");
        let long = redactor.note(&format!("{}secret-key", "x".repeat(235)));
        assert!(!long.contains("secr"), "{long}");
        assert!(redactor.note(&"中".repeat(999)).ends_with('…'));
    }

    proptest! {
        #[test]
        fn nothing_of_the_secret_stays(secret in "[ -~]{6,40}", before in "\\PC{0,20}", after in "\\PC{0,20}") {
            let redactor = Redactor::new([secret.as_str()]);
            let secret = secret.trim();
            prop_assume!(secret.len() >= SHORTEST && !secret.contains("***"));
            for form in [secret.to_owned(), encode(secret), encode(&encode(secret)), STANDARD.encode(secret)] {
                let clean = redactor.clean(&format!("{before}{form}{after}"));
                prop_assert!(!clean.contains(secret) || before.contains(secret) || MASK.contains(secret), "{}", clean);
            }
        }
    }
}
