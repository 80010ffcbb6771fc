//! Logs go to stderr, one event a line.

use anyhow::Context;
use settings::{LogFormat, LogSettings, Notice};
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// Starts the log of this process. Fails when a level cannot be read or a log was started before.
pub fn start(log: &LogSettings) -> anyhow::Result<()> {
    let levels = EnvFilter::try_new(&log.level).context("log.level")?;
    let lines = tracing_subscriber::fmt().with_env_filter(levels).with_writer(io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// Tells what the configuration says that changes nothing.
pub fn tell(notices: &[Notice]) {
    for notice in notices {
        tracing::info!("{notice}");
    }
}
