//! `tidewatch serve`.

use crate::app::reload::Reload;
use crate::app::{Config, listen, until_signals};
use crate::cli::{Common, Outcome};
use crate::logs;
use clap::Args;
use model::SystemClock;
use settings::Sources;
use std::sync::Arc;

/// What `serve` takes.
#[derive(Args, Debug)]
pub struct Serve {
    #[command(flatten)]
    common: Common,
    /// Crawl nothing here: hand it out over Redis to `tidewatch worker` [redis.url].
    #[arg(long)]
    no_workers: bool,
}

impl Serve {
    /// Runs until a signal; reads the configuration again on SIGHUP and when it changes.
    pub async fn run(&self) -> anyhow::Result<Outcome> {
        let loaded = self.common.load()?;
        let _traces = logs::start(&loaded.settings.log)?;
        logs::tell(&loaded.notices);
        let listener = listen(loaded.settings.server.listen).await?;
        let (again, place) = (self.common.clone(), Sources::place(self.common.config.as_deref()));
        let reload = Some(Reload::new(move || again.load(), place)?);
        let config = Config { hand_out: self.no_workers, reload, ..Config::live(loaded.settings) };
        until_signals(config, listener, Arc::new(SystemClock)).await
    }
}
