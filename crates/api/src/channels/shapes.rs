//! What the answers look like.

use super::ChannelsState;
use model::Timestamp;
use notify::{ChannelCounts, ChannelDraft, ChannelRow, NotifyError, Origin};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// One channel. The draft's own serialisation leaves out what is secret; `config` is what may be shown.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Channel")]
pub(super) struct ChannelJson {
    id: i64,
    #[serde(flatten)]
    draft: ChannelDraft,
    config: Option<Value>,
    /// Why nothing can be sent to it.
    problem: Option<&'static str>,
    origin: Origin,
    /// Whether `allow_private` has effect.
    private: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Until when it is left alone, by its rate or because it asked.
    paused_until: Option<Timestamp>,
    #[serde(flatten)]
    counts: ChannelCounts,
}

impl ChannelJson {
    pub(super) fn of(row: ChannelRow, counts: Option<ChannelCounts>, state: &ChannelsState) -> Self {
        let rules = state.deliverer.rules();
        let (config, problem) = match row.open(&rules) {
            Ok(to) => (Some(to.channel.shown()), None),
            Err(NotifyError::Seal(_)) => (None, Some("the configuration cannot be unsealed: give it anew")),
            Err(_) => (None, Some("the configuration cannot be used as things are: change it")),
        };
        Self {
            id: row.id,
            private: row.draft.allow_private && rules.allow_private,
            draft: row.draft,
            config,
            problem,
            origin: row.origin,
            created_at: row.created_at,
            updated_at: row.updated_at,
            paused_until: Some(row.paused_until).filter(|until| *until > state.now()),
            counts: counts.unwrap_or_default(),
        }
    }
}
