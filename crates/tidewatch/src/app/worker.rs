//! A worker: fetches what is handed out over Redis, and needs nothing else.

use super::fetching::Upstreams;
use super::scale::Scale;
use super::{browsing::Browsing, options};
use anyhow::{Context, bail};
use api::SharedRegistry;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use engine::EngineMetrics;
use fleet::{Load, Worker, work};
use market::MarketWatch;
use model::SharedClock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use serde_json::json;
use settings::Settings;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Works until `shutdown`; `listener`, if there is one, answers /live, /ready and /metrics. Fails without Redis.
pub async fn run(
    settings: Settings,
    listener: Option<TcpListener>,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let Some(scale) = Scale::open(&settings.redis).await? else {
        bail!("a worker takes its tasks from Redis: set redis.url (REDIS_URL)");
    };
    let registry = SharedRegistry::default();
    let metrics = EngineMetrics::new(&mut registry.lock().unwrap_or_else(PoisonError::into_inner));
    let upstreams = Upstreams::open(
        &settings.market,
        Arc::clone(&clock),
        &registry,
        metrics.admission(),
        (Some(scale.pace()), None),
    )?;
    if let Browsing::Off(why) = &upstreams.browsing {
        tracing::info!(why, "browser mode is off");
    }
    let watch = Arc::new(MarketWatch::new(Arc::clone(&upstreams.pages), options::market(&settings)));
    let worker = worker(&settings, &scale);
    let capacity = worker.capacity as u64;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        name = scale.name,
        redis = scale.link.shown(),
        capacity,
        "worker started"
    );
    let load = Load::new();
    // What is beside the work goes on while it drains.
    let ended = CancellationToken::new();
    let beside = tokio::spawn(beside(scale.clone(), Arc::clone(&load), capacity, (shutdown.clone(), ended.clone())));
    let page = listener.map(|listener| {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(page = %format_args!("http://{address}"), "answers /live, /ready and /metrics");
        }
        let page = Page { registry, load: Arc::clone(&load), scale: scale.clone(), stop: shutdown.clone() };
        tokio::spawn(serve(listener, page, ended.clone()))
    });
    work(watch, scale.link.clone(), (clock, load), worker, shutdown).await;
    ended.cancel();
    beside.await.context("the sign of life broke down")?;
    if let Some(page) = page {
        page.await.context("the page of the worker broke down")?;
    }
    if let Browsing::Ready(browser) = upstreams.browsing {
        browser.rest().await;
    }
    tracing::info!("stopped");
    Ok(())
}

fn worker(settings: &Settings, scale: &Scale) -> Worker {
    let (engine, redis) = (&settings.engine, &settings.redis);
    Worker {
        name: scale.name.clone(),
        capacity: engine.max_in_flight as usize,
        task_timeout: engine.task_timeout.into(),
        orphan_after: redis.orphan_after.into(),
        max_deliveries: redis.max_deliveries,
        drain: engine.shutdown_grace.into(),
    }
}

/// Says every few seconds that it is there, until it has `ended`.
async fn beside(
    scale: Scale,
    load: Arc<Load>,
    capacity: u64,
    (shutdown, ended): (CancellationToken, CancellationToken),
) {
    let mut pause = Duration::from_secs(2);
    loop {
        let running = load.running() as u64;
        let member = scale.member(Scale::WORKER, (running, capacity), load.lag(), shutdown.is_cancelled());
        if let Err(e) = scale.roster.write(&member).await {
            tracing::debug!(error = %e, "no sign of life was given");
        }
        tokio::select! {
            () = ended.cancelled() => break,
            // That it drains is said at once, and then seldom.
            () = shutdown.cancelled(), if !member.draining => {}
            () = tokio::time::sleep(pause) => {}
        }
        pause = Duration::from_secs(5);
    }
    let _ = scale.roster.leave(&scale.name).await;
}

#[derive(Clone)]
struct Page {
    registry: SharedRegistry,
    load: Arc<Load>,
    scale: Scale,
    stop: CancellationToken,
}

async fn serve(listener: TcpListener, page: Page, ended: CancellationToken) {
    let (running, done) = (Gauge::<i64>::default(), Counter::<u64>::default());
    {
        let mut registry = page.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register("tidewatch_worker_running", "Tasks under way in this worker", running.clone());
        registry.register("tidewatch_worker_tasks", "Tasks this worker has ended", done.clone());
    }
    let metrics = async move |State(page): State<Page>| {
        running.set(i64::try_from(page.load.running()).unwrap_or(i64::MAX));
        done.inc_by((page.load.done() as u64).saturating_sub(done.get()));
        match api::exposition(&page.registry) {
            Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    let router = Router::new()
        .route("/live", get(async || Json(json!({ "status": "alive" }))))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(page);
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { ended.cancelled().await }).await;
    if let Err(e) = served {
        tracing::error!(error = %e, "the page of the worker ended");
    }
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
