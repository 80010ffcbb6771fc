//! Records what workers bring: any process with the database, each result once.

use crate::queue::{Entry, Queue};
use crate::{Link, Remote};
use engine::{Checked, Engine, Travels};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How to record.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// A name no other process has.
    pub name: String,
    /// Results recorded at the same time.
    pub at_once: usize,
    /// A result that was taken and not ended for so long is taken again.
    pub orphan_after: Duration,
}

/// How long one look for results waits.
const WAIT: Duration = Duration::from_secs(1);
/// Pause after Redis did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Records results until `stop`, then finishes what it has begun.
pub async fn record<W: Travels>(
    remote: Arc<Remote<W>>,
    engine: Arc<Engine>,
    link: Link,
    recorder: Recorder,
    stop: CancellationToken,
) {
    let results = Queue::results(&link);
    let permits = Arc::new(Semaphore::new(recorder.at_once.max(1)));
    let mut reader = results.reader(&recorder.name);
    let tracker = TaskTracker::new();
    let mut looked: Option<Instant> = None;
    while !stop.is_cancelled() {
        // At least one may begin before anything is taken.
        let Ok(free) = Arc::clone(&permits).acquire_owned().await else { break };
        let count = permits.available_permits() + 1;
        drop(free);
        let for_orphans = looked.is_none_or(|at| at.elapsed() > recorder.orphan_after / 2);
        let taken = tokio::select! {
            () = stop.cancelled() => break,
            taken = async {
                if for_orphans { reader.orphans(recorder.orphan_after, count).await } else { reader.take(count, WAIT).await }
            } => taken,
        };
        if for_orphans {
            looked = Some(Instant::now());
        }
        match taken {
            Ok(entries) => {
                for entry in entries {
                    let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { break };
                    let (remote, engine, results) = (Arc::clone(&remote), Arc::clone(&engine), results.clone());
                    tracker.spawn(async move {
                        one(&remote, &engine, &results, entry).await;
                        drop(permit);
                    });
                }
            }
            Err(e) => {
                tracing::debug!(error = %e, "no results can be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    tracker.close();
    tracker.wait().await;
    // A name left behind holds nothing; the list of consumers should not grow with restarts.
    let _ = results.leave(&recorder.name).await;
}

async fn one<W: Travels>(remote: &Remote<W>, engine: &Engine, results: &Queue, entry: Entry) {
    let ended = match remote.read(&entry.message) {
        Ok(report) => match remote.arrived(engine, report).await {
            // Not acknowledged: it is taken again, or its lease runs out and it is nobody's.
            Checked::Store(e) => {
                tracing::error!(error = %e, "a result waits for the store");
                return;
            }
            _ => results.done(&entry.id).await,
        },
        Err(reason) => {
            tracing::error!(reason, entry = entry.id, "a result that cannot be read goes to the dead letters");
            engine.metrics.buried();
            results.bury(&entry, &reason, engine.clock.now()).await
        }
    };
    if let Err(e) = ended {
        // It comes again, and then its lease is gone: nothing is recorded twice.
        tracing::debug!(error = %e, "a recorded result was not taken off");
    }
}
