//! Search pages by a headless Chromium: it opens the search page as a person would, and the answer that the page gets
//! for itself is read; where that is not to be had, the tiles it shows.
//!
//! One browser at a time, started when it is first needed and ended after a number of pages, after a page that hung,
//! and when plain requests are answered again.

mod capture;
mod chromium;
mod network;
mod tab;
mod tiles;

pub use chromium::{NoChromium, find, version};

use self::chromium::{Launch, Running};
use self::tab::{Ask, TabError};
use super::client::Statuses;
use super::observer::Observer;
use super::stream::SearchPages;
use super::wire::Page;
use async_trait::async_trait;
use engine::FetchError;
use engine::upstream::Upstream;
use model::SharedClock;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Semaphore};

/// How the browser is used.
#[derive(Clone, Debug)]
pub struct BrowserOptions {
    /// The Chromium program, see [`find`].
    pub program: PathBuf,
    /// Scheme and host of the web pages, without a slash at the end.
    pub web_url: String,
    /// Most pages open at once.
    pub max_pages: usize,
    /// Deadline of one page, of the starting browser too.
    pub page_timeout: Duration,
    /// Pages after which the browser is replaced by a new one.
    pub recycle_after: u32,
    /// How long a page that wants to see a person may take to let the browser through.
    pub challenge_patience: Duration,
    /// `scheme://host:port` of the proxy; a browser has no credentials for it.
    pub proxy: Option<String>,
    /// Further arguments of the program.
    pub arguments: Vec<String>,
}

impl Default for BrowserOptions {
    fn default() -> Self {
        Self {
            program: PathBuf::new(),
            web_url: "https://jp.mercari.com".into(),
            max_pages: 2,
            page_timeout: Duration::from_secs(60),
            recycle_after: 50,
            challenge_patience: Duration::from_secs(15),
            proxy: None,
            arguments: Vec::new(),
        }
    }
}

/// A browser that reads search pages.
pub struct Browser {
    options: BrowserOptions,
    permits: Semaphore,
    current: Mutex<Option<Arc<Running>>>,
    open: AtomicUsize,
    upstream: Arc<Upstream>,
    clock: SharedClock,
    observer: Arc<dyn Observer>,
}

/// Counts an open page.
struct Counted<'a>(&'a Browser);

impl<'a> Counted<'a> {
    fn new(browser: &'a Browser) -> Self {
        let open = browser.open.fetch_add(1, Ordering::SeqCst) + 1;
        browser.observer.browser_pages(open);
        Self(browser)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let open = self.0.open.fetch_sub(1, Ordering::SeqCst) - 1;
        self.0.observer.browser_pages(open);
    }
}

impl Browser {
    /// Sets it up; starts nothing.
    pub fn new(
        options: BrowserOptions,
        upstream: Arc<Upstream>,
        clock: SharedClock,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let permits = Semaphore::new(options.max_pages.max(1));
        Self { options, permits, current: Mutex::default(), open: AtomicUsize::new(0), upstream, clock, observer }
    }

    /// Ends the running browser, if there is one, with every process of it; the next page starts another.
    pub async fn rest(&self) {
        let running = self.current.lock().await.take();
        if let Some(running) = running {
            running.close().await;
        }
    }

    /// Process id of the group that the running browser is in.
    pub async fn process_group(&self) -> Option<u32> {
        self.current.lock().await.as_ref().map(|running| running.group())
    }

    /// The browser to open a page in, started anew where there is none that can.
    async fn running(&self) -> Result<Arc<Running>, String> {
        let mut current = self.current.lock().await;
        if let Some(running) = current.as_ref() {
            if running.take_page(self.options.recycle_after) {
                return Ok(Arc::clone(running));
            }
            // Another page may still be open in it: the last one to leave ends it.
            *current = None;
        }
        let launch = Launch {
            program: &self.options.program,
            proxy: self.options.proxy.as_deref(),
            arguments: &self.options.arguments,
            patience: self.options.page_timeout,
        };
        let running = Arc::new(chromium::launch(&launch).await?);
        running.take_page(self.options.recycle_after);
        *current = Some(Arc::clone(&running));
        Ok(running)
    }

    /// One page, with a second try when the browser itself broke down.
    async fn read(&self, ask: &Ask<'_>) -> Result<Page, TabError> {
        for last in [false, true] {
            let running = self.running().await.map_err(TabError::Ours)?;
            match tab::read(&running, ask, &self.options, &*self.clock).await {
                Err(TabError::Ours(why)) if !last => {
                    tracing::warn!(why, "the browser broke down and is started again");
                    running.retire();
                }
                other => return other,
            }
        }
        Err(TabError::Ours("the browser broke down twice".into()))
    }
}

#[async_trait]
impl SearchPages for Browser {
    async fn page(&self, statuses: Statuses, keyword: &str, token: Option<&str>) -> Result<Page, FetchError> {
        if keyword.trim().is_empty() {
            return Err(FetchError::Rejected("no keyword: that would search all of Mercari".into()));
        }
        let _permit =
            self.permits.acquire().await.map_err(|_| FetchError::Transient("the browser is closed".into()))?;
        self.upstream.admit().await?;
        let _counted = Counted::new(self);
        // Real time, for the metric only.
        let started = Instant::now();
        let result = self.read(&Ask { statuses, keyword, token }).await;
        let outcome = match &result {
            Ok(_) => "ok",
            Err(TabError::Theirs(error)) => error.class(),
            Err(TabError::Ours(_)) => "transient",
        };
        // A browser that breaks down is no answer of Mercari's.
        if !matches!(result, Err(TabError::Ours(_))) {
            self.upstream.took(started.elapsed(), result.is_ok());
        }
        self.observer.request(outcome, started.elapsed());
        match result {
            Ok(page) => {
                self.upstream.succeeded();
                Ok(page)
            }
            Err(TabError::Theirs(error)) => {
                self.upstream.failed(&error);
                Err(error)
            }
            // A browser that does not start says nothing about Mercari.
            Err(TabError::Ours(why)) => Err(FetchError::Transient(format!("browser: {why}"))),
        }
    }
}
