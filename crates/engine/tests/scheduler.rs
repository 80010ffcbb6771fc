//! The scheduler as a running part: what it does without being asked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use async_trait::async_trait;
use engine::{Checked, Engine, EngineMetrics, EngineOptions, Registered};
use model::{SystemClock, Timestamp, WatchKind};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;
use store::{ENGINE_MIGRATIONS, OpenOptions, Store, StoreError, Task};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

struct Tells(Arc<Notify>);

#[async_trait]
impl Registered for Tells {
    fn kind(&self) -> WatchKind {
        WatchKind::Market
    }

    async fn check(&self, _: &Engine, _: &Task) -> Checked {
        Checked::Gone
    }

    async fn housekeep(&self, _: &Store, _: Timestamp) -> Result<(), StoreError> {
        self.0.notify_one();
        Ok(())
    }
}

/// A process that is restarted more often than the interval would otherwise never roll up, sweep or find stale IPs.
#[tokio::test]
async fn housekeeping_begins_with_the_process_not_an_interval_later() {
    let store = Store::open(&OpenOptions::new("sqlite::memory:")).await.unwrap();
    store.migrate(ENGINE_MIGRATIONS, Timestamp(0)).await.unwrap();
    let metrics = Arc::new(EngineMetrics::new(&mut Registry::default()));
    let options = EngineOptions { housekeeping: Duration::from_secs(3_600), ..EngineOptions::default() };
    let tokens = Arc::new(|| "token".to_owned());
    let engine = Arc::new(Engine::new(store, Arc::new(SystemClock), options, metrics, tokens));
    let (told, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let watches: Vec<Arc<dyn Registered>> = vec![Arc::new(Tells(Arc::clone(&told)))];
    let running = tokio::spawn(engine::run(engine, watches, stop.clone()));
    let kept = tokio::time::timeout(Duration::from_secs(10), told.notified()).await;
    stop.cancel();
    running.await.unwrap();
    assert!(kept.is_ok(), "no housekeeping within 10 s of the start");
}
