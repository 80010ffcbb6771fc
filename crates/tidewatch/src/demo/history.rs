//! The days before the demo began.

use super::{DemoClock, MarketPages};
use crate::app::Prelude;
use crate::terminal::Progress;
use anyhow::Context;
use async_trait::async_trait;
use engine::{Engine, Registered, simulate};
use market::{MarketOptions, MarketWatch};
use model::{Clock, HOUR, Timestamp};
use sim::Market;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

/// Lives from the clock's time to `until` as fast as the machine can, then lets the clock run.
pub struct History {
    /// The clock of everything.
    pub clock: DemoClock,
    /// The simulated market.
    pub market: Arc<Market>,
    /// How it is watched.
    pub options: MarketOptions,
    /// Where live time begins.
    pub until: Timestamp,
    /// How fast time runs from then on.
    pub speed: f64,
}

#[async_trait]
impl Prelude for History {
    async fn play(self: Box<Self>, engine: &Arc<Engine>, _: &[Arc<dyn Registered>]) -> anyhow::Result<()> {
        let (from, begun) = (self.clock.now(), Instant::now());
        if from < self.until {
            let (market, until) = (Arc::clone(&self.market), self.until.millis());
            let written = tokio::task::spawn_blocking(move || market.prepare(until));
            let pages = MarketPages::new(Arc::clone(&self.market), Arc::new(self.clock.clone()));
            let watch: Arc<dyn Registered> = Arc::new(MarketWatch::new(Arc::new(pages), self.options.clone()));
            let hours = |t: Timestamp| u64::try_from((t.millis() - from.millis()) / HOUR).unwrap_or(0);
            let mut progress = Progress::new("simulating two days of history:", hours(self.until));
            let step = |t, done: &engine::Simulated| progress.at(hours(t), || format!("{} crawls", done.recorded));
            let done = simulate(engine, &[watch], self.clock.history(), self.until, step).await;
            let done = done.context("simulating history")?;
            written.await.context("the simulated market broke down")?;
            progress.done();
            let (crawls, seconds) = (done.recorded, begun.elapsed().as_secs_f64());
            tracing::info!(crawls, failed = done.failed, seconds = format!("{seconds:.1}"), "history simulated");
        }
        self.clock.go_live(self.speed);
        let _ = writeln!(io::stderr(), "simulated time now runs {} times faster than real time", self.speed);
        Ok(())
    }
}
