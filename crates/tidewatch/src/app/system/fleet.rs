//! The processes that are there, and the messages between them that were given up.

use super::SystemState;
use crate::app::scale::{Scale, own_name};
use api::openapi::{Declared, InPath, Parameter};
use api::{ApiError, Data, List, Operator, Params, Path, Reader};
use axum::extract::State;
use fleet::{DeadLetter, FleetError, Member, Queue};
use model::{Clock, SystemClock, Timestamp, WatchKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::OnceLock;
use store::AuditEntry;

/// The name of a process that is alone, the same at each look.
static ALONE: OnceLock<String> = OnceLock::new();
/// Most of a message that is shown.
const SHOWN: usize = 2_000;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Worker")]
pub(super) struct WorkerJson {
    name: String,
    /// `serve` or `worker`.
    role: String,
    version: String,
    /// Tasks under way.
    running: u64,
    /// Most tasks at the same time.
    capacity: u64,
    /// From handing out to beginning, of the last task; null before the first, and for those that hand out.
    lag_seconds: Option<f64>,
    /// It takes nothing new.
    draining: bool,
    started_at: Timestamp,
    seen_at: Timestamp,
}

impl From<Member> for WorkerJson {
    fn from(m: Member) -> Self {
        Self {
            name: m.name,
            role: m.role,
            version: m.version,
            running: m.running,
            capacity: m.capacity,
            lag_seconds: m.lag_seconds,
            draining: m.draining,
            started_at: m.started_at,
            seen_at: m.seen_at,
        }
    }
}

/// Who is there; this process alone where there is no Redis.
pub(super) async fn workers(
    _reader: Reader,
    State(state): State<SystemState>,
) -> Result<Data<Vec<WorkerJson>>, ApiError> {
    let now = SystemClock.now();
    let Some(scale) = &state.scale else {
        let engine = &state.engine;
        let alone = WorkerJson {
            name: ALONE.get_or_init(own_name).clone(),
            role: "serve".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            running: engine.metrics.running(),
            capacity: engine.options.in_flight as u64,
            lag_seconds: None,
            draining: false,
            started_at: state.since,
            seen_at: now,
        };
        return Ok(Data::of(vec![alone]));
    };
    let members = scale.roster.all(now).await.map_err(away)?;
    Ok(Data::of(members.into_iter().map(WorkerJson::from).collect()))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetter")]
pub(super) struct DeadJson {
    id: String,
    /// `tasks` or `results`.
    queue: &'static str,
    at: Option<Timestamp>,
    reason: String,
    /// The message, cut after 2,000 characters.
    message: String,
    /// How many bytes all of it has.
    message_bytes: usize,
}

/// Which letters.
pub(super) struct AskedDead;

impl Declared for AskedDead {
    const PARAMETERS: &'static [Parameter] = &[Parameter::PAGE, Parameter::PAGE_SIZE];
}

/// Dead letters of both queues, newest first; none where there is no Redis.
pub(super) async fn dead_letters(
    _reader: Reader,
    State(state): State<SystemState>,
    params: Params<AskedDead>,
) -> Result<List<DeadJson>, ApiError> {
    let paging = params.paging();
    let Some(scale) = &state.scale else { return Ok(List::of(Vec::new(), 0, paging)) };
    let offset = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
    let most = offset.saturating_add(paging.page_size as usize);
    let (mut letters, mut total) = (Vec::new(), 0);
    for queue in [Queue::tasks(&scale.link), Queue::results(&scale.link)] {
        total += queue.lengths().await.map_err(away)?.dead;
        let found = queue.dead_letters((0, most)).await.map_err(away)?;
        letters.extend(found.into_iter().map(|letter| (queue.name(), letter)));
    }
    letters.sort_by(|(_, a), (_, b)| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
    let page = letters.into_iter().skip(offset).take(paging.page_size as usize);
    Ok(List::of(page.map(|(queue, letter)| shown(queue, letter)).collect(), total, paging))
}

fn shown(queue: &'static str, letter: DeadLetter) -> DeadJson {
    DeadJson {
        queue,
        at: letter.at,
        reason: letter.reason,
        message_bytes: letter.message.len(),
        message: letter.message.chars().take(SHOWN).collect(),
        id: letter.id,
    }
}

/// Which letter.
#[derive(Deserialize)]
pub(super) struct Which {
    queue: String,
    id: String,
}

impl InPath for Which {
    fn parts() -> Vec<(&'static str, &'static str, Value)> {
        let id = json!({ "type": "string", "pattern": "^[0-9]+-[0-9]+$", "maxLength": 41 });
        vec![("queue", "Which queue.", json!({ "enum": ["tasks", "results"] })), ("id", "Which letter.", id)]
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeadLetterDone")]
pub(super) struct DoneJson {
    id: String,
    /// `replayed`, `due` (a task: its target is due now) or `dropped`.
    done: &'static str,
}

/// A result goes into its queue again and is recorded if its lease still stands; of a task the target is due now, since
/// its lease has been given to somebody else by then.
pub(super) async fn replay(
    operator: Operator,
    State(state): State<SystemState>,
    Path(which): Path<Which>,
) -> Result<Data<DoneJson>, ApiError> {
    let (queue, letter) = find(&state, &which).await?;
    let now = state.engine.clock.now();
    let done = match target(&letter) {
        Some(ip) if queue.name() == "tasks" => {
            let mut tx = state.store.begin().await?;
            store::trigger(&mut tx, WatchKind::Market, ip, now).await?;
            tx.commit().await?;
            queue.drop_dead(&letter.id).await.map_err(away)?;
            state.engine.wake();
            "due"
        }
        _ => {
            if !queue.replay(&letter).await.map_err(away)? {
                return Err(missing(&which));
            }
            "replayed"
        }
    };
    note(&state, operator, "replay", &which).await?;
    Ok(Data::of(DoneJson { id: letter.id, done }))
}

/// Throws a letter away.
pub(super) async fn drop_dead(
    operator: Operator,
    State(state): State<SystemState>,
    Path(which): Path<Which>,
) -> Result<Data<DoneJson>, ApiError> {
    let (queue, letter) = find(&state, &which).await?;
    if !queue.drop_dead(&letter.id).await.map_err(away)? {
        return Err(missing(&which));
    }
    note(&state, operator, "drop", &which).await?;
    Ok(Data::of(DoneJson { id: letter.id, done: "dropped" }))
}

/// The IP of a task, if it says one.
fn target(letter: &DeadLetter) -> Option<i64> {
    let message: Value = serde_json::from_str(&letter.message).ok()?;
    let id = message.get("ipId").or_else(|| message.get("ip_id"))?;
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}

async fn find(state: &SystemState, which: &Which) -> Result<(Queue, DeadLetter), ApiError> {
    let Some(Scale { link, .. }) = &state.scale else { return Err(missing(which)) };
    let queue = match which.queue.as_str() {
        "tasks" => Queue::tasks(link),
        "results" => Queue::results(link),
        _ => return Err(missing(which)),
    };
    let is_id = which.id.split_once('-').is_some_and(|(ms, n)| ms.parse::<u64>().is_ok() && n.parse::<u64>().is_ok());
    let letter = if is_id { queue.dead_letter(&which.id).await.map_err(away)? } else { None };
    letter.map(|letter| (queue, letter)).ok_or_else(|| missing(which))
}

async fn note(state: &SystemState, operator: Operator, what: &str, which: &Which) -> Result<(), ApiError> {
    let entry = AuditEntry {
        at: state.engine.clock.now(),
        actor: operator.name.to_owned(),
        action: format!("dead_letter.{what}"),
        subject: format!("{}:{}", which.queue, which.id),
    };
    let mut tx = state.store.begin().await?;
    store::audit(&mut tx, &entry).await?;
    Ok(tx.commit().await?)
}

fn missing(which: &Which) -> ApiError {
    ApiError::not_found(format_args!("a dead letter {} of {}", which.id, which.queue))
}

fn away(e: FleetError) -> ApiError {
    tracing::warn!(error = %e, "Redis was of no use to a request");
    ApiError::unavailable("Redis does not answer; try again")
}
