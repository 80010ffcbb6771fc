//! Subscriptions. Every change is in the audit log.

use super::fields::{NewSubscription, SubscriptionFields, date, paid_on};
use super::shapes::SubscriptionJson;
use super::{RemindersState, audit};
use crate::store::{
    Subscription, add_subscription, delete_subscription, find_subscription, get_subscription, hold_subscription,
    list_subscriptions, update_subscription, write_renewed,
};
use crate::subscription_watch::over;
use api::openapi::{Created, Optional, Raw};
use api::{ApiError, Data, Json, List, Operator, Paging, Params, Path, Reader};
use axum::extract::State;
use jiff::civil::Date;
use model::WatchKind;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Tx;

pub(super) async fn list(
    _: Reader,
    State(state): State<RemindersState>,
    _: Params<()>,
) -> Result<List<SubscriptionJson>, ApiError> {
    let rows = list_subscriptions(&state.store).await?;
    let targets = store::list_schedule(&state.store, WatchKind::Subscription, 10_000).await?;
    let targets: std::collections::HashMap<i64, _> = targets.into_iter().map(|t| (t.ref_id, t)).collect();
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let target = targets.get(&row.id);
        shown.push(standing(&state, row, |row, standing| SubscriptionJson::of(row, standing, target))?);
    }
    let total = u64::try_from(shown.len()).unwrap_or(u64::MAX);
    let all = Paging { page: 1, page_size: u32::try_from(shown.len()).unwrap_or(u32::MAX) };
    Ok(List::of(shown, total, all))
}

pub(super) async fn one(
    _: Reader,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
) -> Result<Data<SubscriptionJson>, ApiError> {
    shown(&state, id).await.map(Data::of)
}

pub(super) async fn create(
    operator: Operator,
    State(state): State<RemindersState>,
    Json(NewSubscription(fields)): Json<NewSubscription>,
) -> Result<Created<Data<SubscriptionJson>>, ApiError> {
    let id = add(operator, &state, fields).await?;
    Ok(Created(Data::of(shown(&state, id).await?)))
}

pub(super) async fn update(
    operator: Operator,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
    Json(fields): Json<SubscriptionFields>,
) -> Result<Data<SubscriptionJson>, ApiError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let before = held(&mut tx, id).await?;
    let draft = fields.over(before.draft.clone(), now).map_err(ApiError::bad_request)?;
    if draft != before.draft {
        name_is_free(&mut tx, &draft.name, Some(id)).await?;
        update_subscription(&mut tx, id, &draft, now).await?;
        let after = Subscription { draft, ..before };
        end_if_over(&mut tx, &state, &after).await?;
        audit(&mut tx, operator.name, "subscription.update", format!("subscription:{id}"), now).await?;
        tx.commit().await?;
        state.engine.wake();
    }
    Ok(Data::of(shown(&state, id).await?))
}

#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "SubscriptionDeleted")]
pub(super) struct Deleted {
    id: i64,
    deleted: bool,
}

pub(super) async fn delete(
    operator: Operator,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
) -> Result<Data<Deleted>, ApiError> {
    let mut tx = state.store.begin().await?;
    remove(operator, &state, &mut tx, id).await?;
    tx.commit().await?;
    Ok(Data::of(Deleted { id, deleted: true }))
}

/// When it was paid for; today, if that is not said.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "SubscriptionRenewed")]
pub(super) struct Renewed {
    #[serde(default, alias = "date", deserialize_with = "date")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub(super) renewed_date: Option<Option<Date>>,
}

pub(super) async fn renewed(
    operator: Operator,
    State(state): State<RemindersState>,
    Path(id): Path<i64>,
    body: Raw<Optional<Renewed>>,
) -> Result<Data<SubscriptionJson>, ApiError> {
    let said = body.read()?.unwrap_or_default();
    let mut tx = state.store.begin().await?;
    mark_renewed(operator, &state, &mut tx, id, said.renewed_date.flatten()).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(Data::of(shown(&state, id).await?))
}

/// Adds a subscription; answers its number.
pub(super) async fn add(
    operator: Operator,
    state: &RemindersState,
    fields: SubscriptionFields,
) -> Result<i64, ApiError> {
    let now = state.now();
    let draft = fields.draft(&state.subscriptions, now).map_err(ApiError::bad_request)?;
    let mut tx = state.store.begin().await?;
    name_is_free(&mut tx, &draft.name, None).await?;
    let id = add_subscription(&mut tx, &draft, now).await?;
    audit(&mut tx, operator.name, "subscription.create", format!("subscription:{id}"), now).await?;
    tx.commit().await?;
    state.engine.wake();
    Ok(id)
}

/// Deletes a subscription in the caller's transaction.
pub(super) async fn remove(operator: Operator, state: &RemindersState, tx: &mut Tx, id: i64) -> Result<(), ApiError> {
    let now = state.now();
    if !delete_subscription(tx, id, now).await? {
        return Err(not_found(id));
    }
    audit(tx, operator.name, "subscription.delete", format!("subscription:{id}"), now).await?;
    Ok(())
}

/// Writes a payment and ends the alert it answers, in the caller's transaction; answers the day written.
pub(super) async fn mark_renewed(
    operator: Operator,
    state: &RemindersState,
    tx: &mut Tx,
    id: i64,
    on: Option<Date>,
) -> Result<Date, ApiError> {
    let now = state.now();
    let mut row = held(tx, id).await?;
    let zone = row.draft.zone.clone();
    let on = on.or_else(|| zone.date(now)).ok_or_else(|| ApiError::internal("the clock is beyond the calendar"))?;
    paid_on(&zone, Some(on), now).map_err(ApiError::bad_request)?;
    write_renewed(tx, id, on, now).await?;
    row.draft.terms.last_renewed = Some(on);
    end_if_over(tx, state, &row).await?;
    audit(tx, operator.name, "subscription.renewed", format!("subscription:{id}"), now).await?;
    Ok(on)
}

async fn end_if_over(tx: &mut Tx, state: &RemindersState, row: &Subscription) -> Result<(), ApiError> {
    let now = state.now();
    if !row.draft.enabled {
        crate::store::end_alerts(tx, (WatchKind::Subscription, row.id), None, now, now).await?;
    } else if let Some(standing) = row.standing(now) {
        over(tx, row, &standing, now).await?;
    }
    Ok(())
}

async fn held(tx: &mut Tx, id: i64) -> Result<Subscription, ApiError> {
    hold_subscription(tx, id).await?.ok_or_else(|| not_found(id))
}

fn not_found(id: i64) -> ApiError {
    ApiError::not_found(format!("subscription {id}"))
}

async fn name_is_free(tx: &mut Tx, name: &str, own: Option<i64>) -> Result<(), ApiError> {
    match find_subscription(tx, name).await? {
        Some(id) if Some(id) != own => Err(ApiError::conflict(format!("subscription {id} has this name"))),
        _ => Ok(()),
    }
}

async fn shown(state: &RemindersState, id: i64) -> Result<SubscriptionJson, ApiError> {
    let row = get_subscription(&state.store, id).await?.ok_or_else(|| not_found(id))?;
    let target = store::get_target(&state.store, WatchKind::Subscription, id).await?;
    standing(state, row, |row, standing| SubscriptionJson::of(row, standing, target.as_ref()))
}

/// Shows a row with where it stands now.
pub(super) fn standing<T>(
    state: &RemindersState,
    row: Subscription,
    show: impl FnOnce(Subscription, &crate::standing::Standing) -> T,
) -> Result<T, ApiError> {
    let standing = row.standing(state.now()).ok_or_else(|| ApiError::internal("the clock is beyond the calendar"))?;
    Ok(show(row, &standing))
}
