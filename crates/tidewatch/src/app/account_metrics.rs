//! What the accounts and reminders stand at, under the names the old dashboards know. Keys are counted, never named: a
//! label for each would be thousands.

use super::Accounts;
use super::reminder_metrics::ReminderMetrics;
use ::accounts::keys::Selection;
use ::accounts::store::{AccountFilter, list_accounts};
use ::accounts::threshold::Measure;
use api::SharedRegistry;
use engine::Engine;
use model::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use rust_decimal::prelude::ToPrimitive;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use store::StoreError;
use tokio_util::sync::CancellationToken;

type Level = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Project {
    project: String,
    provider: String,
    r#type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Check {
    check_type: &'static str,
}

#[derive(Clone, Default)]
struct AccountMetrics {
    balance: Family<Project, Level>,
    threshold: Family<Project, Level>,
    ratio: Family<Project, Level>,
    status: Family<Project, Gauge>,
    lasts: Family<Project, Level>,
    age: Family<Project, Level>,
    active: Gauge,
    keys: Family<Status, Gauge>,
    checked: Family<Check, Level>,
    success: Family<Check, Gauge>,
}

impl AccountMetrics {
    fn register(&self, registry: &SharedRegistry) {
        let mut r = registry.lock().unwrap_or_else(PoisonError::into_inner);
        r.register("balance_alert_balance", "What is left, as last read", self.balance.clone());
        r.register("balance_alert_threshold", "Below this people are told", self.threshold.clone());
        r.register("balance_alert_ratio", "What is left against the threshold", self.ratio.clone());
        r.register("balance_alert_status", "1 fine, 0 below a threshold, -1 not read", self.status.clone());
        r.register("tidewatch_account_lasts_seconds", "Until it is used up, by the forecast", self.lasts.clone());
        r.register("tidewatch_account_reading_age_seconds", "Age of the last good reading", self.age.clone());
        r.register("balance_alert_active_projects_count", "Accounts that are watched", self.active.clone());
        r.register("tidewatch_keys", "Keys of the pool, by what their last look came to", self.keys.clone());
        let help = "When something of this kind was looked at last, in seconds since the epoch";
        r.register("balance_alert_last_check_timestamp", help, self.checked.clone());
        r.register(
            "balance_alert_check_success",
            "Whether the last looks of this kind could read everything",
            self.success.clone(),
        );
    }

    async fn look(&self, engine: &Engine) -> Result<(), StoreError> {
        let filter = AccountFilter { limit: 10_000, ..AccountFilter::default() };
        let (all, _) = list_accounts(&engine.store, &filter).await?;
        let ids: Vec<i64> = all.iter().map(|a| a.id).collect();
        let alerts = ::accounts::store::open_alerts(&engine.store, model::WatchKind::Account, &ids).await?;
        let keys = ::accounts::store::keys::count_by_status(&engine.store, &Selection::All).await?;
        let now = engine.clock.now();
        // Names come and go: what is no longer there must not stay at its last value.
        self.clear();
        let mut read = true;
        let mut last = None;
        for account in &all {
            let labels = Project {
                project: account.name.clone(),
                provider: account.provider.clone(),
                r#type: account.amount.clone(),
            };
            let good = account.status == "ok";
            read &= good || account.status == "new";
            last = last.max(account.checked_at);
            let left = account.reading.as_ref().and_then(|r| r.remaining).and_then(|r| r.to_f64());
            let limit = account.thresholds.iter().find(|t| t.measure == Measure::Remaining);
            let limit = limit.and_then(|t| t.below.to_f64());
            if let Some(left) = left {
                self.balance.get_or_create(&labels).set(left);
            }
            if let Some(limit) = limit {
                self.threshold.get_or_create(&labels).set(limit);
            }
            if let Some((left, limit)) = left.zip(limit).filter(|(_, limit)| *limit != 0.0) {
                self.ratio.get_or_create(&labels).set(left / limit);
            }
            if let Some(days) = account.forecast.and_then(|f| f.days_left) {
                self.lasts.get_or_create(&labels).set(days * 86_400.0);
            }
            if let Some(at) = account.good_at {
                self.age.get_or_create(&labels).set(now.since(at).as_secs_f64());
            }
            let below = alerts.get(&account.id).is_some_and(|open| open.iter().any(|a| a.alert_type != "unreadable"));
            let status = if good { i64::from(!below) } else { -1 };
            self.status.get_or_create(&labels).set(status);
        }
        self.active.set(i64::try_from(all.len()).unwrap_or(i64::MAX));
        for (status, count) in keys {
            self.keys.get_or_create(&Status { status }).set(count);
        }
        self.check("project", last, read);
        Ok(())
    }

    /// The last look of a kind, and whether it could read everything; nothing before the first.
    fn check(&self, check_type: &'static str, last: Option<Timestamp>, read: bool) {
        if let Some(last) = last {
            self.checked.get_or_create(&Check { check_type }).set(last.0 as f64 / 1000.0);
            self.success.get_or_create(&Check { check_type }).set(i64::from(read));
        }
    }

    async fn look_at_all(&self, engine: &Engine, reminders: &ReminderMetrics) -> Result<(), StoreError> {
        self.look(engine).await?;
        let seen = reminders.look(engine).await?;
        let renewals = seen.subscriptions.iter().filter_map(|s| s.checked_at).max();
        self.check("subscription", renewals, seen.subscriptions.iter().all(|s| s.checked_at.is_some()));
        let scanned = seen.mailboxes.iter().filter_map(|m| m.last_at).max();
        self.check("email", scanned, seen.mailboxes.iter().all(|m| m.readable != Some(false)));
        Ok(())
    }

    fn clear(&self) {
        for family in [&self.balance, &self.threshold, &self.ratio, &self.lasts, &self.age] {
            family.clear();
        }
        self.status.clear();
        self.keys.clear();
    }
}

/// Time between two looks, in real time.
const PAUSE: Duration = Duration::from_secs(10);

/// Keeps the metrics at what the database says, until `stop`.
pub async fn follow(engine: Arc<Engine>, accounts: Accounts, registry: SharedRegistry, stop: CancellationToken) {
    let metrics = AccountMetrics::default();
    metrics.register(&registry);
    let reminders = ReminderMetrics::new(&registry);
    loop {
        accounts.metrics.look(&accounts.fetcher);
        if let Err(e) = metrics.look_at_all(&engine, &reminders).await {
            tracing::warn!(error = %e, "the metrics of accounts and reminders are not brought up to date; tried again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
