//! One page of the browser, from opening it to closing it.

use super::capture::{Capture, Seen};
use super::chromium::Running;
use super::{BrowserOptions, tiles};
use crate::fetch::client::Statuses;
use crate::fetch::wire::Page;
use chromiumoxide::cdp::browser_protocol::fetch::{EnableParams as Intercept, RequestPattern};
use chromiumoxide::cdp::browser_protocol::network::{EnableParams as Watch, ResourceType, SetUserAgentOverrideParams};
use chromiumoxide::cdp::browser_protocol::page::AddScriptToEvaluateOnNewDocumentParams;
use chromiumoxide::cdp::browser_protocol::target::{CloseTargetParams, TargetId};
use engine::FetchError;
use model::Clock;
use std::sync::Arc;
use std::time::Duration;

/// Longest body of the page's own request that is looked at.
const MAX_POST: i64 = 64 << 10;
/// A page that does not close within this is one that hangs.
const CLOSE: Duration = Duration::from_secs(5);
/// Prices of a page that is shown abroad are converted unless it is told not to.
const IN_YEN: &str = "try { localStorage.setItem('userPreferenceCurrencyCode', 'JPY') } catch (e) {}";

/// One page of one search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) statuses: Statuses,
    pub(super) keyword: &'a str,
    pub(super) token: Option<&'a str>,
}

impl Ask<'_> {
    /// The address of the search page.
    fn url(&self, web_url: &str) -> Result<String, FetchError> {
        let base = format!("{}/search", web_url.trim_end_matches('/'));
        let mut url = reqwest::Url::parse(&base).map_err(|e| FetchError::Rejected(format!("market.web_url: {e}")))?;
        let status = match self.statuses {
            Statuses::OnSale => "on_sale",
            Statuses::Sold => "sold_out|trading",
        };
        url.query_pairs_mut()
            .append_pair("keyword", self.keyword)
            .append_pair("sort", "created_time")
            .append_pair("order", "desc")
            .append_pair("status", status);
        if let Some(token) = self.token {
            url.query_pairs_mut().append_pair("page_token", token);
        }
        Ok(url.into())
    }
}

/// Whose failure it was.
pub(super) enum TabError {
    /// Mercari's, or of what it showed.
    Theirs(FetchError),
    /// The browser's.
    Ours(String),
}

impl From<FetchError> for TabError {
    fn from(error: FetchError) -> Self {
        Self::Theirs(error)
    }
}

pub(super) fn ours(error: impl std::fmt::Display) -> TabError {
    TabError::Ours(error.to_string())
}

/// Closes the page, however its reading ends.
struct Tab {
    running: Arc<Running>,
    target: TargetId,
    hung: bool,
}

impl Drop for Tab {
    fn drop(&mut self) {
        // A renderer that hangs would go on for ever in a browser that lives on.
        if self.hung {
            self.running.retire();
        }
        let (running, target) = (Arc::clone(&self.running), self.target.clone());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let closing = running.browser.execute(CloseTargetParams::new(target));
            if !matches!(tokio::time::timeout(CLOSE, closing).await, Ok(Ok(_))) {
                running.retire();
            }
        });
    }
}

/// Opens the page, reads it and closes it. A page that is not read by the deadline is ended, with its browser once
/// no other page is open in it.
pub(super) async fn read(
    running: &Arc<Running>,
    ask: &Ask<'_>,
    options: &BrowserOptions,
    clock: &dyn Clock,
) -> Result<Page, TabError> {
    let url = ask.url(&options.web_url)?;
    let opening = tokio::time::timeout(options.page_timeout, running.browser.new_page("about:blank"));
    let page = opening.await.map_err(|_| ours("no page could be opened"))?.map_err(ours)?;
    // A task that is cut off in here leaves a page that may hang.
    let mut tab = Tab { running: Arc::clone(running), target: page.target_id().clone(), hung: true };
    let reading = async {
        let capture = Capture::listen(&page).await.map_err(ours)?;
        prepare(&page, &running.user_agent).await?;
        match capture.run(&page, &url, ask, options.challenge_patience, clock).await? {
            Seen::Answer(found) => Ok(found),
            Seen::Tiles => {
                tracing::debug!(url, "the page's own search was not to be had: its tiles are read");
                tiles::read(&page, ask).await
            }
        }
    };
    let result = tokio::select! {
        done = tokio::time::timeout(options.page_timeout, reading) => done,
        () = running.gone.cancelled() => Ok(Err(ours("it ended"))),
    };
    match result {
        Ok(result) => {
            tab.hung = false;
            result
        }
        Err(_) => {
            let seconds = options.page_timeout.as_secs_f64();
            Err(FetchError::Transient(format!("the search page was not there within {seconds} s and was ended")).into())
        }
    }
}

/// Before the page sends anything: who it is, and what it need not load.
async fn prepare(page: &chromiumoxide::Page, user_agent: &str) -> Result<(), TabError> {
    let agent = SetUserAgentOverrideParams::builder().user_agent(user_agent).accept_language("ja-JP,ja").build();
    page.execute(agent.map_err(ours)?).await.map_err(ours)?;
    page.execute(Watch::builder().max_post_data_size(MAX_POST).build()).await.map_err(ours)?;
    let unwanted = [ResourceType::Image, ResourceType::Font, ResourceType::Media];
    let patterns = unwanted.map(|kind| RequestPattern::builder().url_pattern("*").resource_type(kind).build());
    page.execute(Intercept::builder().patterns(patterns).build()).await.map_err(ours)?;
    page.execute(AddScriptToEvaluateOnNewDocumentParams::new(IN_YEN)).await.map_err(ours)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_web_page() {
        let ask = Ask { statuses: Statuses::Sold, keyword: "SPY×FAMILY & Re:", token: Some("v1:2") };
        assert_eq!(
            ask.url("https://jp.mercari.com/").unwrap_or_default(),
            "https://jp.mercari.com/search?keyword=SPY%C3%97FAMILY+%26+Re%3A&sort=created_time&order=desc\
             &status=sold_out%7Ctrading&page_token=v1%3A2"
        );
    }
}
