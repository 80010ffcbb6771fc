//! Listing and explaining.

use super::AlertsState;
use super::shapes::{AlertJson, Explained, Summary, Why, log};
use crate::openapi::{Declared, Parameter};
use crate::{ApiError, Data, List, Params, Path, Reader, words};
use axum::extract::State;
use model::{AlertStatus, Severity, WatchKind};
use notify::DeliveryFilter;
use store::{AlertFilter, AlertStage};

/// Messages shown about one alert; an alert that reminds daily takes months to reach it.
const MESSAGES: u32 = 100;
const DELIVERIES: u32 = 1_000;

const STAGES: [(&str, AlertStage); 7] = [
    ("open", AlertStage::Open),
    ("pending", AlertStage::Only(AlertStatus::Pending)),
    ("firing", AlertStage::Only(AlertStatus::Firing)),
    ("acked", AlertStage::Only(AlertStatus::Acked)),
    ("snoozed", AlertStage::Only(AlertStatus::Snoozed)),
    ("resolved", AlertStage::Only(AlertStatus::Resolved)),
    ("all", AlertStage::All),
];

const KINDS: [(&str, WatchKind); 5] = [
    ("market", WatchKind::Market),
    ("account", WatchKind::Account),
    ("key", WatchKind::Key),
    ("subscription", WatchKind::Subscription),
    ("mailbox", WatchKind::Mailbox),
];

const SEVERITIES: [(&str, Severity); 3] =
    [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];

/// What the list may be asked.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::word("status", &words(&STAGES), "Where they stand."),
        Parameter::word("kind", &words(&KINDS), "The watch that raised them."),
        Parameter::id("ref_id", "The row they are about, of the watch `kind`."),
        Parameter::id("ip_id", "The IP they are about; instead of `kind` and `ref_id`."),
        Parameter::word("severity", &words(&SEVERITIES), "How bad."),
        Parameter::flag("acknowledged", "Whether somebody has seen them."),
        Parameter::text("q", 200, "A part of the title or the message."),
        Parameter::PAGE,
        Parameter::PAGE_SIZE,
    ];
}

fn filter(params: &Params<Asked>) -> Result<AlertFilter, ApiError> {
    let mut kind = params.choice("kind", &KINDS);
    let mut ref_id = params.number("ref_id");
    if let Some(ip) = params.number("ip_id") {
        if kind.is_some_and(|kind| kind != WatchKind::Market) || ref_id.is_some_and(|id| id != ip) {
            return Err(ApiError::bad_request("ip_id is of the market: leave out kind and ref_id"));
        }
        (kind, ref_id) = (Some(WatchKind::Market), Some(ip));
    }
    let paging = params.paging();
    Ok(AlertFilter {
        stage: params.choice("status", &STAGES).unwrap_or_default(),
        kind,
        ref_id,
        severity: params.choice("severity", &SEVERITIES),
        acknowledged: params.flag("acknowledged"),
        text: params.trimmed("q").map(str::to_owned),
        offset: paging.offset(),
        limit: paging.page_size,
    })
}

/// Without `status`: all that people were told of, open or over.
pub(super) async fn list(
    _: Reader,
    State(state): State<AlertsState>,
    params: Params<Asked>,
) -> Result<List<AlertJson>, ApiError> {
    let (rows, total) = store::list_alerts(&state.store, &filter(&params)?).await?;
    let names = state.names_of(&rows).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let notices = store::notice_counts(&state.store, &ids).await?;
    let rows = rows.into_iter().map(|row| AlertJson::of(row, &names, &notices)).collect();
    Ok(List::of(rows, total, params.paging()))
}

pub(super) async fn one(
    _: Reader,
    State(state): State<AlertsState>,
    Path(id): Path<i64>,
) -> Result<Data<Explained>, ApiError> {
    let row = store::get_alert(&state.store, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found(format!("alert {id}")))?;
    let names = state.names_of(std::slice::from_ref(&row)).await?;
    let notices = store::notice_counts(&state.store, &[id]).await?;
    let messages = store::outbox_of(&state.store, id, MESSAGES).await?;
    let wanted = DeliveryFilter { alert_id: Some(id), limit: DELIVERIES, ..DeliveryFilter::default() };
    let (deliveries, _) = notify::list_deliveries(&state.store, &wanted).await?;
    let why = Why::of(&row, state.now());
    Ok(Data::of(Explained { alert: AlertJson::of(row, &names, &notices), why, log: log(messages, deliveries) }))
}

pub(super) async fn summary(_: Reader, State(state): State<AlertsState>) -> Result<Data<Summary>, ApiError> {
    Ok(Data::of(Summary::of(store::count_alerts(&state.store).await?)))
}
