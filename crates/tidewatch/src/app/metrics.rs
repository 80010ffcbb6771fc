//! What is counted of the requests to Mercari, under the names the old dashboards know.

use super::fetching::Upstreams;
use engine::proxy::Route;
use engine::upstream::Upstream;
use market::fetch::{MercariClient, Observer};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    r#type: &'static str,
}

/// Counts requests; told of each by the client.
pub struct FetchMetrics {
    requests: Counter,
    errors: Family<Failure, Counter>,
    duration: Histogram,
    api_duration: Histogram,
    delay: Gauge<f64, AtomicU64>,
    proxied: Gauge,
    admission: Histogram,
    browser_mode: Gauge,
    browser_pages: Gauge,
    followed: OnceLock<Followed>,
}

struct Followed {
    client: Weak<MercariClient>,
    upstream: Weak<Upstream>,
    always_proxied: bool,
}

impl FetchMetrics {
    /// Makes and registers them; waits for a turn are counted in `admission`.
    pub fn new(registry: &mut Registry, admission: Histogram) -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.01, 2.0, 12));
        let m = Self {
            requests: Counter::default(),
            errors: Family::default(),
            duration: seconds(),
            api_duration: seconds(),
            delay: Gauge::default(),
            proxied: Gauge::default(),
            admission,
            browser_mode: Gauge::default(),
            browser_pages: Gauge::default(),
            followed: OnceLock::new(),
        };
        for class in ["transient", "limited", "blocked", "rejected", "malformed"] {
            m.errors.get_or_create(&Failure { r#type: class }).inc_by(0);
        }
        registry.register("animetop_crawler_requests", "Requests to Mercari", m.requests.clone());
        registry.register("animetop_crawler_errors", "Requests to Mercari that failed, by class", m.errors.clone());
        let help = "Duration of a request to Mercari";
        registry.register("animetop_crawler_request_duration_seconds", help, m.duration.clone());
        registry.register("mercari_crawler_api_request_duration_seconds", help, m.api_duration.clone());
        let help = "Time between two requests at the present pace";
        registry.register("mercari_crawler_adaptive_delay_seconds", help, m.delay.clone());
        registry.register("animetop_crawler_proxy_mode", "1 through the proxy, 0 direct", m.proxied.clone());
        registry.register("mercari_crawler_auth_mode", "0 HTTP, 1 browser", m.browser_mode.clone());
        registry.register("animetop_crawler_browser_active", "Open browser pages", m.browser_pages.clone());
        m
    }

    /// Looks at the pace and the way out of these from now on.
    pub fn follow(&self, upstreams: &Upstreams) {
        let (client, upstream) = (Arc::downgrade(&upstreams.client), Arc::downgrade(&upstreams.mercari));
        if self.followed.set(Followed { client, upstream, always_proxied: upstreams.always_proxied }).is_ok() {
            self.look();
        }
    }

    fn look(&self) {
        let Some(followed) = self.followed.get() else { return };
        if let Some(client) = followed.client.upgrade() {
            self.proxied.set(i64::from(followed.always_proxied || client.route() == Route::Proxied));
        }
        if let Some(upstream) = followed.upstream.upgrade() {
            self.delay.set(1.0 / upstream.snapshot().rate.max(f64::MIN_POSITIVE));
        }
    }
}

impl Observer for FetchMetrics {
    fn waited(&self, elapsed: Duration) {
        self.admission.observe(elapsed.as_secs_f64());
    }

    fn request(&self, outcome: &'static str, elapsed: Duration) {
        self.requests.inc();
        self.duration.observe(elapsed.as_secs_f64());
        self.api_duration.observe(elapsed.as_secs_f64());
        if outcome != "ok" {
            self.errors.get_or_create(&Failure { r#type: outcome }).inc();
        }
        self.look();
    }

    fn browser_mode(&self, on: bool) {
        self.browser_mode.set(i64::from(on));
    }

    fn browser_pages(&self, open: usize) {
        self.browser_pages.set(i64::try_from(open).unwrap_or(i64::MAX));
    }
}
