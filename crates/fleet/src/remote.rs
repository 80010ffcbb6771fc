//! A watch whose fetches happen in other processes: what the scheduler holds in its place.

use crate::{FleetError, Link, Queue};
use async_trait::async_trait;
use engine::{Checked, Engine, Registered, Report, Travels, errand};
use model::{Timestamp, WatchKind};
use redis::cmd;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Store, StoreError, Task};

/// Errands packed and sent at the same time.
const SENDING: usize = 16;
/// An errand that could not be sent is tried again after so long.
const AGAIN: Duration = Duration::from_secs(5);
/// Says which life of Redis this is: gone when it was emptied.
const LIFE: &str = "tidewatch:life";

/// Hands out the tasks of a watch.
pub struct Remote<W> {
    watch: Arc<W>,
    link: Link,
    tasks: Queue,
    outside: Arc<Outside>,
}

/// What is outside, and what is known of Redis: of the process, however often its settings are read again.
#[derive(Default)]
struct Outside {
    /// Handed out and not known to have ended.
    handed: Mutex<HashMap<String, Task>>,
    life: Mutex<Option<String>>,
    away: AtomicBool,
}

impl<W: Travels> Remote<W> {
    /// Hands out what `watch` would look at.
    pub fn new(watch: Arc<W>, link: Link) -> Self {
        let tasks = Queue::tasks(&link);
        Self { watch, link, tasks, outside: Arc::default() }
    }

    /// Answers for what `before` has handed out, too.
    #[must_use]
    pub fn following(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before {
            self.outside = Arc::clone(&before.outside);
        }
        self
    }

    /// Records what came of a task, whoever handed it out.
    pub(crate) async fn arrived(&self, engine: &Engine, report: Report<W::Observation>) -> Checked {
        self.forget(&report.task_id);
        engine::arrived(engine, self.watch.as_ref(), report).await
    }

    pub(crate) fn read(&self, message: &str) -> Result<Report<W::Observation>, String> {
        self.watch.read_report(message)
    }

    fn forget(&self, task_id: &str) {
        self.outside.handed.lock().unwrap_or_else(PoisonError::into_inner).remove(task_id);
    }

    fn remember(&self, task: &Task, now: Timestamp) {
        let mut handed = self.outside.handed.lock().unwrap_or_else(PoisonError::into_inner);
        handed.insert(task.task_id.clone(), task.clone());
        // What another process recorded is not heard of here; its lease ends.
        if handed.len().is_multiple_of(256) {
            handed.retain(|_, task| task.lease_until > now);
        }
    }

    /// How many errands wait, after making sure that Redis still has what was handed out.
    async fn waiting(&self, engine: &Engine) -> Result<u64, FleetError> {
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let found: Option<String> =
            cmd("SET").arg(&[LIFE, &mark, "NX", "GET"]).query_async(&mut self.link.shared()).await?;
        let life = found.unwrap_or(mark);
        let known = self.outside.life.lock().unwrap_or_else(PoisonError::into_inner).replace(life.clone());
        if known.as_ref() != Some(&life) {
            self.tasks.ensure().await?;
            Queue::results(&self.link).ensure().await?;
            if known.is_some() {
                self.take_back(engine).await;
            }
        }
        Ok(self.tasks.lengths().await?.waiting)
    }

    /// Redis was emptied: what this process had handed out is due again.
    async fn take_back(&self, engine: &Engine) {
        let handed = std::mem::take(&mut *self.outside.handed.lock().unwrap_or_else(PoisonError::into_inner));
        let now = engine.clock.now();
        let mut back = 0;
        for task in handed.values().filter(|task| task.lease_until > now) {
            match store::postpone(&engine.store, task, now).await {
                Ok(()) => back += 1,
                Err(StoreError::LeaseLost(_)) => {}
                Err(e) => tracing::warn!(error = %e, "not taken back; due again when its lease runs out"),
            }
        }
        tracing::warn!(tasks = back, "Redis was emptied: what was handed out is handed out again");
    }

    fn is_away(&self, away: Option<&FleetError>) {
        match (self.outside.away.swap(away.is_some(), Ordering::Relaxed), away) {
            (false, Some(e)) => tracing::error!(error = %e, "nothing is handed out until Redis answers"),
            (true, None) => tracing::info!("Redis answers: work is handed out again"),
            _ => {}
        }
    }
}

#[async_trait]
impl<W: Travels> Registered for Remote<W> {
    fn kind(&self) -> WatchKind {
        self.watch.kind()
    }

    fn in_flight(&self) -> Option<usize> {
        Some(SENDING)
    }

    async fn room(&self, engine: &Engine) -> Option<usize> {
        let waiting = self.waiting(engine).await;
        self.is_away(waiting.as_ref().err());
        let most = engine.options.backpressure as u64;
        match waiting {
            // One more than may wait, so that a threshold of none still hands out one at a time.
            Ok(waiting) => Some(usize::try_from((most + 1).saturating_sub(waiting)).unwrap_or(0)),
            Err(_) => Some(0),
        }
    }

    async fn check(&self, engine: &Engine, task: &Task) -> Checked {
        let errand = match errand(engine, self.watch.as_ref(), task).await {
            Ok(Some(errand)) => errand,
            Ok(None) => return Checked::Gone,
            Err(checked) => return checked,
        };
        // Before it is sent: the answer may be here before the sending has returned.
        self.remember(task, engine.clock.now());
        let Err(e) = self.tasks.push(&self.watch.write_errand(&errand)).await else { return Checked::HandedOut };
        self.forget(&task.task_id);
        self.is_away(Some(&e));
        match store::postpone(&engine.store, task, engine.clock.now() + AGAIN).await {
            Ok(()) => Checked::Postponed(AGAIN),
            Err(e) => Checked::of(Err(e)),
        }
    }

    async fn housekeep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        self.watch.housekeep(store, now).await
    }
}
