//! One trace follows a task from due to notified, wherever its steps run. Where it goes on is written down as text: the
//! `traceparent` of the W3C Trace Context recommendation.

pub use tracing;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of every span made by [`span!`]. Logs leave it out; without an exporter nobody wants it, and a span that
/// nobody wants costs one comparison.
pub const TARGET: &str = "spans";

/// A step of a task: `trace::span!("fetch", watch = kind.as_str())`.
#[macro_export]
macro_rules! span {
    ($($what:tt)*) => { $crate::tracing::info_span!(target: "spans", $($what)*) };
}

/// Where a trace goes on after the span under way here; `None` when nobody records it.
pub fn current() -> Option<String> {
    of(&Span::current())
}

/// Where a trace goes on after this span; `None` when nobody records it.
pub fn of(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    let flags = context.trace_flags().to_u8();
    context.is_valid().then(|| format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id()))
}

/// Makes the span, not entered yet, a child of the one that was written down. Text that is no `traceparent` leaves it
/// the beginning of a trace of its own.
pub fn follow(span: &Span, traceparent: &str) {
    if span.is_disabled() {
        return;
    }
    if let Some(parent) = parse(traceparent) {
        // Refused only for a span that has begun; it then stays where it is.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }
}

/// Version 00 of the format: `00-{32 hex}-{16 hex}-{2 hex}`.
fn parse(text: &str) -> Option<SpanContext> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    if !hex || parts.next().is_some() || version != "00" || (trace.len(), span.len(), flags.len()) != (32, 16, 2) {
        return None;
    }
    let trace = TraceId::from_hex(trace).ok()?;
    let span = SpanId::from_hex(span).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt as _;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn recorded(body: impl FnOnce()) {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), body);
    }

    #[test]
    fn a_trace_goes_on_where_it_was_written_down() {
        recorded(|| {
            let span = span!("record");
            follow(&span, PARENT);
            let next = of(&span).unwrap();
            assert_eq!(next[..36], PARENT[..36], "the same trace");
            assert_ne!(next[36..52], PARENT[36..52], "another span");
            let child = span.in_scope(|| span!("send"));
            assert_eq!(of(&child).unwrap()[..36], PARENT[..36]);
        });
    }

    #[test]
    fn what_is_no_traceparent_begins_a_trace_of_its_own() {
        let zero = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        for text in ["", "00", zero, &PARENT[1..], &format!("{PARENT}-00"), &PARENT.replace("0af", "+af")] {
            assert!(parse(text).is_none(), "{text}");
        }
        recorded(|| {
            let span = span!("record");
            follow(&span, zero);
            assert!(of(&span).is_some());
        });
    }

    #[test]
    fn nothing_is_made_where_nobody_records() {
        let span = span!("record");
        assert!(span.is_disabled());
        assert_eq!((of(&span), current()), (None, None));
        follow(&span, PARENT);
    }
}
