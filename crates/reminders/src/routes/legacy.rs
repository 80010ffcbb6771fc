//! The shapes of the system replaced: things are known by their names, and answers say `status` and `message`.

use super::fields::NewSubscription;
use super::mailbox_fields::MailboxFields;
use super::shapes::OldSubscription;
use super::subscriptions::{self, Renewed};
use super::{RemindersState, mailboxes};
use crate::store::{Tls, find_mailbox, find_subscription, list_mailboxes, list_subscriptions};
use api::openapi::{OldEnvelope, Reply};
use api::{ApiError, Json, Operator, Reader};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `success` or `error`, which comes with the HTTP status of the error.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldSaid")]
pub(super) struct Said {
    status: &'static str,
    message: String,
}

type Answer = Reply<OldEnvelope<Said>>;

fn answer(done: Result<String, ApiError>) -> Answer {
    match done {
        Ok(message) => Reply::of(axum::Json(Said { status: "success", message })),
        Err(error) => {
            let said = axum::Json(Said { status: "error", message: error.message().to_owned() });
            let body = said.into_response().into_body();
            // What the error carries for the log stays with the answer.
            Reply::of(Response::from_parts(error.into_response().into_parts().0, Body::new(body)))
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OldSubscriptionName")]
pub(super) struct Named {
    #[serde(alias = "subscription_name")]
    #[schemars(with = "String", length(min = 1))]
    name: Option<String>,
    #[serde(flatten)]
    renewed: Renewed,
}

impl Named {
    fn name(&self) -> Result<&str, ApiError> {
        let name = self.name.as_deref().map(str::trim).filter(|n| !n.is_empty());
        name.ok_or_else(|| ApiError::bad_request("name is missing"))
    }
}

/// Every subscription.
#[derive(Serialize, JsonSchema)]
pub(super) struct OldSubscriptions {
    subscriptions: Vec<OldSubscription>,
    last_update: Option<Timestamp>,
}

pub(super) async fn subscriptions(
    _: Reader,
    State(state): State<RemindersState>,
) -> Result<axum::Json<OldSubscriptions>, ApiError> {
    let rows = list_subscriptions(&state.store).await?;
    let last_update = rows.iter().filter_map(|r| r.checked_at.max(Some(r.updated_at))).max();
    let shown = rows
        .into_iter()
        .map(|row| subscriptions::standing(&state, row, OldSubscription::of))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(OldSubscriptions { subscriptions: shown, last_update }))
}

pub(super) async fn add(
    operator: Operator,
    State(state): State<RemindersState>,
    fields: Result<Json<NewSubscription>, ApiError>,
) -> Answer {
    let done = async {
        let Json(NewSubscription(fields)) = fields?;
        let name = fields.name.clone().unwrap_or_default();
        subscriptions::add(operator, &state, fields).await?;
        Ok(format!("subscription {name} added"))
    };
    answer(done.await)
}

pub(super) async fn delete(
    operator: Operator,
    State(state): State<RemindersState>,
    named: Result<Json<Named>, ApiError>,
) -> Answer {
    let done = async {
        let Json(named) = named?;
        let name = named.name()?;
        let mut tx = state.store.begin().await?;
        let id = find_subscription(&mut tx, name).await?.ok_or_else(|| unknown("subscription", name))?;
        subscriptions::remove(operator, &state, &mut tx, id).await?;
        tx.commit().await?;
        Ok(format!("subscription {name} deleted"))
    };
    answer(done.await)
}

pub(super) async fn renewed(
    operator: Operator,
    State(state): State<RemindersState>,
    named: Result<Json<Named>, ApiError>,
) -> Answer {
    let done = async {
        let Json(named) = named?;
        let name = named.name()?;
        let mut tx = state.store.begin().await?;
        let id = find_subscription(&mut tx, name).await?.ok_or_else(|| unknown("subscription", name))?;
        let on = named.renewed.renewed_date.flatten();
        let on = subscriptions::mark_renewed(operator, &state, &mut tx, id, on).await?;
        tx.commit().await?;
        state.engine.wake();
        Ok(format!("subscription {name} renewed on {on}"))
    };
    answer(done.await)
}

/// Every mailbox.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldMailboxes")]
pub(super) struct Emails {
    status: &'static str,
    emails: Vec<OldMailbox>,
}

#[derive(Serialize, JsonSchema)]
struct OldMailbox {
    id: i64,
    name: String,
    host: String,
    port: u16,
    username: String,
    use_ssl: bool,
    enabled: bool,
    has_password: bool,
    last_scan: Option<Timestamp>,
    error: Option<String>,
}

pub(super) async fn emails(_: Reader, State(state): State<RemindersState>) -> Result<axum::Json<Emails>, ApiError> {
    let shown = list_mailboxes(&state.store).await?.into_iter().map(|m| OldMailbox {
        id: m.id,
        use_ssl: m.draft.tls == Tls::Tls,
        has_password: !m.draft.sealed.is_empty(),
        name: m.draft.name,
        host: m.draft.host,
        port: m.draft.port,
        username: m.draft.username,
        enabled: m.draft.enabled,
        last_scan: m.scan.last_at,
        error: m.scan.error,
    });
    Ok(axum::Json(Emails { status: "success", emails: shown.collect() }))
}

/// Adds a mailbox, or changes the one of this name.
pub(super) async fn save_email(
    operator: Operator,
    State(state): State<RemindersState>,
    fields: Result<Json<MailboxFields>, ApiError>,
) -> Answer {
    let done = async {
        let Json(fields) = fields?;
        let name = fields.name.clone().unwrap_or_default();
        let mut tx = state.store.begin().await?;
        let what = match find_mailbox(&mut tx, name.trim()).await? {
            Some(id) => mailboxes::change(operator, &state, &mut tx, id, fields).await.map(|()| "changed")?,
            None => mailboxes::add(operator, &state, &mut tx, fields).await.map(|_| "added")?,
        };
        tx.commit().await?;
        state.engine.wake();
        Ok(format!("mailbox {name} {what}"))
    };
    answer(done.await)
}

pub(super) async fn delete_email(
    operator: Operator,
    State(state): State<RemindersState>,
    named: Result<Json<Named>, ApiError>,
) -> Answer {
    let done = async {
        let Json(named) = named?;
        let name = named.name()?;
        let mut tx = state.store.begin().await?;
        let id = find_mailbox(&mut tx, name).await?.ok_or_else(|| unknown("mailbox", name))?;
        mailboxes::remove(operator, &state, &mut tx, id).await?;
        tx.commit().await?;
        Ok(format!("mailbox {name} deleted"))
    };
    answer(done.await)
}

fn unknown(what: &str, name: &str) -> ApiError {
    ApiError::not_found(format!("{what} {name:?}"))
}
