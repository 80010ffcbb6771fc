//! The client of Mercari Japan's search, speaking as its web page does.

use super::dpop::Signer;
use super::stream::SearchPages;
use super::wire::{Page, parse_page};
use async_trait::async_trait;
use engine::FetchError;
use engine::http::{self, ClientSettings};
use engine::proxy::{AutoSwitch, ProxyUrl, Route, SwitchPolicy};
use engine::upstream::{Upstream, backoff};
use model::{SharedClock, Timestamp};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use trace::tracing::{Instrument as _, field::Empty};
use uuid::Uuid;

/// Longest search answer; real ones are about 150 kB.
const MAX_BODY: usize = 4 << 20;
/// Rows asked for; Mercari serves up to 120.
const PAGE_SIZE: u32 = 120;
/// Further tries of a page after a transient failure.
const RETRIES: u32 = 2;

/// Draws 128 random bits; production passes `Uuid::new_v4().as_u128()`.
pub type Entropy = Arc<dyn Fn() -> u128 + Send + Sync>;

/// Told of every request, for metrics.
pub trait Observer: Send + Sync {
    /// A request ended: `outcome` is `ok` or [`FetchError::class`].
    fn request(&self, _outcome: &'static str, _elapsed: Duration) {}

    /// A request waited so long for its turn, or was turned away after it.
    fn waited(&self, _elapsed: Duration) {}

    /// From now on the browser asks, or plain requests do.
    fn browser_mode(&self, _on: bool) {}

    /// So many pages are open in the browser now.
    fn browser_pages(&self, _open: usize) {}
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}

/// Which listings to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statuses {
    /// To be had.
    OnSale,
    /// Bought: TRADING and SOLD_OUT, because a fresh sale is TRADING for days.
    Sold,
}

impl Statuses {
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::OnSale => &["STATUS_ON_SALE"],
            Self::Sold => &["STATUS_TRADING", "STATUS_SOLD_OUT"],
        }
    }
}

/// One page of one search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// What to search for; never empty.
    pub keyword: String,
    /// Which listings.
    pub statuses: Statuses,
    /// The previous page's token; `None` for the first page.
    pub page_token: Option<String>,
}

/// The way out.
#[derive(Clone, Debug, Default)]
pub enum ProxyUse {
    /// Direct.
    #[default]
    Never,
    /// Through the proxy.
    Always(ProxyUrl),
    /// Direct, and through the proxy for a while after failures in a row.
    AutoSwitch(ProxyUrl, SwitchPolicy),
}

/// How to reach Mercari.
#[derive(Clone, Debug)]
pub struct MercariSettings {
    /// Scheme and host, without a slash at the end.
    pub base_url: String,
    /// Time-outs and name; its `proxy` is not used, see `proxy` here.
    pub http: ClientSettings,
    /// The way out.
    pub proxy: ProxyUse,
    /// Pause before the first further try of a page; doubles, at most 30 s.
    pub retry_base: Duration,
}

impl Default for MercariSettings {
    fn default() -> Self {
        Self {
            base_url: "https://api.mercari.jp".into(),
            http: ClientSettings::default(),
            proxy: ProxyUse::Never,
            retry_base: Duration::from_secs(2),
        }
    }
}

/// Searches Mercari Japan: one key, one device and one session for a quarter of an hour, then new ones.
pub struct MercariClient {
    url: String,
    home: String,
    retry_base: Duration,
    direct: Client,
    proxied: Option<Client>,
    switch: Option<Mutex<AutoSwitch>>,
    session: Mutex<Option<Arc<Session>>>,
    upstream: Arc<Upstream>,
    clock: SharedClock,
    entropy: Entropy,
    observer: Arc<dyn Observer>,
    has_stand_in: bool,
}

/// Whom Mercari thinks it talks to.
struct Session {
    signer: Signer,
    device: Uuid,
    search: String,
}

/// A request that brought no page.
struct Failed {
    status: Option<StatusCode>,
    error: FetchError,
}

impl From<FetchError> for Failed {
    fn from(error: FetchError) -> Self {
        Self { status: None, error }
    }
}

impl MercariClient {
    /// Sets the client up without asking anything. `Rejected` when the proxy or the machine's TLS is unusable.
    pub fn new(
        settings: MercariSettings,
        upstream: Arc<Upstream>,
        clock: SharedClock,
        entropy: Entropy,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, FetchError> {
        let build =
            |proxy: Option<&ProxyUrl>| http::client(&ClientSettings { proxy: proxy.cloned(), ..settings.http.clone() });
        let (direct, proxied, switch) = match &settings.proxy {
            ProxyUse::Never => (build(None)?, None, None),
            ProxyUse::Always(url) => (build(Some(url))?, None, None),
            ProxyUse::AutoSwitch(url, policy) => {
                (build(None)?, Some(build(Some(url))?), Some(Mutex::new(AutoSwitch::new(*policy))))
            }
        };
        let base = settings.base_url.trim_end_matches('/');
        Ok(Self {
            url: format!("{base}/v2/entities:search"),
            home: format!("{base}/"),
            retry_base: settings.retry_base,
            direct,
            proxied,
            switch,
            session: Mutex::new(None),
            upstream,
            clock,
            entropy,
            observer,
            has_stand_in: false,
        })
    }

    /// The same, for one whose requests a browser makes when they are blocked. Then a block is a word about plain
    /// requests and not about Mercari: it slows all down, but does not shut the door that the browser goes through.
    #[must_use]
    pub fn with_stand_in(self) -> Self {
        Self { has_stand_in: true, ..self }
    }

    /// Fetches one page. Tries again up to twice after a transient failure, and once with a new key after a 401;
    /// every other error is returned as it comes.
    pub async fn search(&self, request: &SearchRequest) -> Result<Page, FetchError> {
        if request.keyword.trim().is_empty() {
            return Err(FetchError::Rejected("no keyword: that would search all of Mercari".into()));
        }
        let (mut retries, mut signed_anew, mut earlier) = (0, false, None);
        loop {
            let session = self.session(self.clock.now())?;
            let failed = match self.exchange(request, &session).await {
                Ok(page) => return Ok(page),
                Err(failed) => failed,
            };
            match (failed.error, earlier.take()) {
                // The breaker opened after our own tries: they were made, so the answer is what they brought.
                (FetchError::Postponed(_), Some(error)) => return Err(error),
                (error, _) if failed.status == Some(StatusCode::UNAUTHORIZED) && !signed_anew => {
                    signed_anew = true;
                    self.leave(&session);
                    earlier = Some(error);
                }
                (error @ FetchError::Transient(_), _) if retries < RETRIES => {
                    let wait = backoff(retries, self.retry_base, Duration::from_secs(30), self.jitter());
                    tokio::time::sleep(self.clock.real(wait)).await;
                    retries += 1;
                    earlier = Some(error);
                }
                (error, _) => return Err(error),
            }
        }
    }

    /// The way requests go at this instant.
    pub fn route(&self) -> Route {
        let now = self.clock.now();
        self.switch.as_ref().map_or(Route::Direct, |switch| lock(switch).route(now))
    }

    /// One request, admitted and accounted for.
    async fn exchange(&self, request: &SearchRequest, session: &Session) -> Result<Page, Failed> {
        // Real time, for the metrics only.
        let asked = Instant::now();
        let admitted = self.upstream.admit().instrument(trace::span!("admit", upstream = self.upstream.name())).await;
        self.observer.waited(asked.elapsed());
        admitted?;
        let route = self.route();
        let started = Instant::now();
        let span = trace::span!("request", otel.kind = "client", upstream = self.upstream.name(), outcome = Empty);
        let result = self.send(request, session, route).instrument(span.clone()).await;
        let outcome = result.as_ref().err().map_or("ok", |failed| failed.error.class());
        span.record("outcome", outcome);
        self.observer.request(outcome, started.elapsed());
        match &result {
            Ok(_) => {
                self.upstream.succeeded();
                self.switch.iter().for_each(|switch| lock(switch).succeeded());
            }
            Err(failed) => {
                match &failed.error {
                    FetchError::Blocked(_) if self.has_stand_in => self.upstream.turned_away(),
                    error => self.upstream.failed(error),
                }
                self.consider_proxy(&failed.error, route).await;
            }
        }
        result
    }

    async fn send(&self, request: &SearchRequest, session: &Session, route: Route) -> Result<Page, Failed> {
        let jti = self.uuid();
        let proof = session.signer.proof("POST", &self.url, self.clock.now(), jti, session.device)?;
        let response = self
            .client(route)
            .post(&self.url)
            .header("DPoP", proof)
            .header("X-Platform", "web")
            .header("Accept", "application/json")
            .header("Accept-Language", "ja")
            .json(&body(request, session))
            .send()
            .await
            .map_err(http::sent)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = http::body_capped(response, MAX_BODY).await?;
        if status == StatusCode::OK && !http::is_challenge(&headers, &body) {
            return Ok(parse_page(&body)?);
        }
        let error = explain(http::classify(status, &headers, &body, self.clock.now()), &body);
        Err(Failed { status: Some(status), error })
    }

    fn client(&self, route: Route) -> &Client {
        match (route, &self.proxied) {
            (Route::Proxied, Some(client)) => client,
            _ => &self.direct,
        }
    }

    /// After enough failures of the upstream, takes the proxy if Mercari answers through it.
    async fn consider_proxy(&self, error: &FetchError, route: Route) {
        let (Some(switch), Some(proxied)) = (&self.switch, &self.proxied) else { return };
        let theirs = matches!(error, FetchError::Transient(_) | FetchError::Limited { .. } | FetchError::Blocked(_));
        if !theirs || !lock(switch).failed(route, self.clock.now()) {
            return;
        }
        let healthy = self.healthy(proxied).await;
        if lock(switch).checked(healthy, self.clock.now()) {
            // What the upstream thought of our own address does not hold for the proxy's.
            self.upstream.forget();
            tracing::warn!(upstream = self.upstream.name(), "asking through the proxy from now on");
        } else {
            tracing::warn!(upstream = self.upstream.name(), "the proxy failed its health check and is not used");
        }
    }

    /// Whether anything but a block, a proxy's refusal or a server error comes back from the start page.
    async fn healthy(&self, client: &Client) -> bool {
        let Ok(response) = client.get(&self.home).send().await else { return false };
        let (status, headers) = (response.status(), response.headers().clone());
        let Ok(body) = http::body_capped(response, MAX_BODY).await else { return false };
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED || status.is_server_error() {
            return false;
        }
        !matches!(
            http::classify(status, &headers, &body, self.clock.now()),
            FetchError::Blocked(_) | FetchError::Limited { .. }
        )
    }

    fn session(&self, now: Timestamp) -> Result<Arc<Session>, FetchError> {
        let mut slot = lock(&self.session);
        if let Some(session) = slot.as_ref().filter(|s| !s.signer.expired(now)) {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(Session {
            signer: Signer::new(now)?,
            device: self.uuid(),
            search: self.uuid().simple().to_string(),
        });
        *slot = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Gives up a session that was refused, unless the other stream has already done so.
    fn leave(&self, refused: &Arc<Session>) {
        let mut slot = lock(&self.session);
        if slot.as_ref().is_some_and(|s| Arc::ptr_eq(s, refused)) {
            *slot = None;
        }
    }

    fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes((self.entropy)().to_be_bytes()).into_uuid()
    }

    fn jitter(&self) -> f64 {
        ((self.entropy)() >> 75) as f64 / (1u64 << 53) as f64
    }
}

#[async_trait]
impl SearchPages for MercariClient {
    async fn page(&self, statuses: Statuses, keyword: &str, token: Option<&str>) -> Result<Page, FetchError> {
        let page_token = token.map(str::to_owned);
        self.search(&SearchRequest { keyword: keyword.to_owned(), statuses, page_token }).await
    }
}

/// The body the web page sends (as captured in September 2026).
fn body(request: &SearchRequest, session: &Session) -> serde_json::Value {
    serde_json::json!({
        "userId": "",
        "config": {"responseToggles": ["QUERY_SUGGESTION_WEB_1"]},
        "pageSize": PAGE_SIZE,
        "pageToken": request.page_token.as_deref().unwrap_or(""),
        "searchSessionId": session.search,
        "source": "BaseSerp",
        "indexRouting": "INDEX_ROUTING_UNSPECIFIED",
        "thumbnailTypes": [],
        "searchCondition": {
            "keyword": request.keyword, "excludeKeyword": "",
            "sort": "SORT_CREATED_TIME", "order": "ORDER_DESC", "status": request.statuses.names(),
            "sizeId": [], "categoryId": [], "brandId": [], "sellerId": [], "priceMin": 0, "priceMax": 0,
            "itemConditionId": [], "shippingPayerId": [], "shippingFromArea": [], "shippingMethod": [],
            "colorId": [], "hasCoupon": false, "attributes": [], "itemTypes": [], "skuIds": [], "shopIds": [],
            "excludeShippingMethodIds": [],
        },
        "serviceFrom": "suruga",
        "withItemBrand": true, "withItemSize": false, "withItemPromotions": true, "withItemSizes": true,
        "withShopname": false, "useDynamicAttribute": true, "withSuggestedItems": true,
        "withOfferPricePromotion": true, "withProductSuggest": true, "withParentProducts": false,
        "withProductArticles": true, "withSearchConditionId": false,
        // Without it an auction looks like a listing with a fixed price.
        "withAuction": true,
        "laplaceDeviceUuid": session.device.to_string(),
    })
}

/// Adds what Mercari said: its answers hold no secret of ours.
fn explain(error: FetchError, body: &[u8]) -> FetchError {
    let more = |message: String| format!("{message}: {}", http::snippet(body));
    match error {
        FetchError::Rejected(message) => FetchError::Rejected(more(message)),
        FetchError::Transient(message) => FetchError::Transient(more(message)),
        other => other,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
