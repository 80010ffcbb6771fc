//! Logs go to stderr, one event a line. Spans of tasks go to a collector, when there is one, and never into the log.

use crate::traces::{self, Traces};
use anyhow::Context;
use opentelemetry::trace::TracerProvider as _;
use settings::{LogFormat, LogSettings, Notice};
use std::io::{self, IsTerminal};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt};

/// Starts the log of this process, and the export of traces where the environment asks for it; what is answered must
/// live as long as the process has something to tell. Fails when a level cannot be read, the export cannot be set up, or
/// a log was started before.
pub fn start(log: &LogSettings) -> anyhow::Result<Traces> {
    let off = format!("{}=off", trace::TARGET).parse().context("the directive against spans")?;
    let levels = EnvFilter::try_new(&log.level).context("log.level")?.add_directive(off);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Text => fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => {
            fmt::layer().with_writer(io::stderr).json().flatten_event(true).with_span_list(false).boxed()
        }
    };
    let traces = traces::start()?;
    let tracer = traces.provider().map(|provider| provider.tracer("tidewatch"));
    let spans = tracer.map(|tracer| {
        let spans = tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false);
        spans.with_filter(Targets::new().with_target(trace::TARGET, tracing::Level::INFO))
    });
    let started = Registry::default().with(lines.with_filter(levels)).with(spans).try_init();
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))?;
    Ok(traces)
}

/// Tells what the configuration says that changes nothing.
pub fn tell(notices: &[Notice]) {
    for notice in notices {
        tracing::info!("{notice}");
    }
}
