//! Small observations that come by the thousand are recorded together: a commit costs as much as ten of them.

use crate::Engine;
use crate::check::{deliver, write};
use crate::watch::{Recorded, Seen, Watch};
use model::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use store::{StoreError, Task};
use tokio::sync::oneshot::{self, error::TryRecvError};
use trace::tracing::Instrument as _;

/// Observations that wait for the writer. Whoever comes to it first writes all that wait, in one transaction: all of
/// them or none, each with its lease checked as if it were alone.
pub struct Group<O> {
    waiting: Mutex<Vec<Waiting<O>>>,
    writer: tokio::sync::Mutex<()>,
    most: usize,
}

struct Waiting<O> {
    task: Task,
    observation: Arc<O>,
    seen_at: Timestamp,
    /// The trace it belongs to.
    origin: Option<String>,
    done: oneshot::Sender<Option<Recorded>>,
}

impl<O: Send + Sync> Group<O> {
    /// Writes at most `most` observations in one transaction.
    pub fn new(most: usize) -> Self {
        Self { waiting: Mutex::default(), writer: tokio::sync::Mutex::new(()), most: most.max(1) }
    }

    /// Records the observation, with others that wait at the same time. What fails together is tried again one by
    /// one, so that a fault is told to whom it belongs.
    pub async fn deliver<W: Watch<Observation = O>>(
        &self,
        engine: &Engine,
        watch: &W,
        task: &Task,
        observation: Arc<O>,
        seen_at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        self.record(engine, watch, task, observation, seen_at).instrument(trace::span!("record")).await
    }

    async fn record<W: Watch<Observation = O>>(
        &self,
        engine: &Engine,
        watch: &W,
        task: &Task,
        observation: Arc<O>,
        seen_at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let (done, mut written) = oneshot::channel();
        let origin = trace::current();
        let entry = Waiting { task: task.clone(), observation: Arc::clone(&observation), seen_at, origin, done };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        let turn = self.writer.lock().await;
        let outcome = loop {
            match written.try_recv() {
                Ok(outcome) => break outcome,
                // Whoever wrote was stopped half-way.
                Err(TryRecvError::Closed) => break None,
                Err(TryRecvError::Empty) => {}
            }
            let taken = self.take();
            if taken.is_empty() {
                break None;
            }
            let results = write_all(engine, watch, &taken).await;
            for (entry, result) in taken.into_iter().zip(results) {
                // Who asked may be gone.
                let _ = entry.done.send(result);
            }
        };
        drop(turn);
        match outcome {
            Some(recorded) => {
                engine.tell(&recorded.events);
                Ok(recorded)
            }
            None => deliver(engine, watch, task, observation.as_ref(), seen_at).await,
        }
    }

    fn take(&self) -> Vec<Waiting<O>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = waiting.len().min(self.most);
        waiting.drain(..rest).collect()
    }
}

/// The outcome of each, or of none: a group that fails is rolled back as a whole.
async fn write_all<W: Watch>(engine: &Engine, watch: &W, entries: &[Waiting<W::Observation>]) -> Vec<Option<Recorded>> {
    match try_all(engine, watch, entries).await {
        Ok(all) => all.into_iter().map(Some).collect(),
        Err(e) => {
            tracing::debug!(error = %e, group = entries.len(), "not recorded together; one by one");
            entries.iter().map(|_| None).collect()
        }
    }
}

async fn try_all<W: Watch>(
    engine: &Engine,
    watch: &W,
    entries: &[Waiting<W::Observation>],
) -> Result<Vec<Recorded>, StoreError> {
    let now = engine.clock.now();
    let mut tx = engine.store.begin().await?;
    let mut all = Vec::with_capacity(entries.len());
    for entry in entries {
        let seen = Seen { observation: entry.observation.as_ref(), seen_at: entry.seen_at, now };
        tx.set_origin(entry.origin.clone());
        match write(&mut tx, watch, &entry.task, seen).await {
            Ok(recorded) => all.push(recorded),
            Err(e) => {
                tx.rollback().await?;
                return Err(e);
            }
        }
    }
    tx.commit().await?;
    Ok(all)
}
