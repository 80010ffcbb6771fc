//! Section `market`.

use super::{AlertsSettings, BreakerSettings, BrowserSettings, ProxySettings, RateSettings, ScheduleSettings};
use crate::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The market watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MarketSettings {
    /// Whether the market is watched.
    pub enabled: bool,
    /// Base URL of the search API.
    #[schemars(extend("format" = "uri", "x-schemes" = ["http", "https"]), length(min = 1))]
    pub base_url: String,
    /// Base URL of the web pages, for links and for the browser.
    #[schemars(extend("format" = "uri", "x-schemes" = ["http", "https"]), length(min = 1))]
    pub web_url: String,
    /// Most pages (of 120 rows) read of the listings on sale, per crawl.
    #[schemars(range(min = 1, max = 100))]
    pub pages_on_sale: u32,
    /// Most pages (of 120 rows) read of the sold listings, per crawl.
    #[schemars(range(min = 1, max = 100))]
    pub pages_sold: u32,
    /// The hour a listing or a sale belongs to.
    pub attribution: Attribution,
    /// Whether listings of Mercari Shops count as inflow.
    pub include_shops: bool,
    /// How late a listing may show up in the search.
    #[schemars(extend("x-min" = "0s", "x-max" = "1d"))]
    pub index_lag: Span,
    /// An item last seen on sale is forgotten by the state machine after this long.
    #[schemars(extend("x-min" = "1m", "x-max" = "365d"))]
    pub item_ttl_available: Span,
    /// An item last seen sold is forgotten by the state machine after this long.
    #[schemars(extend("x-min" = "1m", "x-max" = "365d"))]
    pub item_ttl_sold: Span,
    /// When an IP is crawled.
    pub schedule: ScheduleSettings,
    /// How fast the market is asked, over all workers.
    pub rate: RateSettings,
    /// When the market is left alone for a while.
    pub breaker: BreakerSettings,
    /// The proxy to the market.
    pub proxy: ProxySettings,
    /// The headless browser that is used when plain requests are refused.
    pub browser: BrowserSettings,
    /// When people are told.
    pub alerts: AlertsSettings,
    /// How long rows are kept.
    pub retention: RetentionSettings,
    /// IPs kept by configuration; others are kept by API and UI.
    pub ips: Vec<IpSettings>,
}

impl Default for MarketSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            base_url: "https://api.mercari.jp".into(),
            web_url: "https://jp.mercari.com".into(),
            pages_on_sale: 5,
            pages_sold: 5,
            attribution: Attribution::default(),
            include_shops: false,
            index_lag: Span::seconds(120),
            item_ttl_available: Span::hours(24),
            item_ttl_sold: Span::hours(48),
            schedule: ScheduleSettings::default(),
            rate: RateSettings::default(),
            breaker: BreakerSettings::default(),
            proxy: ProxySettings::default(),
            browser: BrowserSettings::default(),
            alerts: AlertsSettings::default(),
            retention: RetentionSettings::default(),
            ips: Vec::new(),
        }
    }
}

/// The hour a listing or a sale belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Attribution {
    /// The hour in which it happened.
    #[default]
    Event,
    /// The hour of the crawl that saw it.
    Crawl,
}

/// How long rows are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSettings {
    /// Hourly statistics; roll-ups are kept for good.
    #[schemars(extend("x-min" = "8d", "x-max" = "3650d"))]
    pub hourly: Span,
    /// Items that were not seen again.
    #[schemars(extend("x-min" = "3d", "x-max" = "3650d"))]
    pub items: Span,
    /// Single sales.
    #[schemars(extend("x-min" = "32d", "x-max" = "3650d"))]
    pub sales: Span,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self { hourly: Span::days(30), items: Span::days(90), sales: Span::days(90) }
    }
}

/// One IP kept by configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IpSettings {
    /// Japanese name, which is the search keyword; unique.
    #[schemars(length(min = 1))]
    pub name: String,
    /// English name.
    #[serde(default)]
    pub name_en: String,
    /// Chinese name.
    #[serde(default)]
    pub name_cn: String,
    /// Category, such as anime or game.
    #[serde(default)]
    pub category: String,
    /// Free labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Picture.
    #[serde(default)]
    #[schemars(extend("format" = "uri", "x-schemes" = ["http", "https"]))]
    pub image_url: String,
    /// Identifier in another system.
    #[serde(default)]
    pub external_id: String,
    /// Free text.
    #[serde(default)]
    pub notes: String,
    /// Heavier IPs are crawled more often: interval = base_interval / weight.
    #[serde(default = "weight_of_one")]
    #[schemars(range(min = 0.1, max = 10.0))]
    pub weight: f64,
}

fn weight_of_one() -> f64 {
    1.0
}
