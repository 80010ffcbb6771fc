//! When what is crawled, for the administrator; and the market's part of `/health`.

use super::MarketState;
use crate::store::{Overview, names_of, overview};
use api::openapi::{Declared, Parameter};
use api::{ApiError, Data, Params, Part, Probe, Reader};
use async_trait::async_trait;
use axum::extract::State;
use model::{Timestamp, WatchKind};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use store::TargetRow;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Schedule")]
pub(super) struct ScheduleJson {
    time: Timestamp,
    active: i64,
    paused: i64,
    failing: i64,
    /// Targets that are due and not claimed.
    due: u64,
    last_crawled_at: Option<Timestamp>,
    next_due: Option<Timestamp>,
    targets: Vec<TargetJson>,
    count: usize,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScheduleTarget")]
struct TargetJson {
    ip_id: i64,
    ip_name: Option<String>,
    next_due: Timestamp,
    interval_seconds: u64,
    running: bool,
    failures: u32,
    failing: bool,
    last_attempt_at: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
    last_error: Option<String>,
    last_error_class: Option<String>,
}

impl TargetJson {
    fn of(row: TargetRow, names: &HashMap<i64, String>, now: Timestamp, max_retries: u32) -> Self {
        Self {
            ip_id: row.ref_id,
            ip_name: names.get(&row.ref_id).cloned(),
            next_due: row.next_due,
            interval_seconds: row.interval.as_secs(),
            running: row.lease_until.is_some_and(|until| until > now),
            failures: row.failures,
            failing: row.failures >= max_retries.max(1),
            last_attempt_at: row.last_attempt,
            last_success_at: row.last_success,
            last_error: row.last_error,
            last_error_class: row.last_error_class,
        }
    }
}

/// How much of the schedule.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::number("limit", 1, 500, Some(100), "So many targets at most, the next due first.")];
}

pub(super) async fn schedule(
    _: Reader,
    State(state): State<MarketState>,
    params: Params<Asked>,
) -> Result<Data<ScheduleJson>, ApiError> {
    let now = state.now();
    let max_retries = state.options.schedule.max_retries;
    let seen = overview(&state.store, max_retries).await?;
    let rows = store::list_schedule(&state.store, WatchKind::Market, params.count("limit")).await?;
    let ids: Vec<i64> = rows.iter().map(|r| r.ref_id).collect();
    let names = names_of(&state.store, &ids).await?;
    let targets: Vec<_> = rows.into_iter().map(|row| TargetJson::of(row, &names, now, max_retries)).collect();
    Ok(Data::of(ScheduleJson {
        time: now,
        active: seen.active,
        paused: seen.paused,
        failing: seen.failing,
        due: store::due_depth(&state.store, now).await?,
        last_crawled_at: seen.last_crawled_at,
        next_due: seen.next_due,
        count: targets.len(),
        targets,
    }))
}

/// The market's part of `/health`: in trouble when every IP fails.
pub struct MarketProbe(pub MarketState);

#[async_trait]
impl Probe for MarketProbe {
    fn name(&self) -> &str {
        "market"
    }

    fn vital(&self) -> bool {
        false
    }

    async fn look(&self) -> Part {
        match overview(&self.0.store, self.0.options.schedule.max_retries).await {
            Ok(seen) => part(&seen),
            Err(_) => Part::bad("cannot be read"),
        }
    }
}

fn part(seen: &Overview) -> Part {
    let last = seen.last_crawled_at.map_or_else(|| "none yet".to_owned(), |t| t.to_string());
    let detail = format!("{} active, {} paused, {} failing; last crawl {last}", seen.active, seen.paused, seen.failing);
    Part { ok: seen.failing == 0 || seen.failing < seen.active, detail }
}
