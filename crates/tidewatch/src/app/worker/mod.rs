//! A worker: fetches what is handed out over Redis, and needs nothing else.

mod page;
mod way;

use super::browsing::Browsing;
use super::reload::Reload;
use super::scale::Scale;
use anyhow::{Context, bail};
use fleet::{Load, Worker, work};
use model::SharedClock;
use page::Page;
use settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use way::Maker;

/// Works until `shutdown`; `listener`, if there is one, answers /live, /ready and /metrics; the settings are read again
/// as `reload` says. Fails without Redis.
pub async fn run(
    settings: Settings,
    (listener, reload): (Option<TcpListener>, Option<Reload>),
    clock: SharedClock,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let Some(scale) = Scale::open(&settings.redis).await? else {
        bail!("a worker takes its tasks from Redis: set redis.url (REDIS_URL)");
    };
    let worker = worker(&settings, &scale);
    let maker = Maker::new(Arc::clone(&clock), scale.clone(), listener.is_some());
    let gauges = maker.gauges.clone();
    let (newest, ways) = watch::channel(Arc::new(maker.way(settings, None)?));
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
        let (newest, load, stop) = (ways.clone(), Arc::clone(&load), shutdown.clone());
        let page = Page { newest, gauges, load, scale: scale.clone(), stop };
        tokio::spawn(page.serve(listener, ended.clone()))
    });
    let following = tokio::spawn(maker.follow(reload, newest, ended.clone()));
    let begun_on = ways.clone();
    let watch = move || Arc::clone(&begun_on.borrow().watch);
    work(watch, scale.link.clone(), (clock, load), worker, shutdown).await;
    ended.cancel();
    beside.await.context("the sign of life broke down")?;
    if let Some(page) = page {
        page.await.context("the page of the worker broke down")?;
    }
    following.await.context("following the settings broke down")?;
    let last = Arc::clone(&ways.borrow());
    if let Browsing::Ready(browser) = &last.upstreams.browsing {
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
