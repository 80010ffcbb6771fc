//! Sections `market.rate`, `market.breaker`, `market.proxy` and `market.browser`: how the market is asked.

use crate::{SecretUrl, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How fast the market is asked, over all workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateSettings {
    /// Requests per second.
    #[schemars(range(min = 0.01, max = 1000.0))]
    pub per_second: f64,
    /// Requests that may go out at once after a pause.
    #[schemars(range(min = 1, max = 10_000))]
    pub burst: u32,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self { per_second: 3.0, burst: 5 }
    }
}

/// When the market is left alone for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// Failures in a row that open the breaker.
    #[schemars(range(min = 1, max = 1000))]
    pub failures: u32,
    /// How long it stays open before one probe is let through.
    #[schemars(extend("x-min" = "1s", "x-max" = "1d"))]
    pub open: Span,
    /// How long it stays open after a block (a 403 with a challenge page).
    #[schemars(extend("x-min" = "1s", "x-max" = "7d"))]
    pub blocked_cool_down: Span,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 3, open: Span::seconds(60), blocked_cool_down: Span::minutes(15) }
    }
}

/// The proxy to the market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProxySettings {
    /// http://, https:// or socks5:// URL of the proxy; empty is none.
    #[schemars(extend("x-schemes" = ["http", "https", "socks5", "socks5h"]))]
    pub url: SecretUrl,
    /// Ask directly, and through the proxy only after failures; off means always through the proxy.
    pub auto_switch: bool,
    /// How long an automatic switch to the proxy lasts.
    #[schemars(extend("x-min" = "1s", "x-max" = "7d"))]
    pub cool_down: Span,
    /// Failures in a row that switch to the proxy.
    #[schemars(range(min = 1, max = 1000))]
    pub failure_threshold: u32,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self { url: SecretUrl::default(), auto_switch: false, cool_down: Span::minutes(10), failure_threshold: 10 }
    }
}

/// The headless browser that is used when plain requests are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BrowserSettings {
    /// Whether a browser may be used; off also when no Chromium is found.
    pub enabled: bool,
    /// Most pages open at once.
    #[schemars(range(min = 1, max = 64))]
    pub max_concurrency: u32,
    /// Deadline of one page.
    #[schemars(extend("x-min" = "1s", "x-max" = "10m"))]
    pub page_timeout: Span,
    /// Refusals in a row after which the browser is used.
    #[schemars(range(min = 1, max = 1000))]
    pub after_failures: u32,
    /// After this long in the browser, plain requests are tried again.
    #[schemars(extend("x-min" = "1s", "x-max" = "1d"))]
    pub retry_http_after: Span,
    /// Pages after which the browser is replaced by a new one.
    #[schemars(range(min = 1, max = 10_000))]
    pub recycle_after: u32,
    /// The Chromium program; empty looks in the usual places, and without one the browser is off.
    pub chrome_bin: PathBuf,
}

impl Default for BrowserSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_concurrency: 2,
            page_timeout: Span::seconds(60),
            after_failures: 3,
            retry_http_after: Span::minutes(5),
            recycle_after: 50,
            chrome_bin: PathBuf::new(),
        }
    }
}
