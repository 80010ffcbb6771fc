//! The channels that the configuration keeps.

use super::channels::{ChannelDraft, ChannelRow, Origin, add_channel, channels_in, remove_channel, update_channel};
use crate::channel::ConfigError;
use crate::error::NotifyError;
use crate::rules::Rules;
use crate::secrets::redacted;
use ::store::Tx;
use model::Timestamp;
use serde_json::Value;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Channels that were not there.
    pub added: usize,
    /// Channels that were otherwise, or people's.
    pub changed: usize,
    /// Channels that the configuration kept and does not name any more; what waited for them is dropped.
    pub removed: usize,
}

/// Makes the channels of the configuration exist as it says, by name, and removes those it named before. A channel that
/// people made under such a name becomes the configuration's.
pub async fn keep(
    tx: &mut Tx,
    drafts: &[ChannelDraft],
    rules: &Rules<'_>,
    now: Timestamp,
) -> Result<Kept, NotifyError> {
    let mut kept = Kept::default();
    let there = channels_in(tx).await?;
    for draft in drafts {
        let named = |error| named(error, draft);
        match there.iter().find(|row| row.draft.name == draft.name.trim()) {
            None => {
                add_channel(tx, draft, Origin::Config, rules, now).await.map_err(named)?;
                kept.added += 1;
            }
            Some(row) if !same(row, draft, rules).map_err(named)? => {
                update_channel(tx, row.id, draft, Origin::Config, rules, now).await.map_err(named)?;
                kept.changed += 1;
            }
            Some(_) => {}
        }
    }
    let gone = |row: &&ChannelRow| !drafts.iter().any(|draft| draft.name.trim() == row.draft.name);
    for row in there.iter().filter(|row| row.origin == Origin::Config).filter(gone) {
        remove_channel(tx, row.id).await?;
        kept.removed += 1;
    }
    Ok(kept)
}

/// Whether a row is what the draft says. A change ends the channel's pause, so that none is made for nothing.
fn same(row: &ChannelRow, draft: &ChannelDraft, rules: &Rules<'_>) -> Result<bool, NotifyError> {
    let (kind, config) = rules.stated(draft)?;
    let Ok(before) = rules.sealer.open(row.sealed.reveal()) else { return Ok(false) };
    let gathers = rules.destination(&kind, &before, draft.allow_private).map(|to| to.channel.gathers());
    let stated = ChannelDraft {
        name: draft.name.trim().to_owned(),
        kind,
        url: None,
        config: None,
        gather_seconds: if gathers == Ok(false) { Some(0) } else { draft.gather_seconds },
        ..draft.clone()
    };
    let before = serde_json::from_str::<Value>(&before).ok();
    Ok(row.origin == Origin::Config && row.draft == stated && before == config)
}

fn named(error: NotifyError, draft: &ChannelDraft) -> NotifyError {
    match error {
        NotifyError::Config(ConfigError(why)) => {
            NotifyError::Config(ConfigError(format!("{:?}: {}", draft.name, redacted(&why, draft))))
        }
        other => other,
    }
}
