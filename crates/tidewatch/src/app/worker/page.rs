//! What a worker answers: whether it lives and whether it can work, to everybody; its metrics to this machine and to
//! those with a key.

use super::super::scale::Scale;
use super::way::Way;
use api::{ApiError, TrustedProxies};
use axum::extract::State;
use axum::http::{StatusCode, header, request};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use fleet::Load;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a worker has to do, as numbers. Cheap to clone; the clones count together.
#[derive(Clone, Default)]
pub(super) struct Gauges {
    running: Gauge,
    done: Counter,
}

impl Gauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("tidewatch_worker_running", "Tasks under way in this worker", self.running.clone());
        registry.register("tidewatch_worker_tasks", "Tasks this worker has ended", self.done.clone());
    }

    fn set(&self, load: &Load) {
        self.running.set(i64::try_from(load.running()).unwrap_or(i64::MAX));
        self.done.inc_by((load.done() as u64).saturating_sub(self.done.get()));
    }
}

#[derive(Clone)]
pub(super) struct Page {
    pub(super) newest: watch::Receiver<Arc<Way>>,
    pub(super) gauges: Gauges,
    pub(super) load: Arc<Load>,
    pub(super) scale: Scale,
    pub(super) stop: CancellationToken,
}

impl Page {
    /// Answers on `listener` until the worker has `ended`.
    pub(super) async fn serve(self, listener: TcpListener, ended: CancellationToken) {
        let router = Router::new()
            .route("/live", get(async || Json(json!({ "status": "alive" }))))
            .route("/ready", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self)
            .into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, router).with_graceful_shutdown(async move { ended.cancelled().await }).await;
        if let Err(e) = served {
            tracing::error!(error = %e, "the page of the worker ended");
        }
    }
}

async fn metrics(State(page): State<Page>, request: request::Parts) -> Result<impl IntoResponse, ApiError> {
    let way = Arc::clone(&page.newest.borrow());
    if !api::may_scrape(&way.auth, &TrustedProxies::default(), &request).await? {
        return Err(ApiError::unauthorized());
    }
    page.gauges.set(&page.load);
    let text = api::exposition(&way.registry).map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

async fn ready(State(page): State<Page>) -> impl IntoResponse {
    let reason = match page.scale.link.check().await {
        _ if page.stop.is_cancelled() => Some("stopping"),
        Ok(_) => None,
        Err(_) => Some("Redis not reachable"),
    };
    match reason {
        None => (StatusCode::OK, Json(json!({ "status": "ready" }))),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason }))),
    }
}
