//! The seam between the engine and what is watched.

use crate::error::FetchError;
use crate::group::Group;
use async_trait::async_trait;
use model::{Timestamp, WatchKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::time::Duration;
use store::{Store, StoreError, Task, Tx};

/// A kind of thing that is watched: what to look at, how to fetch it, what the answer means.
/// The engine says when, and makes sure it happens exactly once.
#[async_trait]
pub trait Watch: Send + Sync + 'static {
    /// All a fetch needs to know, so that it can happen in a process without the store.
    type Brief: Serialize + DeserializeOwned + Send + Sync;
    /// What a fetch saw.
    type Observation: Serialize + DeserializeOwned + Send + Sync;

    /// Which kind.
    fn kind(&self) -> WatchKind;

    /// How many of its checks run at the same time; `None` is what the engine says.
    fn in_flight(&self) -> Option<usize> {
        None
    }

    /// Where observations wait to be recorded together; `None` records each in a transaction of its own.
    fn group(&self) -> Option<&Group<Self::Observation>> {
        None
    }

    /// Gathers what the fetch needs. `None`: there is nothing to look at any more.
    async fn brief(&self, store: &Store, task: &Task) -> Result<Option<Self::Brief>, StoreError>;

    /// Reads the outside world. The only step that may be slow or fail for reasons that are not ours.
    async fn fetch(&self, brief: &Self::Brief) -> Result<Self::Observation, FetchError>;

    /// Loads what was known, detects what changed (pure), writes it; all in the caller's transaction.
    async fn record(&self, tx: &mut Tx, task: &Task, seen: Seen<'_, Self::Observation>)
    -> Result<Recorded, StoreError>;

    /// Writes what a failed fetch means beside the engine's own bookkeeping (a stale alert, say), and says when to try
    /// again. Last good numbers are not touched.
    async fn fail(&self, tx: &mut Tx, task: &Task, error: &FetchError, now: Timestamp) -> Result<Recorded, StoreError>;

    /// Roll-ups and retention, in small steps; called every so often.
    async fn housekeep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError>;
}

/// An observation and its instants.
#[derive(Debug)]
pub struct Seen<'a, O> {
    /// What was seen.
    pub observation: &'a O,
    /// When the fetch began: the outside world is known as of this instant.
    pub seen_at: Timestamp,
    /// When it is recorded.
    pub now: Timestamp,
}

/// What recording came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// When to look again.
    pub next_due: Timestamp,
    /// The interval from now on.
    pub interval: Duration,
    /// What to let the world know once it is committed.
    pub events: Vec<Event>,
}

/// Something that happened and was committed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// `crawl`, `alert` …: the name of the server-sent event.
    pub name: Cow<'static, str>,
    /// Its data.
    pub data: serde_json::Value,
}
