//! The loop around [`Deliverer::step`]: one task for each channel, so that a slow one keeps nobody waiting.

use crate::deliver::Deliverer;
use crate::store;
use ::store::StoreError;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

/// Shortest pause between two rounds, in real time, whatever the clock says.
const MIN_PAUSE: Duration = Duration::from_millis(20);
/// Pause after the database failed, in real time.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// How long what is being sent has to end after `stop`, in real time: longer than a send may take, no longer than whoever
/// stopped the process waits.
const LAST_WORDS: Duration = Duration::from_secs(28);

/// The channels being written to.
#[derive(Default)]
struct Working {
    tasks: JoinSet<Result<(), StoreError>>,
    channels: HashMap<Id, i64>,
}

impl Deliverer {
    /// Delivers until `stop`, then lets what is being sent come to its end and be written down, for a while.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut working = Working::default();
        while !stop.is_cancelled() {
            let pause = match self.round(&mut working).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "outbox not drained");
                    AFTER_ERROR
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                Some(done) = working.tasks.join_next_with_id() => working.ended(done),
                () = self.hint.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        let last_words = async {
            while let Some(done) = working.tasks.join_next_with_id().await {
                working.ended(done);
            }
        };
        if tokio::time::timeout(LAST_WORDS, last_words).await.is_err() {
            tracing::error!("stopped before the database took what came of a message; it may be told again");
        }
    }

    /// Says that there is something new in the outbox, so that nobody waits for the next look.
    pub fn wake(&self) {
        self.hint.notify_one();
    }

    /// Fans out and starts what can be started; answers how long to wait.
    async fn round(self: &Arc<Self>, working: &mut Working) -> Result<Duration, StoreError> {
        self.fan_out().await?;
        let busy: Vec<i64> = working.channels.values().copied().collect();
        let free = self.options.channels.saturating_sub(busy.len());
        for claimed in self.claim(free, &busy).await? {
            let (this, id) = (self.clone(), claimed.channel.id);
            let task = working.tasks.spawn(async move { this.work(claimed).await });
            working.channels.insert(task.id(), id);
        }
        let now = self.clock.now();
        let next = store::earliest(&self.store).await?.map_or(self.options.poll, |t| t.since(now));
        // What is due already waits for a channel that is busy here or elsewhere; its end or the next look wakes it.
        let next = if next.is_zero() { self.options.poll } else { next.min(self.options.poll) };
        Ok(self.clock.real(next).max(MIN_PAUSE))
    }
}

impl Working {
    fn ended(&mut self, done: Result<(Id, Result<(), StoreError>), tokio::task::JoinError>) {
        let id = match done {
            Ok((id, Ok(()))) => id,
            Ok((id, Err(error))) => {
                tracing::error!(%error, "channel not served");
                id
            }
            Err(error) => {
                tracing::error!(%error, "channel not served");
                error.id()
            }
        };
        self.channels.remove(&id);
    }
}
