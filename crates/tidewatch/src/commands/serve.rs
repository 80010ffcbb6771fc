//! `tidewatch serve`.

use crate::app::{Config, listen, until_signals};
use crate::cli::{Common, Outcome};
use crate::logs;
use model::SystemClock;
use std::sync::Arc;

/// Runs until a signal.
pub async fn run(common: &Common) -> anyhow::Result<Outcome> {
    let loaded = common.load()?;
    let _traces = logs::start(&loaded.settings.log)?;
    logs::tell(&loaded.notices);
    let listener = listen(loaded.settings.server.listen).await?;
    until_signals(Config::live(loaded.settings), listener, Arc::new(SystemClock)).await
}
