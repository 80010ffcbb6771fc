//! How long a claim takes with 100,000 targets, and how long after its due time a target is claimed.

use crate::figure::{quantile, rate};
use crate::{Failure, Options};
use async_trait::async_trait;
use engine::{Checked, Engine, EngineMetrics, EngineOptions, Recorded, Registered};
use model::{HOUR, ScaledClock, SharedClock, Timestamp, WatchKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::{Claim, ENGINE_MIGRATIONS, OnConflict, OpenOptions, Outcome, Store, StoreError, Task, Value, args};
use testkit::Figures;
use tokio_util::sync::CancellationToken;

const COMMAND: &str = "make bench";
const BATCH: usize = 50;
/// Claims timed at each degree of fullness.
const CLAIMS: u32 = 200;
const KINDS: &[WatchKind] = &[WatchKind::Market];
/// Longer than any run: what is claimed stays claimed.
const LEASE: Duration = Duration::from_secs(86_400);
/// A simulated hour in this many times less.
const SPEED: f64 = 60.0;

/// Measures claims and lag.
pub async fn run(options: &Options) -> Result<(), Failure> {
    let targets = options.number("targets", 100_000)?;
    let mut figures = Figures::new("claim", COMMAND);
    durations(targets, &mut figures).await?;
    let begins = begins();
    for (name, settles) in [("claimed only", false), ("claimed and settled", true)] {
        let lags = scheduled(1.0, settles, targets, |_| begins, Duration::from_secs(90)).await?;
        lag(&mut figures, &format!("{targets} due at once, {name}"), targets, lags, 1.0);
    }
    let spread = |n: u64| begins.plus((n * HOUR as u64 / targets) as i64);
    let lags = scheduled(SPEED, true, targets, spread, Duration::from_secs(100)).await?;
    lag(&mut figures, &format!("{targets} over a simulated hour, {SPEED} x"), targets, lags, SPEED);
    figures.save()?;
    Ok(())
}

fn begins() -> Timestamp {
    Timestamp::parse("2026-11-02T00:00:00+09:00").unwrap_or_default()
}

/// A store with `targets` targets, the n-th due at `due(n)`.
async fn filled(folder: &tempfile::TempDir, targets: u64, due: impl Fn(u64) -> Timestamp) -> Result<Store, StoreError> {
    let url = format!("sqlite://{}", folder.path().join("claim.db").display());
    let store = Store::open(&OpenOptions::new(url)).await?;
    store.migrate(ENGINE_MIGRATIONS, due(0)).await?;
    let columns = ["kind", "ref_id", "state", "next_due", "claimable_at", "interval_ms", "failures"];
    let row = |n: u64| -> Vec<Value> { args!["market", n as i64, "active", due(n), due(n), 2 * HOUR, 0_i64] };
    let mut tx = store.begin().await?;
    tx.insert_many("targets", &columns, (0..targets).map(row).collect(), OnConflict::Fail).await?;
    tx.commit().await?;
    Ok(store)
}

async fn durations(targets: u64, f: &mut Figures) -> Result<(), Failure> {
    let now = begins();
    for leased in [0_u64, 50, 100] {
        let folder = tempfile::tempdir()?;
        let store = filled(&folder, targets, |n| now.plus(-(n as i64 % HOUR))).await?;
        let mut tx = store.begin().await?;
        // Every other one, as claims of other processes leave it.
        let lease =
            "UPDATE targets SET lease_token = 'other', lease_until = ?, claimable_at = ? WHERE ref_id % 100 < ?";
        tx.exec(lease, args![now + LEASE, now + LEASE, leased as i64]).await?;
        tx.commit().await?;
        let (mut spans, mut got) = (Vec::new(), 0);
        for n in 0..CLAIMS {
            let token = format!("claim-{n}");
            let claim = Claim { kinds: KINDS, limit: BATCH, lease: LEASE, token: &token };
            let begun = Instant::now();
            got += store::claim(&store, &claim, now).await?.len();
            spans.push(begun.elapsed());
        }
        let name = format!("claim of {BATCH}, {targets} targets, {leased} % leased");
        let claimed = format!("{got} claimed in {CLAIMS} claims");
        f.add(&format!("{name}, median"), quantile(&mut spans, 0.5), "ms", &claimed);
        f.add(&format!("{name}, p99"), quantile(&mut spans, 0.99), "ms", "");
        store.close().await;
    }
    Ok(())
}

/// Lag of every target and how long the whole took.
struct Lags {
    lags: Vec<Duration>,
    took: Duration,
}

fn lag(f: &mut Figures, name: &str, targets: u64, mut run: Lags, speed: f64) {
    run.lags.iter_mut().for_each(|l| *l = l.div_f64(speed));
    let seen = format!("{} of {targets} claimed", run.lags.len());
    f.add(&format!("{name}: rate"), rate(run.lags.len() as u64, run.took), "targets/s", &seen);
    f.add(&format!("{name}: due to claim, median"), quantile(&mut run.lags, 0.5), "ms", "real time");
    f.add(&format!("{name}: due to claim, p99"), quantile(&mut run.lags, 0.99), "ms", "real time");
}

/// Lets the scheduler claim everything, or as much as `limit` of real time allows, with a clock that runs `speed` times
/// as fast as the wall.
async fn scheduled(
    speed: f64,
    settles: bool,
    targets: u64,
    due: impl Fn(u64) -> Timestamp,
    limit: Duration,
) -> Result<Lags, Failure> {
    let folder = tempfile::tempdir()?;
    let store = filled(&folder, targets, due).await?;
    let clock: SharedClock = Arc::new(ScaledClock::new(begins(), speed));
    let mut registry = prometheus_client::registry::Registry::default();
    let metrics = Arc::new(EngineMetrics::new(&mut registry));
    let next = AtomicU64::new(0);
    let tokens = Arc::new(move || format!("t{}", next.fetch_add(1, Ordering::Relaxed)));
    let options = EngineOptions { lease: LEASE, ..EngineOptions::default() };
    let engine = Arc::new(Engine::new(store, clock, options, metrics, tokens));
    let nothing =
        Arc::new(Nothing { settles, wanted: targets, lags: Mutex::default(), done: CancellationToken::new() });
    let stop = CancellationToken::new();
    let begun = Instant::now();
    let watches = vec![Arc::clone(&nothing) as Arc<dyn Registered>];
    let scheduler = tokio::spawn(engine::run(Arc::clone(&engine), watches, stop.clone()));
    let _ = tokio::time::timeout(limit, nothing.done.cancelled()).await;
    let took = begun.elapsed();
    stop.cancel();
    scheduler.await?;
    engine.store.close().await;
    let lags = std::mem::take(&mut *nothing.lags.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Lags { lags, took })
}

/// A watch that looks at nothing; it settles its task, or leaves it leased.
struct Nothing {
    settles: bool,
    wanted: u64,
    lags: Mutex<Vec<Duration>>,
    done: CancellationToken,
}

#[async_trait]
impl Registered for Nothing {
    fn kind(&self) -> WatchKind {
        WatchKind::Market
    }

    async fn check(&self, engine: &Engine, task: &Task) -> Checked {
        let now = engine.clock.now();
        let next_due = now + LEASE;
        if self.settles {
            let outcome = Outcome::Success { next_due, interval: task.interval };
            if let Err(e) = settle(&engine.store, task, &outcome, now).await {
                return Checked::Store(e);
            }
        }
        // The lease tells when the claim was made.
        let lag = (task.lease_until - LEASE).since(task.due);
        let mut lags = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        lags.push(lag);
        if lags.len() as u64 >= self.wanted {
            self.done.cancel();
        }
        Checked::Recorded(Recorded { next_due, interval: task.interval, events: Vec::new() })
    }

    async fn housekeep(&self, _: &Store, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

async fn settle(store: &Store, task: &Task, outcome: &Outcome, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    store::settle(&mut tx, task, outcome, now).await?;
    tx.commit().await
}
