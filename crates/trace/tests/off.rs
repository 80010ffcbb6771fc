//! What spans cost a program that exports none. Alone in its process: another subscriber would want them.

use std::time::Instant;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{EnvFilter, fmt, registry};

#[test]
fn a_span_nobody_wants_costs_nearly_nothing() -> Result<(), Box<dyn std::error::Error>> {
    // As the program sets up its log.
    let levels = EnvFilter::new("debug").add_directive(format!("{}=off", trace::TARGET).parse()?);
    let log = fmt::layer().with_writer(std::io::sink).with_filter(levels);
    let each = tracing::subscriber::with_default(registry().with(log), || {
        let begun = Instant::now();
        for n in 0..1_000_000u64 {
            let span =
                trace::span!("request", otel.kind = "client", upstream = "x", n, outcome = tracing::field::Empty);
            span.record("outcome", "ok");
            assert!(span.is_disabled() && trace::of(&span).is_none());
        }
        begun.elapsed().as_secs_f64() * 1e9 / 1e6
    });
    eprintln!("a span without an exporter: {each:.1} ns");
    assert!(each < 1000.0, "{each} ns");
    Ok(())
}
