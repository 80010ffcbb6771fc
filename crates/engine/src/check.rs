//! One look at one target, from brief to record. Who reads this page knows the product.

use crate::error::FetchError;
use crate::watch::{Recorded, Seen, Watch};
use crate::{Engine, Registered};
use async_trait::async_trait;
use model::{Timestamp, WatchKind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Outcome, Store, StoreError, Task, Tx};
use trace::tracing::Instrument as _;

/// How a check ended.
#[derive(Debug)]
pub enum Checked {
    /// Observed and recorded.
    Recorded(Recorded),
    /// Nothing observed; recorded as a failure.
    Failed(FetchError),
    /// Not tried; given back.
    Postponed(Duration),
    /// Handed to another process, which will tell what it saw.
    HandedOut,
    /// There is nothing to look at any more; given back.
    Gone,
    /// The lease was no longer ours, or this result had been recorded before: nothing was written.
    Stale,
    /// The store failed: nothing was written, the lease will run out and the target is due again.
    Store(StoreError),
}

impl Checked {
    /// Every word of [`Checked::status`].
    pub const STATUSES: [&str; 7] = ["success", "failed", "postponed", "handed_out", "gone", "stale", "store_error"];

    /// An outcome, with what the store said of it.
    pub fn of(ended: Result<Self, StoreError>) -> Self {
        match ended {
            Ok(checked) => checked,
            Err(StoreError::LeaseLost(_)) => Self::Stale,
            Err(e) => Self::Store(e),
        }
    }

    /// The word in metrics and logs, a closed set.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Recorded(_) => "success",
            Self::Failed(_) => "failed",
            Self::Postponed(_) => "postponed",
            Self::HandedOut => "handed_out",
            Self::Gone => "gone",
            Self::Stale => "stale",
            Self::Store(_) => "store_error",
        }
    }
}

/// Tries of a record transaction that meets another writer.
const RECORD_TRIES: u32 = 8;

/// Looks at one target: brief, fetch under a deadline shorter than the lease, record in one transaction.
pub async fn check<W: Watch>(engine: &Engine, watch: &W, task: &Task) -> Checked {
    Checked::of(look(engine, watch, task).await)
}

async fn look<W: Watch>(engine: &Engine, watch: &W, task: &Task) -> Result<Checked, StoreError> {
    let Some(brief) = prepare(engine, watch, task).await? else { return Ok(Checked::Gone) };
    let seen_at = engine.clock.now();
    let deadline = engine.clock.real(engine.options.task_timeout).max(MIN_DEADLINE);
    let fetched = fetch(watch, &brief, deadline, engine.options.task_timeout).await;
    conclude(engine, watch, task, fetched, seen_at).await
}

/// Makes sure of the lease and gathers what the fetch needs. `None`: there is nothing to look at any more, and the task
/// is given back.
pub(crate) async fn prepare<W: Watch>(engine: &Engine, watch: &W, task: &Task) -> Result<Option<W::Brief>, StoreError> {
    hold_lease(engine, task).await?;
    let brief = watch.brief(&engine.store, task).await?;
    if brief.is_none() {
        store::postpone(&engine.store, task, engine.clock.now() + engine.options.lease).await?;
    }
    Ok(brief)
}

/// Fetches under a deadline, in real time; `said` is the same as it is told.
pub async fn fetch<W: Watch>(
    watch: &W,
    brief: &W::Brief,
    deadline: Duration,
    said: Duration,
) -> Result<W::Observation, FetchError> {
    let fetch = watch.fetch(brief).instrument(trace::span!("fetch"));
    match tokio::time::timeout(deadline, fetch).await {
        Ok(fetched) => fetched,
        Err(_) => Err(FetchError::Transient(format!("not done within {said:?}"))),
    }
}

/// Records what a fetch brought, wherever it ran, and ends the lease. `LeaseLost` when that was no longer held: then
/// nothing was written.
pub async fn conclude<W: Watch>(
    engine: &Engine,
    watch: &W,
    task: &Task,
    fetched: Result<W::Observation, FetchError>,
    seen_at: Timestamp,
) -> Result<Checked, StoreError> {
    match fetched {
        Ok(observation) => {
            let begun = Instant::now();
            let recorded = match watch.group() {
                Some(group) => group.deliver(engine, watch, task, Arc::new(observation), seen_at).await?,
                None => deliver(engine, watch, task, &observation, seen_at).await?,
            };
            engine.metrics.recorded(task.kind, begun.elapsed());
            Ok(Checked::Recorded(recorded))
        }
        Err(FetchError::Postponed(wait)) => {
            store::postpone(&engine.store, task, engine.clock.now() + wait).await?;
            Ok(Checked::Postponed(wait))
        }
        Err(error) => {
            give_up(engine, watch, task, &error).instrument(trace::span!("record", failed = error.class())).await?;
            Ok(Checked::Failed(error))
        }
    }
}

/// A deadline below this would only measure the machine (clocks that run fast shorten the real one).
const MIN_DEADLINE: Duration = Duration::from_secs(10);

/// A task may have waited for its turn: the lease must outlast the deadline of the fetch.
async fn hold_lease(engine: &Engine, task: &Task) -> Result<(), StoreError> {
    let now = engine.clock.now();
    if now + engine.options.task_timeout <= task.lease_until {
        return Ok(());
    }
    store::renew(&engine.store, task, now + engine.options.lease).await
}

/// Records an observation: effects, alerts, messages, next due time and the end of the lease in one transaction.
/// Delivering the same observation again writes nothing.
pub async fn deliver<W: Watch>(
    engine: &Engine,
    watch: &W,
    task: &Task,
    observation: &W::Observation,
    seen_at: Timestamp,
) -> Result<Recorded, StoreError> {
    let again_and_again = async {
        let mut tries = 0;
        loop {
            tries += 1;
            match deliver_once(engine, watch, task, observation, seen_at).await {
                Err(e) if e.is_retryable() && tries < RECORD_TRIES => {
                    tokio::time::sleep(Duration::from_millis(20 << tries)).await;
                }
                Ok(recorded) => {
                    engine.tell(&recorded.events);
                    return Ok(recorded);
                }
                Err(e) => return Err(e),
            }
        }
    };
    again_and_again.instrument(trace::span!("record")).await
}

async fn deliver_once<W: Watch>(
    engine: &Engine,
    watch: &W,
    task: &Task,
    observation: &W::Observation,
    seen_at: Timestamp,
) -> Result<Recorded, StoreError> {
    let now = engine.clock.now();
    let mut tx = engine.store.begin().await?;
    tx.set_origin(trace::current());
    let recorded = write(&mut tx, watch, task, Seen { observation, seen_at, now }).await?;
    tx.commit().await?;
    Ok(recorded)
}

/// What one observation means, and the end of its lease, in the caller's transaction.
pub(crate) async fn write<W: Watch>(
    tx: &mut Tx,
    watch: &W,
    task: &Task,
    seen: Seen<'_, W::Observation>,
) -> Result<Recorded, StoreError> {
    let now = seen.now;
    let recorded = watch.record(tx, task, seen).await?;
    let outcome = Outcome::Success { next_due: recorded.next_due, interval: recorded.interval };
    store::settle(tx, task, &outcome, now).await?;
    Ok(recorded)
}

async fn give_up<W: Watch>(engine: &Engine, watch: &W, task: &Task, error: &FetchError) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match give_up_once(engine, watch, task, error).await {
            Err(e) if e.is_retryable() && tries < RECORD_TRIES => {
                tokio::time::sleep(Duration::from_millis(20 << tries)).await;
            }
            ended => return ended,
        }
    }
}

async fn give_up_once<W: Watch>(engine: &Engine, watch: &W, task: &Task, error: &FetchError) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let mut tx = engine.store.begin().await?;
    tx.set_origin(trace::current());
    let recorded = watch.fail(&mut tx, task, error, now).await?;
    let outcome = Outcome::Failure { next_due: recorded.next_due, class: error.class(), error: error.to_string() };
    store::settle(&mut tx, task, &outcome, now).await?;
    tx.commit().await?;
    engine.tell(&recorded.events);
    Ok(())
}

#[async_trait]
impl<W: Watch> Registered for W {
    fn kind(&self) -> WatchKind {
        Watch::kind(self)
    }

    fn in_flight(&self) -> Option<usize> {
        Watch::in_flight(self)
    }

    async fn check(&self, engine: &Engine, task: &Task) -> Checked {
        check(engine, self, task).await
    }

    async fn housekeep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        Watch::housekeep(self, store, now).await
    }
}
