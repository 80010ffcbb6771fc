//! `/metrics`: what is counted, and who may see it.

mod exposition;
mod scraped;

pub(crate) use self::scraped::Scraped;

use self::exposition::{Format, plain};
use crate::openapi::{Exposition, Reply};
use crate::server::Shared;
use crate::{ApiError, Auth, TrustedProxies};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header, request};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The registry every part registers its metrics with.
pub type SharedRegistry = Arc<Mutex<Registry>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    path: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    path: String,
}

/// Requests and how long they took.
pub(crate) struct HttpMetrics {
    requests: Family<Answered, Counter>,
    duration: Family<Asked, Histogram>,
}

fn buckets() -> Histogram {
    Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

impl HttpMetrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let requests = Family::default();
        let duration = Family::new_with_constructor(buckets as fn() -> Histogram);
        registry.register("animetop_http_requests", "Requests by route and status", requests.clone());
        registry.register("animetop_http_request_duration_seconds", "Time to the answer's head", duration.clone());
        Self { requests, duration }
    }

    pub(crate) fn observe(&self, method: &'static str, path: &str, status: StatusCode, took: Duration) {
        let status = status.as_u16();
        self.requests.get_or_create(&Answered { method, path: path.to_owned(), status }).inc();
        self.duration.get_or_create(&Asked { method, path: path.to_owned() }).observe(took.as_secs_f64());
    }
}

/// What a registry holds, in the Prometheus text format 0.0.4.
pub fn exposition(registry: &SharedRegistry) -> Result<String, std::fmt::Error> {
    let mut text = String::with_capacity(16 * 1024);
    encode(&mut text, &registry.lock().unwrap_or_else(PoisonError::into_inner))?;
    Ok(plain(&text))
}

/// A method's label; clients may invent methods, so the set is closed.
pub(crate) fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

/// Whether a request may see metrics: from this very machine, or with a credential of any role. Fails when a session
/// cannot be looked up.
pub async fn may_scrape(auth: &Auth, proxies: &TrustedProxies, request: &request::Parts) -> Result<bool, ApiError> {
    let (headers, extensions) = (&request.headers, &request.extensions);
    // The store is asked last: metrics answer when it does not.
    Ok(proxies.is_local(extensions, headers) || auth.identify(headers).await?.is_some())
}

/// Prometheus text for those who may see it.
pub(crate) async fn metrics(State(shared): State<Shared>, request: Request) -> Result<Reply<Exposition>, ApiError> {
    let (request, _) = request.into_parts();
    if !may_scrape(&shared.auth, &shared.options.trusted_proxies, &request).await? {
        return Err(ApiError::unauthorized());
    }
    shared.scraped.refresh(&shared).await;
    let mut text = String::with_capacity(16 * 1024);
    let encoded = {
        let registry = shared.registry.lock().unwrap_or_else(PoisonError::into_inner);
        encode(&mut text, &registry)
    };
    encoded.map_err(ApiError::internal)?;
    let format = Format::wanted(&request.headers);
    let text = if format == Format::Plain { plain(&text) } else { text };
    Ok(Reply::of(([(header::CONTENT_TYPE, format.content_type())], text)))
}
