//! What goes out to a channel's server and what comes back, apart from the sending itself.

use model::Timestamp;
use reqwest::Method;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;
use settings::Secret;
use std::fmt;
use std::time::Duration;
use url::Url;

/// A request ready to be sent. Its URL and headers may hold the channel's secret, so it prints neither.
#[derive(Clone, PartialEq)]
pub struct PreparedRequest {
    /// POST or PUT.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Header names and values.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: String,
}

impl PreparedRequest {
    /// A POST of JSON.
    pub fn json(url: Url, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), Secret::new("application/json; charset=utf-8"))];
        Self { method: Method::POST, url, headers, body: body.to_string() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), Secret::new(value)));
        self
    }
}

impl fmt::Debug for PreparedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "PreparedRequest({} {host}, {} bytes)", self.method, self.body.len())
    }
}

/// A mail ready to be handed to an SMTP server.
#[derive(Clone)]
pub struct PreparedMail {
    /// Host and port of the server.
    pub server: (String, u16),
    /// How the connection is protected.
    pub tls: MailTls,
    /// User and password, if the server wants them.
    pub login: Option<(String, Secret)>,
    /// The mail, headers and all.
    pub mail: lettre::Message,
}

/// How an SMTP connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// TLS after STARTTLS, which the server must offer; usually port 587.
    #[default]
    Starttls,
    /// TLS from the first byte; usually port 465.
    Wrapper,
    /// None, for a relay on the same network.
    None,
}

/// What a channel makes of a message.
#[derive(Clone)]
pub enum Prepared {
    /// An HTTP request.
    Http(Box<PreparedRequest>),
    /// A mail.
    Mail(Box<PreparedMail>),
    /// This message cannot be put into the channel's form, and why.
    Unfit(String),
}

impl From<PreparedRequest> for Prepared {
    fn from(request: PreparedRequest) -> Self {
        Self::Http(Box::new(request))
    }
}

/// What the other side said.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// HTTP status or SMTP reply code.
    pub status: u16,
    /// HTTP headers; none from SMTP.
    pub headers: HeaderMap,
    /// The body, or the text of the SMTP reply.
    pub body: Vec<u8>,
    /// When it came, for dates in `Retry-After`.
    pub at: Timestamp,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The other side has it.
    Delivered,
    /// Not now.
    Retry {
        /// How long to leave the channel alone, if it said.
        after: Option<Duration>,
        /// What was wrong.
        why: String,
    },
    /// Never, as things are: a wrong key, a missing keyword, a body it does not like.
    Refused {
        /// What was wrong.
        why: String,
    },
}

impl Verdict {
    /// A failure that may pass.
    pub fn retry(why: impl Into<String>) -> Self {
        Self::Retry { after: None, why: why.into() }
    }

    /// A failure that passes after a while.
    pub fn retry_after(seconds: u64, why: impl Into<String>) -> Self {
        Self::Retry { after: Some(Duration::from_secs(seconds)), why: why.into() }
    }

    /// A failure that stays.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into() }
    }
}

impl Answer {
    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The first 200 characters of the body on one line.
    pub fn snippet(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
    }

    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// What `Retry-After` asks for (RFC 9110 10.2.3: seconds or a date), never capped; some servers give fractions.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Some(span) = seconds(text.parse::<f64>().ok()) {
            return Some(span);
        }
        let date = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Timestamp(i64::try_from(date.as_millis()).ok()?).since(self.at))
    }

    /// What the status alone says: 2xx is delivered, time-outs, 429 and 5xx pass, the rest stays.
    pub fn by_status(&self) -> Verdict {
        let why = match self.snippet() {
            text if text.is_empty() => format!("HTTP {}", self.status),
            text => format!("HTTP {}: {text}", self.status),
        };
        match self.status {
            200..=299 => Verdict::Delivered,
            300..=399 => Verdict::refused(format!("HTTP {}: redirects are not followed", self.status)),
            408 | 425 | 429 | 500..=599 => Verdict::Retry { after: self.retry_after(), why },
            _ => Verdict::refused(why),
        }
    }

    /// [`Answer::by_status`], except that 2xx is no success here: the body that says so is missing.
    pub fn not_understood(&self) -> Verdict {
        match self.by_status() {
            Verdict::Delivered => Verdict::retry(format!("HTTP {}, not understood: {}", self.status, self.snippet())),
            other => other,
        }
    }
}

/// A number of seconds from outside as a span; `None` for what is none.
pub(crate) fn seconds(number: Option<f64>) -> Option<Duration> {
    number.and_then(|n| Duration::try_from_secs_f64(n).ok())
}
