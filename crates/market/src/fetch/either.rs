//! Pages by plain requests, and by the browser while those are refused.

use super::browser::Browser;
use super::client::{MercariClient, Observer, Statuses};
use super::mode::{ModeSwitch, TakeOver, Turn};
use super::stream::SearchPages;
use super::wire::Page;
use async_trait::async_trait;
use engine::FetchError;
use engine::upstream::backoff;
use model::SharedClock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest pause between two refused plain requests.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A client and the browser that stands in for it. A page is asked for by whoever's turn it is; the switch happens
/// between two tries of one page, so that the crawl goes on.
pub struct EitherWay {
    http: Arc<MercariClient>,
    browser: Arc<Browser>,
    switch: Mutex<ModeSwitch>,
    pause: Duration,
    clock: SharedClock,
    observer: Arc<dyn Observer>,
}

impl EitherWay {
    /// Starts with plain requests. `http` must know that it has a stand-in ([`MercariClient::with_stand_in`]);
    /// `pause` is the time before a refused request is tried again, doubled each time.
    pub fn new(
        http: Arc<MercariClient>,
        browser: Arc<Browser>,
        policy: TakeOver,
        pause: Duration,
        clock: SharedClock,
        observer: Arc<dyn Observer>,
    ) -> Self {
        observer.browser_mode(false);
        Self { http, browser, switch: Mutex::new(ModeSwitch::new(policy)), pause, clock, observer }
    }

    /// Whether the browser asks at present.
    pub fn is_browser(&self) -> bool {
        self.switch().is_browser()
    }

    fn switch(&self) -> MutexGuard<'_, ModeSwitch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answered(&self) {
        if self.switch().answered() {
            self.observer.browser_mode(false);
            tracing::info!("plain requests are answered again: the browser is closed");
            self.browser.rest().await;
        }
    }

    fn refused(&self, error: &FetchError) {
        if self.switch().refused(self.clock.now()) {
            self.observer.browser_mode(true);
            tracing::warn!(%error, "plain requests are refused: the browser asks from now on");
        }
    }
}

#[async_trait]
impl SearchPages for EitherWay {
    async fn page(&self, statuses: Statuses, keyword: &str, token: Option<&str>) -> Result<Page, FetchError> {
        let mut tries = 0;
        loop {
            let turn = self.switch().turn(self.clock.now());
            if turn == Turn::Browser {
                return self.browser.page(statuses, keyword, token).await;
            }
            let error = match self.http.page(statuses, keyword, token).await {
                Ok(page) => {
                    self.answered().await;
                    return Ok(page);
                }
                Err(error) => error,
            };
            let is_refusal = matches!(error, FetchError::Blocked(_) | FetchError::Rejected(_));
            if is_refusal && !keyword.trim().is_empty() {
                self.refused(&error);
            } else if turn != Turn::Probe || matches!(error, FetchError::Postponed(_)) {
                // Trouble of the upstream is no refusal: the browser would only add to it.
                return Err(error);
            }
            if turn == Turn::Http && !self.is_browser() {
                let wait = backoff(tries, self.pause, LONGEST_PAUSE, 0.0);
                tokio::time::sleep(self.clock.real(wait)).await;
                tries += 1;
            }
        }
    }
}
