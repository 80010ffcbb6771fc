//! The webhook becomes a channel.

use super::{Done, Fault, Place, there_already};
use notify::{ChannelDraft, ChannelRow, NotifyError, Origin, add_channel, redacted, update_channel};
use serde_json::Value;
use store::Tx;

/// Adds a channel, or gives the one of this name another address. What else people set of it stays.
pub(super) async fn keep(
    tx: &mut Tx,
    draft: &ChannelDraft,
    there: &[ChannelRow],
    place: &Place<'_>,
) -> Result<Done, Fault> {
    let fault = |e| match e {
        NotifyError::Config(why) => Fault::Stated(redacted(&why.0, draft)),
        e => e.into(),
    };
    let Some(row) = there.iter().find(|row| row.draft.name == draft.name.trim()) else {
        let id = add_channel(tx, draft, Origin::Ui, &place.rules, place.now).await.map_err(fault)?;
        place.audit(tx, "channel.create", format!("channel:{id}")).await?;
        return Ok(Done::Created(id));
    };
    if row.origin == Origin::Config {
        return Ok(Done::Skipped("kept by the configuration (channels)".into()));
    }
    if !place.upsert {
        return Ok(there_already());
    }
    if row.draft.kind == draft.kind && address(row, place) == draft.config.as_ref().map(|config| config["url"].clone())
    {
        return Ok(Done::Unchanged(row.id));
    }
    let changed = ChannelDraft { kind: draft.kind.clone(), config: draft.config.clone(), ..row.draft.clone() };
    update_channel(tx, row.id, &changed, Origin::Ui, &place.rules, place.now).await.map_err(fault)?;
    place.audit(tx, "channel.update", format!("channel:{}", row.id)).await?;
    Ok(Done::Updated(row.id))
}

/// Where a channel that is there sends to.
fn address(row: &ChannelRow, place: &Place<'_>) -> Option<Value> {
    let config = place.rules.sealer.open(row.sealed.reveal()).ok()?;
    let config: Value = serde_json::from_str(&config).ok()?;
    config.get("url").cloned()
}
