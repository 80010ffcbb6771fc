//! `POST /admin/archive/…`: running a roll-up again.

use super::{MarketState, audit};
use crate::store::{cover_of_all, roll_up};
use api::openapi::{Declared, Parameter};
use api::{Admin, ApiError, Data, Params};
use axum::extract::State;
use model::{HOUR, Period, Timestamp, next_period};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;
use store::StoreError;

const DAY: i64 = 24 * HOUR;
/// IPs rolled up in one transaction, so that no crawl waits long for the writer.
const BATCH: usize = 50;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RollUpArchived")]
pub(super) struct Archived {
    period: Period,
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// IPs whose numbers of the period are complete and were computed again.
    rolled_up: usize,
    /// IPs whose numbers of the period are not complete.
    incomplete: usize,
}

/// Which day.
pub(super) struct Day;

impl Declared for Day {
    const PARAMETERS: &'static [Parameter] = &[Parameter::date("date", "A day of Japan; yesterday without it.")];
}

/// Which week.
pub(super) struct Week;

impl Declared for Week {
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::date("week_start", "A Monday; that of last week without it.")];
}

pub(super) async fn daily(
    admin: Admin,
    State(state): State<MarketState>,
    params: Params<Day>,
) -> Result<Data<Archived>, ApiError> {
    archive(&state, admin, Period::Daily, params.date("date")).await
}

pub(super) async fn weekly(
    admin: Admin,
    State(state): State<MarketState>,
    params: Params<Week>,
) -> Result<Data<Archived>, ApiError> {
    archive(&state, admin, Period::Weekly, params.date("week_start")).await
}

async fn archive(
    state: &MarketState,
    admin: Admin,
    period: Period,
    asked: Option<Timestamp>,
) -> Result<Data<Archived>, ApiError> {
    let now = state.now();
    let start = asked.unwrap_or_else(|| period.start_of(period.start_of(now).plus(-1)));
    if period.start_of(start) != start {
        return Err(ApiError::bad_request("week_start must be a Monday"));
    }
    let end = next_period(period, start);
    if end > now {
        return Err(ApiError::bad_request(format!("the period is not over before {end}")));
    }
    // Summing what retention has taken away would put wrong numbers in the place of right ones.
    let kept = match period {
        Period::Daily => state.options.retention.hourly.min(state.options.retention.sales),
        Period::Weekly | Period::Monthly => state.options.retention.sales,
    };
    if now.since(start) + Duration::from_millis(HOUR.unsigned_abs()) > kept {
        return Err(ApiError::bad_request("what the period was made of is no longer kept; its roll-up stays as it is"));
    }
    let cover = cover_of_all(&state.store).await?;
    let (whole, rest): (Vec<_>, Vec<_>) = cover.into_iter().partition(|(_, c)| c.is_some_and(|c| c >= end));
    let ids: Vec<i64> = whole.into_iter().map(|(id, _)| id).collect();
    run(state, admin, period, start, &ids).await?;
    Ok(Data::of(Archived { period, starts_at: start, ends_at: end, rolled_up: ids.len(), incomplete: rest.len() }))
}

async fn run(
    state: &MarketState,
    admin: Admin,
    period: Period,
    start: Timestamp,
    ids: &[i64],
) -> Result<(), StoreError> {
    let now = state.now();
    let mut tx = state.store.begin().await?;
    let subject = start.to_string();
    audit(&mut tx, admin.name, &format!("archive.{}", period.as_str()), subject, now).await?;
    for (i, id) in ids.iter().enumerate() {
        if i > 0 && i % BATCH == 0 {
            tx.commit().await?;
            tx = state.store.begin().await?;
        }
        if period == Period::Weekly {
            // A week is the sum of its days, as far as their hours are still there.
            for day in (0..7).map(|n| start.plus(n * DAY)) {
                if now.since(day) + Duration::from_millis(HOUR.unsigned_abs()) <= state.options.retention.hourly {
                    roll_up(&mut tx, *id, Period::Daily, day).await?;
                }
            }
        }
        roll_up(&mut tx, *id, period, start).await?;
    }
    tx.commit().await
}
