//! The schedule run as a discrete-event simulation: the clock jumps from due time to due time, so that weeks pass in
//! seconds and every run of the same schedule is the same, wherever it was interrupted.

use crate::check::Checked;
use crate::scheduler::housekeep;
use crate::{Engine, Registered};
use futures::future::join_all;
use model::{SteppedClock, Timestamp, WatchKind};
use std::sync::Arc;
use store::{Claim, StoreError};

/// What a simulated run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Simulated {
    /// Checks recorded.
    pub recorded: u64,
    /// Checks that failed or were not recorded.
    pub failed: u64,
}

const SWEPT: &str = "simulate/swept";

/// Runs everything that falls due before `until`, each at its due time, and leaves the clock at `until`.
/// `step` is told the instant after each round, for progress. `clock` must be the engine's own.
pub async fn simulate(
    engine: &Engine,
    watches: &[Arc<dyn Registered>],
    clock: &SteppedClock,
    until: Timestamp,
    mut step: impl FnMut(Timestamp, &Simulated),
) -> Result<Simulated, StoreError> {
    let kinds: Vec<WatchKind> = watches.iter().map(|w| w.kind()).collect();
    let mut done = Simulated::default();
    // Kept in the database: a run that was interrupted does its housekeeping at the instants it would have had.
    let kept = store::get_meta(&engine.store, SWEPT).await?;
    let mut swept = kept.and_then(|t| t.parse().ok().map(Timestamp)).unwrap_or(engine.clock.now());
    while let Some(due) = store::earliest_claimable(&engine.store, &kinds).await?.filter(|due| *due < until) {
        let now = engine.clock.now().max(due);
        clock.set(now);
        if now.since(swept) >= engine.options.housekeeping {
            housekeep(engine, watches).await;
            swept = now;
            let mut tx = engine.store.begin().await?;
            store::set_meta(&mut tx, SWEPT, &now.millis().to_string()).await?;
            tx.commit().await?;
        }
        let token = engine.token();
        let claim = Claim { kinds: &kinds, limit: engine.options.batch, lease: engine.options.lease, token: &token };
        let tasks = store::claim(&engine.store, &claim, now).await?;
        let checks = tasks.iter().filter_map(|task| {
            let watch = watches.iter().find(|w| w.kind() == task.kind)?;
            Some(watch.check(engine, task))
        });
        for checked in join_all(checks).await {
            match checked {
                Checked::Recorded(_) => done.recorded += 1,
                Checked::Store(e) => return Err(e),
                _ => done.failed += 1,
            }
        }
        step(now, &done);
    }
    clock.set(until);
    housekeep(engine, watches).await;
    Ok(done)
}
