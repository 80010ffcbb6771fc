//! What each part is told of the settings.

use accounts::AccountOptions;
use api::{Allowances, Features, Limits, TrustedProxies};
use engine::EngineOptions;
use engine::breaker::BreakerPolicy;
use engine::upstream::UpstreamPolicy;
use market::{AlertOptions, Attribution, MarketOptions, RetentionOptions, ScheduleOptions};
use model::{SharedClock, SystemClock};
use settings::{AlertsSettings, EngineSettings, MarketSettings, RateLimitSettings, RetentionSettings, Settings};
use std::sync::Arc;

/// How the engine schedules.
pub fn engine(engine: &EngineSettings) -> EngineOptions {
    EngineOptions {
        batch: engine.batch_size as usize,
        backpressure: engine.backpressure_threshold as usize,
        lease: engine.lease.into(),
        task_timeout: engine.task_timeout.into(),
        in_flight: engine.max_in_flight as usize,
        housekeeping: engine.retention_interval.into(),
        drain: engine.shutdown_grace.into(),
        ..EngineOptions::default()
    }
}

/// How the market is watched.
pub fn market(settings: &Settings) -> MarketOptions {
    let market = &settings.market;
    MarketOptions {
        pages_on_sale: market.pages_on_sale,
        pages_sold: market.pages_sold,
        attribution: match market.attribution {
            settings::Attribution::Event => Attribution::Event,
            settings::Attribution::Crawl => Attribution::Crawl,
        },
        include_shops: market.include_shops,
        index_lag: market.index_lag.into(),
        item_ttl_available: market.item_ttl_available.into(),
        item_ttl_sold: market.item_ttl_sold.into(),
        schedule: schedule(settings),
        alerts: alerts(&market.alerts),
        retention: retention(&market.retention),
        ..MarketOptions::default()
    }
}

/// How accounts and keys are watched.
pub fn accounts(settings: &Settings) -> AccountOptions {
    AccountOptions {
        interval: settings.accounts.interval.into(),
        key_interval: settings.keys.interval.into(),
        max_concurrent_checks: settings.accounts.max_concurrent_checks as usize,
        max_workers: settings.keys.max_workers as usize,
        unreachable_after: settings.accounts.unreachable_after,
        policy: settings.notify.policy(),
        ..AccountOptions::default()
    }
}

/// How much a client may ask.
pub fn limits(limit: &RateLimitSettings, trusted: &TrustedProxies) -> Option<Limits> {
    let allowances = Allowances {
        market_per_minute: limit.market_per_minute,
        private_per_hour: limit.private_per_hour,
        private_per_day: limit.private_per_day,
        session_per_minute: limit.session_per_minute,
        refresh_per_minute: limit.refresh_per_minute,
        credits_per_minute: limit.credits_per_minute,
        log_in_per_minute: limit.login_per_minute,
    };
    // Clients live in real time, also when the market runs faster.
    let clock: SharedClock = Arc::new(SystemClock);
    limit.enabled.then(|| Limits::new(allowances, trusted.clone(), &clock))
}

/// Which parts there are.
pub fn features(settings: &Settings) -> Features {
    Features {
        market: settings.market.enabled,
        accounts: settings.accounts.enabled,
        keys: settings.keys.enabled,
        reminders: true,
    }
}

/// How Mercari is to be treated.
pub fn upstream(market: &MarketSettings) -> UpstreamPolicy {
    UpstreamPolicy {
        rate: market.rate.per_second,
        burst: market.rate.burst,
        breaker: BreakerPolicy {
            threshold: market.breaker.failures,
            open_for: market.breaker.open.into(),
            blocked_for: market.breaker.blocked_cool_down.into(),
        },
        ..UpstreamPolicy::default()
    }
}

fn schedule(settings: &Settings) -> ScheduleOptions {
    let schedule = &settings.market.schedule;
    ScheduleOptions {
        base_interval: schedule.base_interval.into(),
        min_interval: schedule.min_interval.into(),
        max_interval: schedule.max_interval.into(),
        slot: schedule.schedule_slot.into(),
        adapt_step: schedule.adapt_step.into(),
        relax_step: schedule.relax_step.into(),
        max_retries: settings.engine.max_retries,
        ..ScheduleOptions::default()
    }
}

fn alerts(alerts: &AlertsSettings) -> AlertOptions {
    AlertOptions {
        high_outflow: i64::from(alerts.high_outflow),
        low_liquidity: alerts.low_liquidity,
        surge: alerts.surge,
        price_drop: alerts.price_drop,
        price_drop_min_samples: alerts.price_drop_min_samples as usize,
        stale_intervals: alerts.stale_intervals,
        policy: alerts.policy(),
    }
}

fn retention(retention: &RetentionSettings) -> RetentionOptions {
    RetentionOptions {
        hourly: retention.hourly.into(),
        items: retention.items.into(),
        sales: retention.sales.into(),
        ..MarketOptions::default().retention
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two sets of defaults are written in two crates: they must say the same.
    #[test]
    fn the_settings_defaults_are_the_options_defaults() {
        let settings = Settings::default();
        assert_eq!(format!("{:?}", market(&settings)), format!("{:?}", MarketOptions::default()));
        assert_eq!(format!("{:?}", accounts(&settings)), format!("{:?}", AccountOptions::default()));
        assert_eq!(upstream(&settings.market), UpstreamPolicy::default());
        let expected = EngineOptions { housekeeping: settings.engine.retention_interval.into(), ..Default::default() };
        assert_eq!(format!("{:?}", engine(&settings.engine)), format!("{expected:?}"));
    }
}
