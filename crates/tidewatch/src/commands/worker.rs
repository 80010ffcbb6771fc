//! `tidewatch worker`.

use crate::app::reload::Reload;
use crate::app::{listen, until_signalled, worker};
use crate::cli::{Common, Outcome};
use crate::logs;
use clap::Args;
use model::SystemClock;
use settings::Sources;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What `worker` takes.
#[derive(Args, Debug)]
pub struct Worker {
    /// Configuration file, or a directory of them; of it redis, market, engine, log and the keys of auth are used.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer /live and /ready here, and /metrics to this machine and to those with a key [auth.api_keys].
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
}

impl Worker {
    /// Runs until a signal; reads the configuration again on SIGHUP and when it changes.
    pub async fn run(self) -> anyhow::Result<Outcome> {
        let place = Sources::place(self.config.as_deref());
        let common = Common { config: self.config, ..Common::default() };
        let loaded = common.load()?;
        let _traces = logs::start(&loaded.settings.log)?;
        logs::tell(&loaded.notices);
        let listener = match self.listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let stop = CancellationToken::new();
        let reload = Some(Reload::new(move || common.load(), place)?);
        let running = worker::run(loaded.settings, (listener, reload), Arc::new(SystemClock), stop.clone());
        until_signalled(running, stop).await
    }
}
