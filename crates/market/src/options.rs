//! How the market is watched.

use model::AlertPolicy;
use std::time::Duration;

/// Which hour an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// The hour of `created` or `updated`.
    Event,
    /// The hour of the crawl.
    Crawl,
}

/// All settings of the market watch.
#[derive(Clone, Debug)]
pub struct MarketOptions {
    /// Page limit of the on-sale stream.
    pub pages_on_sale: u32,
    /// Page limit of the sold stream.
    pub pages_sold: u32,
    /// Which hour an event belongs to.
    pub attribution: Attribution,
    /// Whether Shops rows count as inflow and outflow.
    pub include_shops: bool,
    /// How long a listing may take to appear in search (50 to 60 s measured; facts/mercari.md §6).
    pub index_lag: Duration,
    /// Rows in a row that are known or old before the on-sale stream stops early.
    pub ground_run_on_sale: usize,
    /// Rows in a row that are known or old before the sold stream stops early.
    pub ground_run_sold: usize,
    /// A listing not seen on sale for this long no longer counts as on sale.
    pub item_ttl_available: Duration,
    /// A sold item not seen for this long is no longer followed for a relisting.
    pub item_ttl_sold: Duration,
    /// How far back a listing that was missed is still put into its hour.
    pub late_window: Duration,
    /// How far back the first crawl fills hours that its window covers.
    pub backfill: Duration,
    /// When an IP is crawled.
    pub schedule: ScheduleOptions,
    /// When people are told.
    pub alerts: AlertOptions,
    /// How long rows are kept.
    pub retention: RetentionOptions,
}

/// When an IP is crawled.
#[derive(Clone, Debug)]
pub struct ScheduleOptions {
    /// Interval at weight 1.
    pub base_interval: Duration,
    /// Shortest interval.
    pub min_interval: Duration,
    /// Longest interval.
    pub max_interval: Duration,
    /// Due times are aligned up to this; zero is off.
    pub slot: Duration,
    /// Step of the interval when an IP is busy or quiet.
    pub adapt_step: Duration,
    /// Step back towards the base.
    pub relax_step: Duration,
    /// Failures in a row before an IP is *failing*.
    pub max_retries: u32,
    /// First pause after a failure; doubles, up to the longest interval.
    pub retry_base: Duration,
}

/// When people are told.
#[derive(Clone, Debug)]
pub struct AlertOptions {
    /// `high_outflow`: sales in an hour.
    pub high_outflow: i64,
    /// `low_liquidity`: index below.
    pub low_liquidity: f64,
    /// `surge`: index above.
    pub surge: f64,
    /// `price_drop`: fall of the day's median against the 7-day median, 0.30 = 30 %.
    pub price_drop: f64,
    /// `price_drop`: samples needed on each side.
    pub price_drop_min_samples: usize,
    /// `stale`: intervals without a successful crawl.
    pub stale_intervals: u32,
    /// The life of an alert.
    pub policy: AlertPolicy,
}

/// How long rows are kept.
#[derive(Clone, Debug)]
pub struct RetentionOptions {
    /// Hourly numbers.
    pub hourly: Duration,
    /// Items that were not seen.
    pub items: Duration,
    /// Single sales, from which medians of longer periods are made.
    pub sales: Duration,
    /// Rows deleted in one transaction.
    pub batch: u32,
}

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}

impl Default for MarketOptions {
    fn default() -> Self {
        Self {
            pages_on_sale: 5,
            pages_sold: 5,
            attribution: Attribution::Event,
            include_shops: false,
            index_lag: minutes(2),
            ground_run_on_sale: 20,
            ground_run_sold: 40,
            item_ttl_available: days(1),
            item_ttl_sold: days(2),
            late_window: days(2),
            backfill: days(1),
            schedule: ScheduleOptions::default(),
            alerts: AlertOptions::default(),
            retention: RetentionOptions { hourly: days(30), items: days(90), sales: days(90), batch: 500 },
        }
    }
}

impl Default for ScheduleOptions {
    fn default() -> Self {
        Self {
            base_interval: minutes(120),
            min_interval: minutes(60),
            max_interval: minutes(120),
            slot: minutes(15),
            adapt_step: minutes(15),
            relax_step: minutes(5),
            max_retries: 3,
            retry_base: minutes(1),
        }
    }
}

impl Default for AlertOptions {
    fn default() -> Self {
        Self {
            high_outflow: 50,
            low_liquidity: 0.3,
            surge: 2.0,
            price_drop: 0.30,
            price_drop_min_samples: 10,
            stale_intervals: 3,
            policy: AlertPolicy::default(),
        }
    }
}
