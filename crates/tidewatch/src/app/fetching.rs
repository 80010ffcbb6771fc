//! The way to Mercari.

use super::browsing::{self, Browsing};
use super::metrics::FetchMetrics;
use super::options;
use anyhow::{Context, anyhow};
use api::SharedRegistry;
use engine::SharedPace;
use engine::proxy::{ProxyUrl, SwitchPolicy};
use engine::upstream::Upstream;
use market::fetch::{EitherWay, Entropy, MercariClient, MercariSettings, Observer, ProxyUse, SearchPages, TakeOver};
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
    /// Where the watch gets its pages: the client, with the browser beside it where there is one.
    pub pages: Arc<dyn SearchPages>,
    /// The browser, or why there is none.
    pub browsing: Browsing,
    /// Every request goes through the proxy.
    pub always_proxied: bool,
}

impl Upstreams {
    /// Sets the clients up without asking anything, and registers their metrics. The pace and the breaker go on where
    /// those of `before` stand.
    pub fn open(
        market: &MarketSettings,
        clock: SharedClock,
        registry: &SharedRegistry,
        admission: Histogram,
        (pace, before): (Option<Arc<dyn SharedPace>>, Option<&Upstream>),
    ) -> anyhow::Result<Self> {
        let metrics = {
            let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::new(FetchMetrics::new(&mut registry, admission))
        };
        let upstreams = mercari(market, clock, Arc::clone(&metrics) as Arc<dyn Observer>, pace)?;
        if let Some(before) = before {
            upstreams.mercari.go_on_from(before);
        }
        metrics.follow(&upstreams);
        Ok(upstreams)
    }
}

/// Mercari with its pace, which may be that of all processes, its breaker and its way out.
pub fn mercari(
    market: &MarketSettings,
    clock: SharedClock,
    observer: Arc<dyn Observer>,
    pace: Option<Arc<dyn SharedPace>>,
) -> anyhow::Result<Upstreams> {
    let entropy: Entropy = Arc::new(|| Uuid::new_v4().as_u128());
    let policy = options::upstream(market);
    let (seed, _) = Uuid::new_v4().as_u64_pair();
    let upstream = Arc::new(Upstream::new("mercari", policy, Arc::clone(&clock), seed).sharing(pace));
    let proxy = proxy(&market.proxy)?;
    let always_proxied = matches!(proxy, ProxyUse::Always(_));
    let settings = MercariSettings { base_url: market.base_url.clone(), proxy, ..MercariSettings::default() };
    let pause = settings.retry_base;
    let client = MercariClient::new(settings, Arc::clone(&upstream), clock.clone(), entropy, Arc::clone(&observer));
    let client = client.context("the client of market.base_url")?;
    let browsing = browsing::open(market, &upstream, &clock, &observer);
    let Browsing::Ready(browser) = &browsing else {
        let client = Arc::new(client);
        let pages = Arc::clone(&client) as Arc<dyn SearchPages>;
        return Ok(Upstreams { mercari: upstream, client, pages, browsing, always_proxied });
    };
    let client = Arc::new(client.with_stand_in());
    let take_over =
        TakeOver { after: market.browser.after_failures, probe_after: market.browser.retry_http_after.into() };
    let pages = EitherWay::new(Arc::clone(&client), Arc::clone(browser), take_over, pause, clock, observer);
    Ok(Upstreams { mercari: upstream, client, pages: Arc::new(pages), browsing, always_proxied })
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
