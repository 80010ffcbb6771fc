//! From the outbox to people: the channels, and who sends to them.

use anyhow::Context;
use api::SharedRegistry;
use engine::Engine;
use model::{SharedClock, Timestamp};
use notify::{DeliverOptions, Deliverer, Observer, Outcome, Sealer, Sender, SenderOptions};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use settings::{ChannelSettings, NotifySettings};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use store::Store;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Who sends: sets everything up without sending anything.
pub fn deliverer(
    notify: &NotifySettings,
    store: Store,
    sealer: Arc<dyn Sealer>,
    clock: SharedClock,
    registry: &SharedRegistry,
) -> anyhow::Result<Arc<Deliverer>> {
    let tls = Some(engine::http::tls().context("TLS of the channels")?);
    let total = notify.timeout.into();
    let sender = Sender::new(SenderOptions { tls, total, ..SenderOptions::default() }, Arc::clone(&clock));
    let sender = sender.context("the client of the channels")?;
    let options = DeliverOptions {
        lease: notify.lease.into(),
        gather: notify.digest_window.into(),
        max_attempts: notify.max_attempts,
        allow_private: notify.allow_private,
        ..DeliverOptions::default()
    };
    let url = |key: &str, text: &str| {
        let given = (!text.is_empty()).then(|| Url::parse(text)).transpose();
        given.with_context(|| format!("notify.{key}: {text:?} is not a URL"))
    };
    let deliverer = Deliverer::new(store, sender, sealer, clock, options)
        .observed(Arc::new(DeliveryMetrics::new(registry)))
        .linked(url("public_url", &notify.public_url)?)
        .through(url("apprise", &notify.apprise)?);
    Ok(Arc::new(deliverer))
}

/// Makes the channels of the configuration be there.
pub async fn keep(
    deliverer: &Deliverer,
    store: &Store,
    (channels, notify): (&[ChannelSettings], &NotifySettings),
    now: Timestamp,
) -> anyhow::Result<()> {
    let drafts = notify::drafts(channels, notify).context("channels")?;
    let mut tx = store.begin().await?;
    let kept = notify::keep(&mut tx, &drafts, &deliverer.rules(), now).await.context("channels")?;
    tx.commit().await?;
    if kept.added + kept.changed + kept.removed > 0 {
        tracing::info!(
            added = kept.added,
            changed = kept.changed,
            removed = kept.removed,
            "channels of the configuration"
        );
    }
    Ok(())
}

/// Wakes the deliverer as soon as an alert is committed.
pub async fn follow(deliverer: Arc<Deliverer>, engine: Arc<Engine>, stop: CancellationToken) {
    let mut events = engine.subscribe();
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(event) if event.name != "alert" => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            _ => deliverer.wake(),
        }
    }
}

/// How long what was delivered stays in the delivery log, and how much is swept at once.
const KEPT: Duration = Duration::from_secs(90 * 86_400);
const SWEPT: u32 = 500;

/// Takes old deliveries out of the log, every so often.
pub async fn sweep(engine: Arc<Engine>, stop: CancellationToken) {
    loop {
        let swept = async {
            let mut tx = engine.store.begin().await?;
            notify::sweep(&mut tx, engine.clock.now() - KEPT, SWEPT).await?;
            tx.commit().await
        };
        if let Err(e) = swept.await {
            tracing::warn!(error = %e, "old deliveries not swept; tried again");
        }
        let pause = engine.clock.real(engine.options.housekeeping).max(Duration::from_secs(5));
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    webhook_type: &'static str,
    status: &'static str,
}

struct DeliveryMetrics {
    seconds: Family<Sent, Histogram, fn() -> Histogram>,
    sent: Family<Sent, Counter>,
}

impl DeliveryMetrics {
    fn new(registry: &SharedRegistry) -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(0.01, 2.0, 12));
        let m = Self { seconds: Family::new_with_constructor(buckets), sent: Family::default() };
        let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
        let help = "Duration of a message to a channel";
        registry.register("balance_alert_webhook_delivery_time_seconds", help, m.seconds.clone());
        registry.register("tidewatch_deliveries", "Messages to channels, by what came of them", m.sent.clone());
        m
    }
}

impl Observer for DeliveryMetrics {
    fn tried(&self, kind: &'static str, outcome: Outcome, took: Duration) {
        let labels = Sent { webhook_type: kind, status: outcome.as_str() };
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
        self.sent.get_or_create(&labels).inc();
    }
}
