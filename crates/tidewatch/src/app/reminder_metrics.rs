//! What renewals and mailboxes stand at, under the names the old dashboards know.

use api::SharedRegistry;
use engine::Engine;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use reminders::store::Summary;
use rust_decimal::prelude::ToPrimitive;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use store::StoreError;

type Level = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Subscription {
    name: String,
    cycle_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Mailbox {
    mailbox: String,
}

/// Gauges of what the database says.
#[derive(Default)]
pub struct ReminderMetrics {
    days: Family<Subscription, Gauge>,
    amount: Family<Subscription, Level>,
    status: Family<Subscription, Gauge>,
    scans: Gauge,
    alerts: Family<Mailbox, Gauge>,
    took: Family<Mailbox, Level>,
}

impl ReminderMetrics {
    /// Makes and registers them.
    pub fn new(registry: &SharedRegistry) -> Self {
        let m = Self::default();
        let mut r = registry.lock().unwrap_or_else(PoisonError::into_inner);
        r.register("balance_alert_subscription_days", "Days until the renewal", m.days.clone());
        r.register("balance_alert_subscription_amount", "What one renewal costs", m.amount.clone());
        r.register("balance_alert_subscription_status", "1 fine, 0 a renewal is near", m.status.clone());
        r.register("balance_alert_email_scan_total", "Scans of mailboxes", m.scans.clone());
        r.register("balance_alert_email_alerts", "Mails about bills that were found", m.alerts.clone());
        r.register("balance_alert_email_scan_duration_seconds", "Duration of the last scan", m.took.clone());
        m
    }

    /// Brings them up to what the database says, and answers that.
    pub async fn look(&self, engine: &Engine) -> Result<Summary, StoreError> {
        let seen = reminders::store::summary(&engine.store, engine.clock.now()).await?;
        self.days.clear();
        self.amount.clear();
        self.status.clear();
        for s in &seen.subscriptions {
            let labels = Subscription { name: s.name.clone(), cycle_type: s.cycle_type };
            if let Some(days) = s.days {
                self.days.get_or_create(&labels).set(days);
            }
            if let Some(amount) = s.amount.as_ref().and_then(ToPrimitive::to_f64) {
                self.amount.get_or_create(&labels).set(amount);
            }
            self.status.get_or_create(&labels).set(i64::from(s.fine));
        }
        self.alerts.clear();
        self.took.clear();
        self.scans.set(seen.mailboxes.iter().map(|m| m.scans).sum());
        for m in &seen.mailboxes {
            let labels = Mailbox { mailbox: m.name.clone() };
            self.alerts.get_or_create(&labels).set(m.hits);
            if let Some(took) = m.took {
                self.took.get_or_create(&labels).set(took.as_secs_f64());
            }
        }
        Ok(seen)
    }
}
