//! The way to Mercari.

use super::metrics::FetchMetrics;
use super::options;
use anyhow::{Context, anyhow};
use api::SharedRegistry;
use engine::proxy::{ProxyUrl, SwitchPolicy};
use engine::upstream::Upstream;
use market::fetch::{Entropy, MercariClient, MercariSettings, Observer, ProxyUse};
use model::SharedClock;
use prometheus_client::metrics::histogram::Histogram;
use settings::{MarketSettings, ProxySettings};
use std::sync::{Arc, PoisonError};
use uuid::Uuid;

/// Whom this process asks.
pub struct Upstreams {
    /// Mercari's pace and breaker.
    pub mercari: Arc<Upstream>,
    /// Its client.
    pub client: Arc<MercariClient>,
    /// Every request goes through the proxy.
    pub always_proxied: bool,
}

impl Upstreams {
    /// Sets the clients up without asking anything, and registers their metrics.
    pub fn open(
        market: &MarketSettings,
        clock: SharedClock,
        registry: &SharedRegistry,
        admission: Histogram,
    ) -> anyhow::Result<Self> {
        let metrics = {
            let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::new(FetchMetrics::new(&mut registry, admission))
        };
        let upstreams = mercari(market, clock, Arc::clone(&metrics) as Arc<dyn Observer>)?;
        metrics.follow(&upstreams);
        Ok(upstreams)
    }
}

/// Mercari with its pace, its breaker and its way out.
pub fn mercari(market: &MarketSettings, clock: SharedClock, observer: Arc<dyn Observer>) -> anyhow::Result<Upstreams> {
    let entropy: Entropy = Arc::new(|| Uuid::new_v4().as_u128());
    let policy = options::upstream(market);
    let (seed, _) = Uuid::new_v4().as_u64_pair();
    let upstream = Arc::new(Upstream::new("mercari", policy, Arc::clone(&clock), seed));
    let proxy = proxy(&market.proxy)?;
    let always_proxied = matches!(proxy, ProxyUse::Always(_));
    let settings = MercariSettings { base_url: market.base_url.clone(), proxy, ..MercariSettings::default() };
    let client = MercariClient::new(settings, Arc::clone(&upstream), clock, entropy, observer);
    let client = client.context("the client of market.base_url")?;
    Ok(Upstreams { mercari: upstream, client: Arc::new(client), always_proxied })
}

fn proxy(proxy: &ProxySettings) -> anyhow::Result<ProxyUse> {
    if proxy.url.is_empty() {
        return Ok(ProxyUse::Never);
    }
    let url = ProxyUrl::parse(proxy.url.reveal()).map_err(|e| anyhow!("market.proxy.url: {e}"))?;
    Ok(if proxy.auto_switch {
        let policy = SwitchPolicy { failures: proxy.failure_threshold, stay: proxy.cool_down.into() };
        ProxyUse::AutoSwitch(url, policy)
    } else {
        ProxyUse::Always(url)
    })
}
