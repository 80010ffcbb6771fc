//! The days before the demo began.

use super::{DemoClock, MarketPages, Providers, furnish};
use crate::app::Prelude;
use crate::terminal::Progress;
use accounts::AccountOptions;
use anyhow::Context;
use async_trait::async_trait;
use engine::{Engine, Registered, simulate};
use market::{MarketOptions, MarketWatch};
use model::{Clock, HOUR, Timestamp, WatchKind};
use sim::Market;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;
use store::Keyring;

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
    /// Where the market's history begins; the accounts' is longer.
    pub market_from: Timestamp,
    /// Who is asked in place of the providers.
    pub providers: Arc<Providers>,
    /// How accounts and keys are watched.
    pub accounts: AccountOptions,
    /// Seals the keys of the pool.
    pub keyring: Keyring,
}

#[async_trait]
impl Prelude for History {
    async fn play(self: Box<Self>, engine: &Arc<Engine>, watches: &[Arc<dyn Registered>]) -> anyhow::Result<()> {
        let accounts: Vec<Arc<dyn Registered>> =
            watches.iter().filter(|w| w.kind() == WatchKind::Account).map(Arc::clone).collect();
        if self.clock.now() < self.market_from {
            let done = simulate(engine, &accounts, self.clock.history(), self.market_from, |_, _| ()).await;
            let looks = done.context("simulating the accounts' history")?.recorded;
            tracing::info!(looks, "history of the accounts simulated");
        }
        furnish::renewals(engine, self.clock.now()).await?;
        let (from, begun) = (self.clock.now(), Instant::now());
        if from < self.until {
            let (market, until) = (Arc::clone(&self.market), self.until.millis());
            let written = tokio::task::spawn_blocking(move || market.prepare(until));
            let pages = MarketPages::new(Arc::clone(&self.market), Arc::new(self.clock.clone()));
            let watch: Arc<dyn Registered> = Arc::new(MarketWatch::new(Arc::new(pages), self.options.clone()));
            let all: Vec<Arc<dyn Registered>> = accounts.into_iter().chain([watch]).collect();
            let hours = |t: Timestamp| u64::try_from((t.millis() - from.millis()) / HOUR).unwrap_or(0);
            let mut progress = Progress::new("simulating history:", hours(self.until));
            let step = |t, done: &engine::Simulated| progress.at(hours(t), || format!("{} crawls", done.recorded));
            let done = simulate(engine, &all, self.clock.history(), self.until, step).await;
            let done = done.context("simulating history")?;
            written.await.context("the simulated market broke down")?;
            progress.done();
            let (crawls, seconds) = (done.recorded, begun.elapsed().as_secs_f64());
            tracing::info!(crawls, failed = done.failed, seconds = format!("{seconds:.1}"), "history simulated");
        }
        self.clock.go_live(self.speed);
        let added = furnish::keys(engine, &self.keyring, &self.providers, &self.accounts).await?;
        if added > 0 {
            tracing::info!(added, "keys imported; all of them are looked at now");
            engine.wake();
        }
        let _ = writeln!(io::stderr(), "simulated time now runs {} times faster than real time", self.speed);
        Ok(())
    }
}
