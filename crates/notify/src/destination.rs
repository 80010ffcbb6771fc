//! A channel ready to be written to: its configuration, read and checked, and what may be said of it.

use crate::channel::{Channel, ConfigError};
use crate::guard::{Reach, check_url};
use crate::message::Message;
use crate::redact::Redactor;
use crate::text::Language;
use crate::wire::Prepared;
use model::Timestamp;
use serde_json::Value;

/// Where one channel's messages go.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The channel.
    pub channel: Channel,
    /// Which addresses it may be at.
    pub reach: Reach,
    redactor: Redactor,
}

impl Destination {
    /// Reads and checks a configuration. Its URL is judged as far as can be without resolving a name; that is done when
    /// a message is sent.
    pub fn parse(kind: &str, config: &str, allow_private: bool) -> Result<Self, ConfigError> {
        let channel = Channel::parse(kind, config)?;
        let given: Value = serde_json::from_str(config).map_err(|e| ConfigError(e.to_string()))?;
        let redactor = Redactor::new(&given, &channel.shown());
        let reach = Reach::of(allow_private);
        if let Prepared::Http(request) = channel.request(&Message::test(Timestamp(0), Language::En), Timestamp(0)) {
            check_url(&request.url, reach).map_err(|e| ConfigError(e.to_string()))?;
        }
        Ok(Self { channel, reach, redactor })
    }

    /// A text without this channel's secrets, on one line and of at most 500 characters, as it may be stored and shown.
    pub fn redact(&self, text: &str) -> String {
        let clean = self.redactor.clean(text);
        clean.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
    }
}
