//! What is counted of checks of accounts and of the leaderboard's cache, under the names the old dashboards know.

use api::SharedRegistry;
use engine::{Engine, News};
use market::leaderboard::Leaderboard;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use std::future::Future;
use std::sync::{Arc, PoisonError};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Registers the counters of the leaderboard's cache.
pub fn kept(board: &Leaderboard, registry: &SharedRegistry) {
    let (hits, misses) = board.kept();
    let mut r = registry.lock().unwrap_or_else(PoisonError::into_inner);
    let r = r.sub_registry_with_label(("cache_type".into(), "leaderboard".into()));
    r.register("balance_alert_cache_hits", "Looks that found what they wanted kept", hits);
    r.register("balance_alert_cache_misses", "Looks that had to be computed", misses);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    project: String,
    provider: String,
    error_type: String,
}

/// Counts the looks at accounts that brought no reading, once each was committed, until `stop`.
pub fn follow(
    engine: Arc<Engine>,
    registry: &SharedRegistry,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let failed: Family<Failed, Counter> = Family::default();
    {
        let mut r = registry.lock().unwrap_or_else(PoisonError::into_inner);
        let help = "Looks at an account that brought no reading, by what came instead";
        r.register("balance_alert_failed_checks", help, failed.clone());
    }
    let mut events = engine.subscribe_own();
    async move {
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => return,
                event = events.recv() => event,
            };
            match event {
                Ok(News::Event(event)) if event.name == "account" => count(&failed, &event.data),
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "events missed; failed checks may be counted too low");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

fn count(failed: &Family<Failed, Counter>, look: &serde_json::Value) {
    let text = |name: &str| look.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let (project, provider, status) = (text("name"), text("provider"), text("status"));
    if let (Some(project), Some(provider), Some(error_type)) = (project, provider, status.filter(|s| s != "ok")) {
        failed.get_or_create(&Failed { project, provider, error_type }).inc();
    }
}
