//! What every request passes first and every answer last: deadline, panics, request ids, headers, counting.

use crate::error::Cause;
use crate::metrics::HttpMetrics;
use crate::{ApiError, TrustedProxies};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The state of the front.
pub(crate) struct Front {
    timeout: Duration,
    metrics: HttpMetrics,
    trusted: TrustedProxies,
    failed: AtomicU64,
    /// Tells the ids of this start from those of earlier ones.
    start: u64,
}

impl Front {
    pub(crate) fn new(timeout: Duration, metrics: HttpMetrics, trusted: TrustedProxies, start: u64) -> Self {
        Self { timeout, metrics, trusted, failed: AtomicU64::new(1), start }
    }

    /// Logs the cause of an internal error once; the client gets the number to ask for.
    fn report(&self, method: &str, path: &str, response: &mut Response) {
        let Some(Cause(cause)) = response.extensions_mut().remove() else { return };
        let n = self.failed.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("{:08x}-{n:x}", self.start & 0xffff_ffff);
        tracing::error!(request_id, method, path, status = response.status().as_u16(), cause = %cause, "request failed");
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
        }
    }
}

pub(crate) async fn front(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let behind_tls = front.trusted.is_secure(request.extensions(), request.headers());
    let method = crate::metrics::method(request.method());
    // The template, never the path: ids would make labels without bound.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let path = matched.as_ref().map_or("none", MatchedPath::as_str);
    let answer = tokio::time::timeout(front.timeout, next.run(request));
    let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => ApiError::unavailable("not done in time").into_response(),
        Err(panic) => ApiError::internal(format!("panic: {}", words(panic.as_ref()))).into_response(),
    };
    front.report(method, path, &mut response);
    secure(response.headers_mut(), behind_tls);
    front.metrics.observe(method, path, response.status(), begun.elapsed());
    response
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("?")
}

const SECURITY: [(HeaderName, HeaderValue); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; img-src https: data: 'self'; style-src 'self'; script-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// A year; whether the names below are TLS too is the proxy's to say.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

fn secure(headers: &mut HeaderMap, behind_tls: bool) {
    // Once, before the map would grow step by step; the connection adds two more.
    headers.reserve(SECURITY.len() + 6);
    for (name, value) in &SECURITY {
        headers.insert(name.clone(), value.clone());
    }
    if behind_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// No such path.
pub(crate) async fn not_found() -> ApiError {
    ApiError::not_found("path")
}

/// The path knows other methods.
pub(crate) async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed here")
}
