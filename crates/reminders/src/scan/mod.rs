//! What a mail says about money. Pure: bytes in, a finding out.

mod amount;
mod fold;
mod html;
mod mail;
mod service;
mod words;

pub use amount::Amount;
pub use mail::Mail;
pub use words::{DEFAULT_WORDS, Words};

use fold::fold;

/// What makes a mail worth telling of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who wants something: the sender's name, the name in brackets before the subject, or the sender's domain.
    pub service: String,
    /// The amount next to the words, if there is one.
    pub amount: Option<Amount>,
    /// The words that were found, as they are configured.
    pub words: Vec<String>,
}

/// Looks for the words in subject and text; `None` when there are none.
pub fn judge(mail: &Mail, words: &Words) -> Option<Finding> {
    let (subject, text) = (fold(&mail.subject), fold(&mail.text));
    let (in_subject, in_text) = (words.find(&subject), words.find(&text));
    let mut found: Vec<String> = Vec::new();
    for (_, word) in in_subject.iter().chain(&in_text) {
        if !found.iter().any(|f| f == word) {
            found.push((*word).to_owned());
        }
    }
    if found.is_empty() {
        return None;
    }
    let japanese = |t: &str| t.chars().any(|c| matches!(c, '\u{3041}'..='\u{30ff}'));
    let yen = japanese(&subject) || japanese(&text);
    let nearest = |text: &str, at: &[(usize, &str)]| amount::nearest(text, at.iter().map(|(at, _)| *at), yen);
    let amount = nearest(&subject, &in_subject).or_else(|| nearest(&text, &in_text));
    Some(Finding { service: service::name(mail), amount, words: found })
}

#[cfg(test)]
mod tests;
