//! What is counted of the requests to providers, under the names the old dashboards know.

use accounts::fetch::{Fetcher, Observer};
use api::SharedRegistry;
use engine::breaker::BreakerState;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    provider: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    provider: String,
}

/// Counts requests to providers; told of each by the fetcher.
pub struct ProviderMetrics {
    calls: Family<Asked, Counter>,
    latency: Family<Asked, Histogram, fn() -> Histogram>,
    breaker: Family<Named, Gauge>,
    admission: Option<Histogram>,
}

impl ProviderMetrics {
    /// Makes and registers them; waits for a turn are counted in `admission`.
    pub fn new(registry: &SharedRegistry, admission: Option<Histogram>) -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(0.01, 2.0, 12));
        let m = Self {
            calls: Family::default(),
            latency: Family::new_with_constructor(buckets),
            breaker: Family::default(),
            admission,
        };
        let mut r = registry.lock().unwrap_or_else(PoisonError::into_inner);
        r.register("balance_alert_provider_api_calls", "Requests to a provider, by outcome", m.calls.clone());
        let help = "Duration of a request to a provider";
        r.register("balance_alert_provider_api_latency_seconds", help, m.latency.clone());
        let help = "0 closed, 1 a probe is under way, 2 open";
        r.register("balance_alert_circuit_breaker_state", help, m.breaker.clone());
        m
    }

    /// Looks at the breakers; of several addresses of a provider the worst counts.
    pub fn look(&self, fetcher: &Fetcher) {
        let mut worst: BTreeMap<String, i64> = BTreeMap::new();
        for (provider, upstream) in fetcher.upstreams() {
            let state = match upstream.snapshot().state {
                BreakerState::Closed => 0,
                BreakerState::Probing => 1,
                BreakerState::Open => 2,
            };
            let known = worst.entry(provider).or_default();
            *known = state.max(*known);
        }
        for (provider, state) in worst {
            self.breaker.get_or_create(&Named { provider }).set(state);
        }
    }
}

impl Observer for ProviderMetrics {
    fn waited(&self, took: Duration) {
        if let Some(admission) = &self.admission {
            admission.observe(took.as_secs_f64());
        }
    }

    fn asked(&self, provider: &str, status: &'static str, took: Duration) {
        let labels = Asked { provider: provider.to_owned(), status };
        self.calls.get_or_create(&labels).inc();
        self.latency.get_or_create(&labels).observe(took.as_secs_f64());
    }
}
