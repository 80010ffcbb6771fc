//! Telling how far refreshes are, and ending them.

use crate::store::refreshes::{Refresh, finish, forget, get, unfinished};
use engine::{Engine, Event};
use model::Timestamp;
use std::collections::HashMap;
use std::time::Duration;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

/// The shortest time between two events of a refresh.
const PACE: Duration = Duration::from_millis(500);
/// How late a refresh that another process began is noticed.
const IDLE: Duration = Duration::from_secs(1);
/// Counting costs more the more there are.
const PER_KEY: Duration = Duration::from_micros(50);
/// Time between two sweeps of what is long over.
const SWEEP: Duration = Duration::from_secs(3600);

/// Emits `refresh` events while refreshes are under way and ends those that are over, until `stop`. Any number of
/// processes may do so at once; each tells its own listeners.
pub async fn follow(engine: &Engine, stop: CancellationToken) {
    let mut told = HashMap::new();
    let mut swept = None;
    while !stop.is_cancelled() {
        let now = engine.clock.now();
        let pause = match round(engine, &mut told, now).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "the progress of refreshes is not known");
                IDLE
            }
        };
        if swept.is_none_or(|at| now.since(at) >= SWEEP) {
            swept = Some(now);
            if let Err(error) = sweep(&engine.store, now).await {
                tracing::warn!(%error, "old refreshes were not forgotten");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn sweep(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    forget(&mut tx, now).await?;
    tx.commit().await
}

/// Looks at all that are under way once; answers how long to wait for the next round.
async fn round(engine: &Engine, told: &mut HashMap<i64, Refresh>, now: Timestamp) -> Result<Duration, StoreError> {
    let mut pause = IDLE;
    let under_way = unfinished(&engine.store).await?;
    tell_ended(engine, told, &under_way).await?;
    for refresh in under_way {
        pause = pause.min(PACE).max(PER_KEY.saturating_mul(u32::try_from(refresh.total).unwrap_or(u32::MAX)));
        let refresh = finish(&engine.store, refresh, now).await?;
        if told.get(&refresh.id) != Some(&refresh) {
            tell(engine, &refresh);
            told.insert(refresh.id, refresh);
        }
    }
    Ok(pause)
}

/// Those that another process has ended meanwhile.
async fn tell_ended(
    engine: &Engine,
    told: &mut HashMap<i64, Refresh>,
    under_way: &[Refresh],
) -> Result<(), StoreError> {
    let ended: Vec<i64> = told.keys().filter(|id| under_way.iter().all(|r| r.id != **id)).copied().collect();
    for id in ended {
        let last = get(&engine.store, id).await?;
        let known = told.remove(&id).is_some_and(|r| r.finished_at.is_some());
        if let Some(last) = last.filter(|_| !known) {
            tell(engine, &last);
        }
    }
    Ok(())
}

fn tell(engine: &Engine, refresh: &Refresh) {
    let data = serde_json::to_value(refresh).unwrap_or_default();
    engine.tell(&[Event { name: "refresh".into(), data }]);
}
