//! The browser that stands in for plain requests to Mercari.

use api::{Part, Probe};
use async_trait::async_trait;
use engine::upstream::Upstream;
use market::fetch::browser::find;
use market::fetch::{Browser, BrowserOptions, Observer};
use model::SharedClock;
use settings::{BrowserSettings, MarketSettings, ProxySettings};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Whether there is a browser.
#[derive(Clone)]
pub enum Browsing {
    /// It is started when it is needed.
    Ready(Arc<Browser>),
    /// There is none, for this reason.
    Off(String),
}

/// Looks for a Chromium without starting it.
pub fn open(
    market: &MarketSettings,
    upstream: &Arc<Upstream>,
    clock: &SharedClock,
    observer: &Arc<dyn Observer>,
) -> Browsing {
    let (program, proxy) = match program(&market.browser).and_then(|found| Ok((found, proxy(&market.proxy)?))) {
        Ok(usable) => usable,
        Err(why) => return Browsing::Off(why),
    };
    let options = BrowserOptions {
        program,
        web_url: market.web_url.clone(),
        max_pages: market.browser.max_concurrency as usize,
        page_timeout: market.browser.page_timeout.into(),
        recycle_after: market.browser.recycle_after,
        proxy,
        ..BrowserOptions::default()
    };
    Browsing::Ready(Arc::new(Browser::new(options, Arc::clone(upstream), clock.clone(), Arc::clone(observer))))
}

/// The Chromium to use; the error says why there is none and what to do.
pub fn program(browser: &BrowserSettings) -> Result<PathBuf, String> {
    if !browser.enabled {
        return Err("market.browser.enabled is false".into());
    }
    find(&browser.chrome_bin, std::env::var_os("PATH").as_deref()).map_err(|e| e.to_string())
}

/// The proxy that everything goes through. One that is only switched to is not the browser's.
fn proxy(proxy: &ProxySettings) -> Result<Option<String>, String> {
    if proxy.url.is_empty() || proxy.auto_switch {
        return Ok(None);
    }
    let url = Url::parse(proxy.url.reveal()).map_err(|e| format!("market.proxy.url: {e}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("market.proxy.url has a user name, and the browser cannot log in to a proxy".into());
    }
    let scheme = if url.scheme() == "socks5h" { "socks5" } else { url.scheme() };
    let host = url.host_str().ok_or("market.proxy.url has no host")?;
    let port = url.port_or_known_default().unwrap_or(1080);
    Ok(Some(format!("{scheme}://{host}:{port}")))
}

/// Whether there is a browser for the time when plain requests are refused. Never a failure of the process.
pub struct BrowserProbe(pub Browsing);

#[async_trait]
impl Probe for BrowserProbe {
    fn name(&self) -> &str {
        "browser"
    }

    fn vital(&self) -> bool {
        false
    }

    async fn look(&self) -> Part {
        match &self.0 {
            Browsing::Off(why) => Part::ok(format!("off: {why}")),
            Browsing::Ready(browser) => match browser.process_group().await {
                Some(_) => Part::ok("running"),
                None => Part::ok("ready, not running"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(url: &str, auto_switch: bool) -> Result<Option<String>, String> {
        proxy(&ProxySettings { url: settings::SecretUrl::new(url), auto_switch, ..ProxySettings::default() })
    }

    #[test]
    fn the_browser_takes_the_same_proxy_or_none_at_all() {
        assert_eq!(through("http://proxy.test:3128", false), Ok(Some("http://proxy.test:3128".into())));
        assert_eq!(through("socks5h://proxy.test", false), Ok(Some("socks5://proxy.test:1080".into())));
        assert_eq!(through("http://proxy.test:3128", true), Ok(None));
        let refused = through("http://me:secret@proxy.test:3128", false).unwrap_err();
        assert!(!refused.contains("secret"), "{refused}");
    }
}
