//! Records what workers bring: any process with the database, each result once.

use crate::queue::{Entry, Queue};
use crate::taking::Taking;
use crate::{Link, Remote};
use engine::{Checked, Engine, Travels};
use std::sync::Arc;
use std::time::Duration;
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

/// Records results until `stop`, then finishes what it has begun.
pub async fn record<W: Travels>(
    remote: Arc<Remote<W>>,
    engine: Arc<Engine>,
    link: Link,
    recorder: Recorder,
    stop: CancellationToken,
) {
    let results = Queue::results(&link);
    let tracker = TaskTracker::new();
    let taking = Taking {
        reader: results.reader(&recorder.name),
        at_once: recorder.at_once,
        orphan_after: recorder.orphan_after,
    };
    let each = |entry| {
        let (remote, engine, results) = (Arc::clone(&remote), Arc::clone(&engine), results.clone());
        async move { one(&remote, &engine, &results, entry).await }
    };
    taking.run(&tracker, &stop, each).await;
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
