//! Trying a channel, kept or not yet: the very path of a real send.

use super::{Shared, refused};
use crate::openapi::{Optional, Raw};
use crate::{Admin, ApiError, Data, Json, Path};
use axum::extract::State;
use model::Timestamp;
use notify::{ChannelDraft, NotifyError, Trial, Verdict};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two trials of one channel: a trial makes this program speak to an address of somebody's choice.
const PAUSE: Duration = Duration::from_secs(3);

/// When each channel was last tried; all that are not kept yet share 0.
#[derive(Default)]
pub(super) struct Pace(Mutex<HashMap<i64, Timestamp>>);

impl Pace {
    /// Notes a trial, or says in how many seconds one may be made.
    fn ask(&self, channel: i64, now: Timestamp) -> Result<(), ApiError> {
        let mut tried = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back counts as now.
        tried.retain(|_, at| *at <= now && now.since(*at) < PAUSE);
        if let Some(at) = tried.get(&channel) {
            let left = PAUSE - now.since(*at);
            return Err(ApiError::too_many(left.as_secs_f64().ceil() as u64));
        }
        tried.insert(channel, now);
        Ok(())
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChannelTrial")]
pub(super) struct TrialJson {
    /// The other side has it.
    delivered: bool,
    /// `delivered`, `retry` (not now) or `refused` (never, as things are).
    verdict: &'static str,
    /// What was wrong.
    why: Option<String>,
    /// How long it wants to be left alone.
    retry_after_seconds: Option<u64>,
    /// HTTP status or SMTP reply code.
    status: Option<u16>,
    /// The beginning of what the other side said, without the channel's secrets.
    said: Option<String>,
    took_ms: u64,
}

impl TrialJson {
    fn of(trial: Trial, took: Duration) -> Self {
        let (verdict, why, after) = match trial.verdict {
            Verdict::Delivered => ("delivered", None, None),
            Verdict::Retry { after, why } => ("retry", Some(why), after),
            Verdict::Refused { why } => ("refused", Some(why), None),
        };
        Self {
            delivered: why.is_none(),
            verdict,
            why,
            retry_after_seconds: after.map(|after| after.as_secs()),
            status: trial.status,
            said: trial.said,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Tries a draft that is not kept.
pub(super) async fn draft(
    _: Admin,
    State(state): State<Shared>,
    Json(draft): Json<ChannelDraft>,
) -> Result<Data<TrialJson>, ApiError> {
    state.pace.ask(0, state.now())?;
    let started = Instant::now();
    let trial = state.deliverer.test_draft(&draft, None).await.map_err(|e| refused(e, &draft))?;
    Ok(Data::of(TrialJson::of(trial, started.elapsed())))
}

/// Tries a kept channel as it is, or, with a draft in the body, as it is about to be: secrets left out are its own.
pub(super) async fn saved(
    _: Admin,
    State(state): State<Shared>,
    Path(id): Path<i64>,
    body: Raw<Optional<ChannelDraft>>,
) -> Result<Data<TrialJson>, ApiError> {
    let row = state.channel(id).await?;
    let draft = if body.0.trim_ascii() == b"{}" { None } else { body.read()? };
    state.pace.ask(id, state.now())?;
    let started = Instant::now();
    let trial = match &draft {
        Some(draft) => state.deliverer.test_draft(draft, Some(&row)).await.map_err(|e| refused(e, draft))?,
        None => state.deliverer.test(&row).await.map_err(|e| match e {
            NotifyError::Store(e) => e.into(),
            NotifyError::Seal(_) => ApiError::conflict("its configuration cannot be unsealed: give it anew"),
            // What is wrong may repeat the configuration.
            NotifyError::Config(_) => ApiError::conflict("its configuration cannot be used as things are: change it"),
        })?,
    };
    Ok(Data::of(TrialJson::of(trial, started.elapsed())))
}
