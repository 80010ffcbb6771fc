//! `tidewatch worker`.

use crate::app::{listen, until_signalled, worker};
use crate::cli::{Common, Outcome};
use crate::logs;
use anyhow::bail;
use clap::Args;
use model::SystemClock;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What `worker` takes.
#[derive(Args, Debug)]
pub struct Worker {
    /// Configuration file, or a directory of them; of it redis, market, engine and log are used.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer /live, /ready and /metrics here; a loopback address, since nobody is asked who they are.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
}

impl Worker {
    /// Runs until a signal.
    pub async fn run(self) -> anyhow::Result<Outcome> {
        let common = Common { config: self.config, ..Common::default() };
        let loaded = common.load()?;
        let _traces = logs::start(&loaded.settings.log)?;
        logs::tell(&loaded.notices);
        let listener = match self.listen {
            Some(address) if !address.ip().is_loopback() => {
                bail!("--listen {address}: a worker's page asks nobody who they are; give a loopback address")
            }
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let stop = CancellationToken::new();
        let running = worker::run(loaded.settings, listener, Arc::new(SystemClock), stop.clone());
        until_signalled(running, stop).await
    }
}
