//! Logs go to stderr, one event a line. Spans of tasks go to a collector, when there is one, and never into the log.

use crate::traces::{self, Traces};
use anyhow::Context;
use opentelemetry::trace::TracerProvider as _;
use settings::{LogFormat, LogSettings, Notice};
use std::io::{self, IsTerminal};
use std::sync::OnceLock;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// The log of a process is one, and so is the way to its levels.
static LEVELS: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts the log of this process, and the export of traces where the environment asks for it; what is answered must
/// live as long as the process has something to tell. Fails when a level cannot be read, the export cannot be set up, or
/// a log was started before.
pub fn start(log: &LogSettings) -> anyhow::Result<Traces> {
    let (levels, handle) = reload::Layer::new(levels(&log.level)?);
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
    let _ = LEVELS.set(handle);
    Ok(traces)
}

/// The running log has these levels from now on; nothing where none was started. Fails when they cannot be read.
pub fn set_levels(text: &str) -> anyhow::Result<()> {
    let levels = levels(text)?;
    LEVELS.get().map_or(Ok(()), |handle| handle.reload(levels).context("the levels of the log"))
}

/// Spans are for the export alone.
fn levels(text: &str) -> anyhow::Result<EnvFilter> {
    let off = format!("{}=off", trace::TARGET).parse().context("the directive against spans")?;
    Ok(EnvFilter::try_new(text).context("log.level")?.add_directive(off))
}

/// Tells what the configuration says that changes nothing.
pub fn tell(notices: &[Notice]) {
    for notice in notices {
        tracing::info!("{notice}");
    }
}
