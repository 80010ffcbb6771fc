//! Subscriptions and mailboxes.

use super::{Done, Fault, Place, there_already};
use model::WatchKind;
use reminders::store::{
    MailboxDraft, SubscriptionDraft, add_mailbox, add_subscription, end_alerts, find_mailbox, find_subscription,
    hold_mailbox, hold_subscription, update_mailbox, update_subscription,
};
use settings::Secret;
use store::Tx;

/// Adds a subscription, or changes what the file says otherwise. A later payment stays, and what was switched off.
pub(super) async fn subscription(tx: &mut Tx, stated: &SubscriptionDraft, place: &Place<'_>) -> Result<Done, Fault> {
    let there = match find_subscription(tx, &stated.name).await? {
        Some(id) => hold_subscription(tx, id).await?,
        None => None,
    };
    let Some(there) = there else {
        let id = add_subscription(tx, stated, place.now).await?;
        place.audit(tx, "subscription.create", format!("subscription:{id}")).await?;
        return Ok(Done::Created(id));
    };
    if !place.upsert {
        return Ok(there_already());
    }
    let (id, before) = (there.id, there.draft);
    let mut draft = SubscriptionDraft {
        amount: stated.amount.or(before.amount),
        zone: before.zone.clone(),
        notes: if stated.notes.is_empty() { before.notes.clone() } else { stated.notes.clone() },
        enabled: stated.enabled && before.enabled,
        ..stated.clone()
    };
    draft.terms.last_renewed = draft.terms.last_renewed.max(before.terms.last_renewed);
    draft.terms.end = draft.terms.end.or(before.terms.end);
    if draft == before {
        return Ok(Done::Unchanged(id));
    }
    update_subscription(tx, id, &draft, place.now).await?;
    if !draft.enabled {
        end_alerts(tx, (WatchKind::Subscription, id), None, place.now, place.now).await?;
    }
    place.audit(tx, "subscription.update", format!("subscription:{id}")).await?;
    Ok(Done::Updated(id))
}

/// Adds a mailbox, or changes what the file says otherwise.
pub(super) async fn mailbox(
    tx: &mut Tx,
    (stated, secret): &(MailboxDraft, Secret),
    place: &Place<'_>,
) -> Result<Done, Fault> {
    let sealed = || place.keyring.seal(secret.reveal()).map(Secret::new).map_err(|e| Fault::Stated(e.to_string()));
    let there = match find_mailbox(tx, &stated.name).await? {
        Some(id) => hold_mailbox(tx, id).await?,
        None => None,
    };
    let Some(there) = there else {
        let draft = MailboxDraft { sealed: sealed()?, ..stated.clone() };
        let id = add_mailbox(tx, &draft, place.now).await?;
        place.audit(tx, "mailbox.create", format!("mailbox:{id}")).await?;
        return Ok(Done::Created(id));
    };
    if !place.upsert {
        return Ok(there_already());
    }
    let (id, before) = (there.id, there.draft);
    let same = place.keyring.open(before.sealed.reveal()).is_ok_and(|opened| opened == secret.reveal());
    let draft = MailboxDraft {
        host: stated.host.clone(),
        port: stated.port,
        tls: stated.tls,
        username: stated.username.clone(),
        sealed: if same { before.sealed.clone() } else { sealed()? },
        enabled: stated.enabled && before.enabled,
        ..before.clone()
    };
    if draft == before {
        return Ok(Done::Unchanged(id));
    }
    update_mailbox(tx, id, &draft, place.now).await?;
    if !draft.enabled {
        end_alerts(tx, (WatchKind::Mailbox, id), Some("unreadable"), place.now, place.now).await?;
    }
    place.audit(tx, "mailbox.update", format!("mailbox:{id}")).await?;
    Ok(Done::Updated(id))
}
