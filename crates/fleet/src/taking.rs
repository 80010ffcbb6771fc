//! The loop of everybody who takes entries of a queue: new ones, and those whose taker has died.

use crate::FleetError;
use crate::queue::{Entry, Reader};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long one look for entries waits.
const WAIT: Duration = Duration::from_secs(1);
/// Pause after Redis did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// How entries are taken.
pub(crate) struct Taking {
    pub(crate) reader: Reader,
    /// Entries under way at the same time.
    pub(crate) at_once: usize,
    /// An entry that was taken and has shown no sign of life for so long is taken again.
    pub(crate) orphan_after: Duration,
}

impl Taking {
    /// Hands each entry to `one`, in a task of its own on `tracker`, until `stop`.
    pub(crate) async fn run<F>(mut self, tracker: &TaskTracker, stop: &CancellationToken, one: impl Fn(Entry) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let permits = Arc::new(Semaphore::new(self.at_once.max(1)));
        let (mut looked, mut away): (Option<Instant>, bool) = (None, false);
        while !stop.is_cancelled() {
            // At least one may begin before anything is taken.
            let free = tokio::select! {
                () = stop.cancelled() => break,
                free = permits.acquire() => free,
            };
            let Ok(free) = free else { break };
            let count = permits.available_permits() + 1;
            drop(free);
            // Not dropped half-way: what Redis has handed over by then would be with nobody until it is an orphan.
            let taken = self.look(count, &mut looked).await;
            say(&mut away, taken.as_ref().err());
            let Ok(entries) = taken else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            for entry in entries {
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { break };
                let work = one(entry);
                tracker.spawn(async move {
                    work.await;
                    drop(permit);
                });
            }
        }
    }

    async fn look(&mut self, count: usize, looked: &mut Option<Instant>) -> Result<Vec<Entry>, FleetError> {
        if looked.is_some_and(|at| at.elapsed() <= self.orphan_after / 2) {
            return self.reader.take(count, WAIT).await;
        }
        *looked = Some(Instant::now());
        self.reader.orphans(self.orphan_after, count).await
    }
}

fn say(away: &mut bool, error: Option<&FleetError>) {
    match (std::mem::replace(away, error.is_some()), error) {
        (false, Some(e)) => tracing::error!(error = %e, "nothing can be taken; trying again every second"),
        (true, None) => tracing::info!("Redis answers: work is taken again"),
        _ => {}
    }
}
