//! Mail over SMTP.

use super::Sink;
use crate::message::Message;
use crate::rate::Rate;
use crate::wire::{Answer, MailTls, Prepared, PreparedMail, Verdict};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use model::Timestamp;
use serde::{Deserialize, Serialize};
use settings::Secret;
use std::time::{Duration, UNIX_EPOCH};

/// An SMTP server, and from whom to whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The server's name or address.
    pub host: String,
    /// 587 by default, 465 with `tls: wrapper`, 25 with `tls: none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: MailTls,
    /// A user, if the server wants one.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub password: Secret,
    /// The sender, `name@example.com` or `Name <name@example.com>`.
    pub from: Address,
    /// The receivers.
    pub to: Vec<Address>,
}

/// A mail address that can be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Mailbox);

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "not a mail address".to_owned())
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.to_string()
    }
}

impl Email {
    fn mail(&self, message: &Message, now: Timestamp) -> Result<lettre::Message, lettre::error::Error> {
        let since = Duration::from_millis(u64::try_from(now.millis()).unwrap_or(0));
        // Mail programs show one alert's messages as a thread, and a mail that came twice once.
        let key = message.items.first().map_or(&message.id, |i| &i.key);
        let subject: String = message.title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        let mut builder = lettre::Message::builder()
            .from(self.from.0.clone())
            .date(UNIX_EPOCH + since)
            .message_id(Some(message_id(&message.id)))
            .references(message_id(key))
            .subject(subject)
            .header(AutoSubmitted);
        for to in &self.to {
            builder = builder.to(to.0.clone());
        }
        let link = message.link.as_deref().map(|l| format!("\n\n{l}")).unwrap_or_default();
        builder.header(ContentType::TEXT_PLAIN).body(format!("{}{link}\n", message.text()))
    }
}

fn message_id(id: &str) -> String {
    let id: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '.' }).collect();
    format!("<{id}@tidewatch.invalid>")
}

/// `Auto-Submitted: auto-generated` (RFC 3834), so that no absence note answers.
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Sink for Email {
    fn request(&self, message: &Message, now: Timestamp) -> Prepared {
        let port = self.port.unwrap_or(match self.tls {
            MailTls::Starttls => 587,
            MailTls::Wrapper => 465,
            MailTls::None => 25,
        });
        match self.mail(message, now) {
            Ok(mail) => Prepared::Mail(Box::new(PreparedMail {
                server: (self.host.clone(), port),
                tls: self.tls,
                login: self.user.clone().map(|user| (user, self.password.clone())),
                mail,
            })),
            Err(e) => Prepared::Unfit(e.to_string()),
        }
    }

    /// RFC 5321 4.2.1: 2xx has it, 4xx not now, 5xx never.
    fn judge(&self, answer: &Answer) -> Verdict {
        let why = || format!("SMTP {}: {}", answer.status, answer.snippet());
        match answer.status {
            200..=299 => Verdict::Delivered,
            400..=499 => Verdict::retry(why()),
            500..=599 => Verdict::refused(why()),
            _ => Verdict::retry(why()),
        }
    }

    fn rate(&self) -> Rate {
        Rate { per_second: 1, per_minute: 20, avoid_marks: false }
    }

    fn check(&self) -> Result<(), String> {
        if self.to.is_empty() {
            return Err("to is empty".to_owned());
        }
        if self.tls == MailTls::None && self.user.is_some() {
            return Err("a password is not sent without TLS".to_owned());
        }
        Ok(())
    }
}
