//! What every channel is held against, whoever states it.

use crate::channel::ConfigError;
use crate::destination::Destination;
use crate::seal::Sealer;
use crate::shorthand::read_url;
use crate::store::ChannelDraft;
use serde_json::Value;
use url::Url;

/// What the installation says of all channels.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// Keeps their secrets.
    pub sealer: &'a dyn Sealer,
    /// Whether a channel may ask for addresses of the own network at all.
    pub allow_private: bool,
    /// The Apprise gateway for URLs of services that have no channel here.
    pub apprise: Option<&'a Url>,
}

impl Rules<'_> {
    /// Reads and checks a configuration; `wanted` is the channel's own `allow_private`, which counts only where the
    /// installation allows it.
    pub fn destination(&self, kind: &str, config: &str, wanted: bool) -> Result<Destination, ConfigError> {
        let parsed = Destination::parse(kind, config, wanted && self.allow_private);
        if wanted && !self.allow_private && parsed.is_err() && Destination::parse(kind, config, true).is_ok() {
            let why = parsed.err().map(|e| e.0).unwrap_or_default();
            return Err(ConfigError(format!("{why}; allow_private has no effect while notify.allow_private is false")));
        }
        parsed
    }

    /// Kind and configuration of a draft, whichever way they are stated; `None` where it has no configuration.
    pub(crate) fn stated(&self, draft: &ChannelDraft) -> Result<(String, Option<Value>), ConfigError> {
        let Some(url) = &draft.url else { return Ok((draft.kind.clone(), draft.config.clone())) };
        if draft.config.is_some() {
            return Err(ConfigError("give either url or config".to_owned()));
        }
        let read = read_url(url.reveal(), self.apprise).map_err(|e| ConfigError(format!("url: {e}")))?;
        if !draft.kind.is_empty() && draft.kind != read.kind {
            return Err(ConfigError(format!("url: is a channel of kind {}, not of the kind given", read.kind)));
        }
        Ok((read.kind.to_owned(), Some(read.config)))
    }
}
