//! Traces go to an OpenTelemetry collector over OTLP/HTTP when OTEL_EXPORTER_OTLP_ENDPOINT names one. The other variables
//! of the OpenTelemetry specification (headers, time-out, sampler, resource attributes) are heeded as they are.

use anyhow::Context;
use opentelemetry::KeyValue;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::env;

/// The export of traces; sends what is left when it goes out of scope.
#[must_use = "it ends with this value"]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub(crate) const fn provider(&self) -> Option<&SdkTracerProvider> {
        self.0.as_ref()
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // The batches are sent by a thread of their own, so that waiting here holds nobody up but the end.
        if let Some(Err(error)) = self.0.as_ref().map(SdkTracerProvider::shutdown) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Starts it if the environment names a collector.
pub(crate) fn start() -> anyhow::Result<Traces> {
    let named = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
    if !named.iter().any(|name| env::var(name).is_ok_and(|value| !value.is_empty())) {
        return Ok(Traces(None));
    }
    // The exporter's client blocks: an async one would find no runtime on the thread of the batches, and send nothing.
    let exporter = SpanExporter::builder().with_http().build().context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
    Ok(Traces(Some(provider)))
}

fn resource() -> Resource {
    let mut resource = Resource::builder();
    if env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("tidewatch");
    }
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let instance = KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string());
    let process = KeyValue::new("process.pid", i64::from(std::process::id()));
    resource.with_attributes([version, instance, process]).build()
}
