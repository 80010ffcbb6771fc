//! What every check has at hand.

use crate::check::Checked;
use crate::metrics::EngineMetrics;
use crate::watch::Event;
use async_trait::async_trait;
use model::{SharedClock, Timestamp, WatchKind};
use std::sync::Arc;
use std::time::Duration;
use store::{Store, StoreError, Task};
use tokio::sync::{broadcast, watch};

/// How the engine schedules.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Targets claimed at once.
    pub batch: usize,
    /// No new claim while more than these wait for their turn.
    pub backpressure: usize,
    /// How long a claim lasts; longer than `task_timeout`.
    pub lease: Duration,
    /// Deadline of one fetch.
    pub task_timeout: Duration,
    /// Checks that run at the same time.
    pub in_flight: usize,
    /// The longest sleep of the scheduler: how late it notices what another process put into the schedule.
    pub poll: Duration,
    /// Time between two rounds of roll-ups and retention.
    pub housekeeping: Duration,
    /// How long running checks may finish after the stop signal.
    pub drain: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            batch: 50,
            backpressure: 25,
            lease: Duration::from_secs(15 * 60),
            task_timeout: Duration::from_secs(12 * 60),
            in_flight: 8,
            poll: Duration::from_secs(30),
            housekeeping: Duration::from_secs(600),
            drain: Duration::from_secs(30),
        }
    }
}

/// The engine: store, clock, options, metrics, and the way to tell listeners.
pub struct Engine {
    /// The database.
    pub store: Store,
    /// The time of day.
    pub clock: SharedClock,
    /// How to schedule.
    pub options: EngineOptions,
    /// What is counted.
    pub metrics: Arc<EngineMetrics>,
    events: broadcast::Sender<Event>,
    own: broadcast::Sender<News>,
    hint: watch::Sender<()>,
    tokens: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Engine {
    /// An engine on an opened and migrated store. `tokens` gives lease tokens nobody else has.
    pub fn new(
        store: Store,
        clock: SharedClock,
        options: EngineOptions,
        metrics: Arc<EngineMetrics>,
        tokens: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Self {
        let (events, _) = broadcast::channel(1024);
        let (own, _) = broadcast::channel(1024);
        Self { store, clock, options, metrics, events, own, hint: watch::Sender::new(()), tokens }
    }

    /// Listens to what is committed from now on. A slow listener misses events, never delays them.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Listens to what happens in this process alone: what other processes are to be told, and what is counted.
    pub fn subscribe_own(&self) -> broadcast::Receiver<News> {
        self.own.subscribe()
    }

    /// Tells listeners; nobody listening is fine.
    pub fn tell(&self, events: &[Event]) {
        for event in events {
            let _ = self.own.send(News::Event(event.clone()));
            let _ = self.events.send(event.clone());
        }
    }

    /// Wakes the scheduler: something may be due earlier than it thinks.
    pub fn wake(&self) {
        let _ = self.own.send(News::Wake);
        self.hint.send_replace(());
    }

    /// Takes in what another process told.
    pub fn hear(&self, news: News) {
        match news {
            News::Event(event) => drop(self.events.send(event)),
            News::Wake => self.hint.send_replace(()),
        }
    }

    pub(crate) fn hints(&self) -> watch::Receiver<()> {
        self.hint.subscribe()
    }

    pub(crate) fn token(&self) -> String {
        (self.tokens)()
    }
}

/// What one process tells the others.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Something was committed.
    Event(Event),
    /// Something may be due earlier than it was.
    Wake,
}

/// A watch as the scheduler holds it: any [`crate::Watch`].
#[async_trait]
pub trait Registered: Send + Sync + 'static {
    /// Which kind.
    fn kind(&self) -> WatchKind;
    /// How many of its checks run at the same time; `None` is what the engine says.
    fn in_flight(&self) -> Option<usize> {
        None
    }
    /// How many of its targets may be claimed now; `None` is as many as the lane says.
    async fn room(&self, _engine: &Engine) -> Option<usize> {
        None
    }
    /// Looks at one claimed target.
    async fn check(&self, engine: &Engine, task: &Task) -> Checked;
    /// Roll-ups and retention.
    async fn housekeep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError>;
}
