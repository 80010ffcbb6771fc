//! Subscriptions and their targets.

use super::date;
use crate::ahead::Ahead;
use crate::cycle::{Cycle, CycleType};
use crate::standing::{Standing, Terms};
use crate::zone::Zone;
use ::store::{Row, Store, StoreError, Tx, Value, args};
use jiff::civil::Date;
use model::{TargetState, Timestamp, WatchKind};
use rust_decimal::Decimal;
use std::time::Duration;

/// A subscription as a person gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionDraft {
    /// Its name, unlike all others.
    pub name: String,
    /// Who it belongs to.
    pub project: String,
    /// When it is renewed and told of.
    pub terms: Terms,
    /// What one renewal costs, if it is known.
    pub amount: Option<Decimal>,
    /// Of the amount; ISO 4217, or what the user says.
    pub currency: String,
    /// Where its days begin.
    pub zone: Zone,
    /// Free text.
    pub notes: String,
    /// Whether it is told of.
    pub enabled: bool,
}

/// What people were last told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The renewal day.
    pub renewal: Date,
    /// The reminder, as days before it.
    pub ahead: u16,
}

/// A subscription as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Its number.
    pub id: i64,
    /// What was given.
    pub draft: SubscriptionDraft,
    /// What people were last told of.
    pub told: Option<Told>,
    /// When the watch last looked.
    pub checked_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
}

impl Subscription {
    /// Where its renewal stands; `None` beyond the calendar.
    pub fn standing(&self, now: Timestamp) -> Option<Standing> {
        Some(self.draft.terms.standing(self.draft.zone.date(now)?))
    }
}

const ROW: &str = "SELECT id, name, project, cycle, renewal_day, ahead, amount, currency, zone, last_renewed, end_date, \
     notes, state, told_for, told_ahead, checked_at, created_at, updated_at FROM subscriptions";

fn subscription(r: &Row) -> Result<Subscription, StoreError> {
    let wrong = |column| move |message| StoreError::Decode { column, message };
    let cycle = r.text(3)?;
    let cycle = CycleType::parse(&cycle).ok_or_else(|| wrong(3)(cycle))?;
    let amount = r.opt_text(6)?;
    let told = match (date(r.opt_text(13)?, 13)?, r.opt_int(14)?) {
        (Some(renewal), Some(ahead)) => Some(Told { renewal, ahead: u16::try_from(ahead).unwrap_or(u16::MAX) }),
        _ => None,
    };
    Ok(Subscription {
        id: r.int(0)?,
        draft: SubscriptionDraft {
            name: r.text(1)?,
            project: r.text(2)?,
            terms: Terms {
                cycle: Cycle::new(cycle, r.int(4)?).map_err(wrong(4))?,
                ahead: Ahead::parse(&r.text(5)?).map_err(wrong(5))?,
                last_renewed: date(r.opt_text(9)?, 9)?,
                end: date(r.opt_text(10)?, 10)?,
            },
            amount: amount.map(|a| a.parse().map_err(|_| wrong(6)(a))).transpose()?,
            currency: r.text(7)?,
            zone: Zone::parse(&r.text(8)?).map_err(wrong(8))?,
            notes: r.text(11)?,
            enabled: r.text(12)? == TargetState::Active.as_str(),
        },
        told,
        checked_at: r.opt_time(15)?,
        created_at: r.time(16)?,
        updated_at: r.time(17)?,
    })
}

fn values(draft: &SubscriptionDraft) -> Vec<Value> {
    let Terms { cycle, ahead, last_renewed, end } = &draft.terms;
    args![
        &draft.name,
        &draft.name,
        &draft.project,
        cycle.kind().as_str(),
        cycle.day(),
        ahead.to_string(),
        draft.amount.map(|a| a.to_string()),
        &draft.currency,
        draft.zone.name(),
        last_renewed.map(|d| d.to_string()),
        end.map(|d| d.to_string()),
        &draft.notes,
        state(draft).as_str(),
    ]
}

const fn state(draft: &SubscriptionDraft) -> TargetState {
    if draft.enabled { TargetState::Active } else { TargetState::Paused }
}

/// A day: how often a renewal is looked at.
pub(crate) const DAILY: Duration = Duration::from_secs(86_400);

/// Adds a subscription and its target, due now. A taken name is [`StoreError::Conflict`].
pub async fn add_subscription(tx: &mut Tx, draft: &SubscriptionDraft, now: Timestamp) -> Result<i64, StoreError> {
    let mut values = values(draft);
    values.extend(args![now, now]);
    let id = tx
        .insert_id(
            "INSERT INTO subscriptions (name, live_name, project, cycle, renewal_day, ahead, amount, currency, zone, \
             last_renewed, end_date, notes, state, created_at, updated_at, touched) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            values,
        )
        .await?;
    ::store::add_target(tx, WatchKind::Subscription, id, now, DAILY).await?;
    ::store::set_target_state(tx, WatchKind::Subscription, id, state(draft)).await?;
    Ok(id)
}

/// Changes a subscription; answers false when there is none. It is looked at again at once.
pub async fn update_subscription(
    tx: &mut Tx,
    id: i64,
    draft: &SubscriptionDraft,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut values = values(draft);
    values.extend(args![now, id]);
    let found = tx
        .exec(
            "UPDATE subscriptions SET name = ?, live_name = ?, project = ?, cycle = ?, renewal_day = ?, ahead = ?, \
             amount = ?, currency = ?, zone = ?, last_renewed = ?, end_date = ?, notes = ?, state = ?, updated_at = ? \
             WHERE id = ? AND state <> 'deleted'",
            values,
        )
        .await?;
    ::store::set_target_state(tx, WatchKind::Subscription, id, state(draft)).await?;
    ::store::trigger(tx, WatchKind::Subscription, id, now).await?;
    Ok(found > 0)
}

/// Deletes a subscription and ends its alerts; its name is free again. Answers false when there is none.
pub async fn delete_subscription(tx: &mut Tx, id: i64, now: Timestamp) -> Result<bool, StoreError> {
    let found = tx
        .exec(
            "UPDATE subscriptions SET state = 'deleted', live_name = NULL, updated_at = ? \
             WHERE id = ? AND state <> 'deleted'",
            args![now, id],
        )
        .await?;
    ::store::set_target_state(tx, WatchKind::Subscription, id, TargetState::Deleted).await?;
    super::end_alerts(tx, (WatchKind::Subscription, id), None, now, now).await?;
    Ok(found > 0)
}

/// Reads a subscription within a transaction and keeps others from changing it until its end.
pub async fn hold_subscription(tx: &mut Tx, id: i64) -> Result<Option<Subscription>, StoreError> {
    // Written first: what is read behind the lock is what is there, on all three databases.
    tx.exec("UPDATE subscriptions SET touched = touched + 1 WHERE id = ?", args![id]).await?;
    let row = tx.query_one(&format!("{ROW} WHERE id = ? AND state <> 'deleted'"), args![id]).await?;
    row.as_ref().map(subscription).transpose()
}

/// One subscription by number.
pub async fn get_subscription(store: &Store, id: i64) -> Result<Option<Subscription>, StoreError> {
    let row = store.query_one(&format!("{ROW} WHERE id = ? AND state <> 'deleted'"), args![id]).await?;
    row.as_ref().map(subscription).transpose()
}

/// The number of a subscription by its name.
pub async fn find_subscription(tx: &mut Tx, name: &str) -> Result<Option<i64>, StoreError> {
    let row = tx.query_one("SELECT id FROM subscriptions WHERE live_name = ?", args![name]).await?;
    row.map(|r| r.int(0)).transpose()
}

/// All subscriptions by name, 10,000 at most.
pub async fn list_subscriptions(store: &Store) -> Result<Vec<Subscription>, StoreError> {
    let sql = format!("{ROW} WHERE state <> 'deleted' ORDER BY name, id LIMIT 10000");
    store.query(&sql, args![]).await?.iter().map(subscription).collect()
}

/// Writes the day it was paid for.
pub async fn write_renewed(tx: &mut Tx, id: i64, on: Date, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE subscriptions SET last_renewed = ?, updated_at = ? WHERE id = ?";
    tx.exec(sql, args![on.to_string(), now, id]).await?;
    ::store::trigger(tx, WatchKind::Subscription, id, now).await?;
    Ok(())
}

/// Writes that the watch looked, and what people have been told of.
pub async fn write_checked(tx: &mut Tx, id: i64, told: Option<Told>, now: Timestamp) -> Result<(), StoreError> {
    let (renewal, ahead) = (told.map(|t| t.renewal.to_string()), told.map(|t| i64::from(t.ahead)));
    let sql = "UPDATE subscriptions SET told_for = ?, told_ahead = ?, checked_at = ? WHERE id = ?";
    tx.exec(sql, args![renewal, ahead, now, id]).await?;
    Ok(())
}
