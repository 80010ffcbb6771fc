//! Reading a message: headers and text in whatever charset and encoding, attachments left aside.

use super::html;
use aws_lc_rs::digest::{SHA256, digest};
use mail_parser::{MessageParser, MimeHeaders as _, PartType};
use std::fmt::Write as _;

/// What of a message is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// `Message-ID`, without brackets; empty when there is none.
    pub message_id: String,
    /// The sender's address.
    pub sender: String,
    /// The sender's name, if it gives one.
    pub sender_name: String,
    /// Decoded.
    pub subject: String,
    /// The text of all parts that are shown, HTML without its tags.
    pub text: String,
    /// `Date`, milliseconds since the epoch, if it can be read.
    pub date: Option<i64>,
}

/// Text of a message beyond this many bytes is not looked at.
const LONGEST_TEXT: usize = 256 * 1024;

impl Mail {
    /// Reads a message, which may be cut off at the end; `None` when it is none.
    pub fn read(raw: &[u8]) -> Option<Self> {
        let message = MessageParser::default().parse(raw)?;
        let from = message.from().and_then(|a| a.first());
        let mut mail = Self {
            message_id: message.message_id().unwrap_or_default().trim().to_owned(),
            sender: from.and_then(|a| a.address()).unwrap_or_default().to_owned(),
            sender_name: from.and_then(|a| a.name()).unwrap_or_default().trim().to_owned(),
            subject: message.subject().unwrap_or_default().trim().to_owned(),
            text: String::new(),
            date: message.date().filter(|d| d.is_valid()).map(|d| d.to_timestamp().saturating_mul(1_000)),
        };
        let mut parts: Vec<_> = message.text_body.iter().chain(&message.html_body).copied().collect();
        parts.sort_unstable();
        parts.dedup();
        for part in parts.into_iter().filter_map(|id| message.parts.get(id as usize)) {
            if part.content_disposition().is_some_and(|d| d.is_attachment()) || mail.text.len() > LONGEST_TEXT {
                continue;
            }
            match &part.body {
                PartType::Text(text) => mail.text.push_str(text),
                PartType::Html(text) => mail.text.push_str(&html::text_of(text)),
                _ => {}
            }
            mail.text.push('\n');
        }
        cut(&mut mail.text, LONGEST_TEXT);
        Some(mail)
    }

    /// What makes two copies the same message: a hash of its id, or of all that is known of it when it has none.
    pub fn hash(&self) -> String {
        let identity = if self.message_id.is_empty() {
            format!("{}\n{:?}\n{}\n{}", self.sender, self.date, self.subject, self.text)
        } else {
            self.message_id.clone()
        };
        let mut hex = String::with_capacity(64);
        for byte in digest(&SHA256, identity.as_bytes()).as_ref() {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

/// Cuts a text at a character's border.
fn cut(text: &mut String, at: usize) {
    if text.len() > at {
        text.truncate(text.floor_char_boundary(at));
    }
}
