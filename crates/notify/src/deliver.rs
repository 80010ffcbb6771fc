//! Draining the outbox: each message becomes deliveries, what is due for a channel goes out as one, and what came of it
//! is written down at once. At least once: the only moment a message can be sent twice is a crash between a channel's
//! yes and the write that follows it.

use crate::channel::ConfigError;
use crate::destination::Destination;
use crate::error::NotifyError;
use crate::message::{Item, Message};
use crate::observer::{Nobody, Observer, Outcome};
use crate::retry::{MAX_ATTEMPTS, next_attempt};
use crate::rules::Rules;
use crate::seal::Sealer;
use crate::secrets;
use crate::send::{Sender, Trial};
use crate::store::{self, ChannelDraft, ChannelRow, Claimed, Due, Settlement, Wait};
use crate::wire::Verdict;
use ::store::{Store, StoreError};
use model::{Severity, SharedClock, Timestamp};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trace::tracing::{Span, field::Empty};
use url::Url;
use uuid::Uuid;

/// Longest time a channel is left alone because it asked for it: what asks for more does not mean it.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// How long, in real time, what came of a message is tried to be written down: the lease as it is by default, after which
/// another process sends again.
const UNWRITTEN: Duration = Duration::from_secs(120);

/// How the outbox is drained.
#[derive(Clone, Copy, Debug)]
pub struct DeliverOptions {
    /// How long a channel is one process's, by the product's clock; much longer than a send may take.
    pub lease: Duration,
    /// Longest time between two looks at the outbox, by the product's clock.
    pub poll: Duration,
    /// Channels written to at the same time.
    pub channels: usize,
    /// Alerts in one digest at most.
    pub digest: u32,
    /// Messages taken out of the outbox in one transaction.
    pub batch: u32,
    /// How long alerts are gathered for a channel that does not say so itself.
    pub gather: Duration,
    /// Tries before a delivery is dead.
    pub max_attempts: u32,
    /// Whether channels may ask for addresses of the own network.
    pub allow_private: bool,
}

impl Default for DeliverOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(120),
            poll: Duration::from_secs(2),
            channels: 8,
            digest: 50,
            batch: 200,
            gather: Duration::from_secs(30),
            max_attempts: MAX_ATTEMPTS,
            allow_private: false,
        }
    }
}

/// Drains the outbox.
pub struct Deliverer {
    pub(crate) store: Store,
    pub(crate) sender: Sender,
    pub(crate) sealer: Arc<dyn Sealer>,
    pub(crate) clock: SharedClock,
    pub(crate) options: DeliverOptions,
    pub(crate) hint: tokio::sync::Notify,
    observer: Arc<dyn Observer>,
    public_url: Option<Url>,
    apprise: Option<Url>,
}

impl Deliverer {
    /// A deliverer over a database that has the engine's and this crate's tables.
    pub fn new(
        store: Store,
        sender: Sender,
        sealer: Arc<dyn Sealer>,
        clock: SharedClock,
        options: DeliverOptions,
    ) -> Self {
        let (hint, observer) = (tokio::sync::Notify::new(), Arc::new(Nobody));
        Self { store, sender, sealer, clock, options, hint, observer, public_url: None, apprise: None }
    }

    /// Tells `observer` of every try.
    #[must_use]
    pub fn observed(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Puts links into messages: `{url}/alerts/{id}`.
    #[must_use]
    pub fn linked(mut self, url: Option<Url>) -> Self {
        self.public_url = url;
        self
    }

    /// Sends what is stated as a URL of a service without a channel here through this Apprise gateway.
    #[must_use]
    pub fn through(mut self, gateway: Option<Url>) -> Self {
        self.apprise = gateway;
        self
    }

    /// What channels are held against, here and wherever they are changed.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            sealer: self.sealer.as_ref(),
            allow_private: self.options.allow_private,
            apprise: self.apprise.as_ref(),
        }
    }

    /// Tries a channel that is kept: the very path of a real send.
    pub async fn test(&self, row: &ChannelRow) -> Result<Trial, NotifyError> {
        let to = row.open(&self.rules())?;
        Ok(self.sender.test(&to, row.draft.language).await)
    }

    /// Tries a channel before it is kept; `saved` is the channel it is to become, whose secrets stand in for those the
    /// draft leaves out.
    pub async fn test_draft(&self, draft: &ChannelDraft, saved: Option<&ChannelRow>) -> Result<Trial, NotifyError> {
        let rules = self.rules();
        let (kind, config) = match saved {
            Some(row) => secrets::completed(draft, row, &rules)?,
            None => {
                let (kind, config) = rules.stated(draft)?;
                (kind, config.ok_or_else(|| ConfigError("config is missing".to_owned()))?.to_string())
            }
        };
        let to = rules.destination(&kind, &config, draft.allow_private)?;
        Ok(self.sender.test(&to, draft.language).await)
    }

    /// One round: fans out, then sends what is due to every channel that can take it. Answers how many channels had
    /// something. [`Deliverer::run`] does it again and again.
    pub async fn step(&self) -> Result<usize, NotifyError> {
        self.fan_out().await?;
        let claimed = self.claim(usize::MAX, &[]).await?;
        let count = claimed.len();
        let worked = futures::future::join_all(claimed.into_iter().map(|c| self.work(c))).await;
        worked.into_iter().collect::<Result<(), _>>()?;
        Ok(count)
    }

    pub(crate) async fn fan_out(&self) -> Result<(), StoreError> {
        while store::fan_out(&self.store, self.clock.now(), self.options.batch, self.options.gather).await? > 0 {}
        Ok(())
    }

    pub(crate) async fn claim(&self, limit: usize, busy: &[i64]) -> Result<Vec<Claimed>, StoreError> {
        let now = self.clock.now();
        let token = Uuid::new_v4().to_string();
        store::claim(&self.store, &token, now + self.options.lease, now, limit, busy).await
    }

    /// Sends to one claimed channel until nothing is due, it must be left alone, or half the lease is over.
    pub(crate) async fn work(&self, mut claimed: Claimed) -> Result<(), StoreError> {
        let opened = claimed.channel.open(&self.rules());
        if let Err(error) = &opened {
            // What is wrong may hold what was given, which may be a secret: only its kind is said.
            let kind = if matches!(error, NotifyError::Seal(_)) { "cannot be unsealed" } else { "is not valid" };
            tracing::error!(channel = %claimed.channel.draft.name, "configuration {kind}");
        }
        let mut paused_until = Timestamp(0);
        let half = claimed.lease_until - self.options.lease / 2;
        // At least one message goes: a clock that runs a thousand times as fast ends every lease at once.
        loop {
            let now = self.clock.now();
            let due = self.awake(&claimed, now).await?;
            if due.is_empty() {
                break;
            }
            if let Ok(to) = &opened {
                paused_until = claimed.recent.next(&claimed.channel.rate(to.channel.rate()), now);
                if paused_until > now {
                    break;
                }
                claimed.recent.note(now);
            }
            let batch = batch(due, opened.as_ref().ok());
            let verdict = match &opened {
                Ok(to) => self.tell(to, &claimed, &batch).await,
                Err(_) => Verdict::retry("the channel's configuration cannot be used"),
            };
            paused_until = self.record(&claimed, &batch, verdict).await?;
            let now = self.clock.now();
            if paused_until > now || now >= half {
                break;
            }
        }
        let now = self.clock.now();
        let wait = Wait { lease_until: Timestamp(0), paused_until };
        store::settle(&self.store, &claimed, &Settlement::Nothing, wait, now).await
    }

    /// What is due and may be sent at this hour; the rest is put off to the end of the quiet.
    async fn awake(&self, claimed: &Claimed, now: Timestamp) -> Result<Vec<Due>, StoreError> {
        let due = store::due(&self.store, claimed.channel.id, now, self.options.digest).await?;
        let Some(until) = claimed.channel.draft.quiet.as_ref().and_then(|q| q.until(now)) else { return Ok(due) };
        let (urgent, asleep): (Vec<_>, Vec<_>) = due.into_iter().partition(|d| d.item.severity == Severity::Critical);
        if asleep.is_empty() {
            return Ok(urgent);
        }
        let ids: Vec<i64> = asleep.iter().map(|d| d.id).collect();
        store::postpone(&self.store, &ids, until).await?;
        // Behind those put off there may be more.
        Box::pin(self.awake(claimed, now)).await
    }

    async fn tell(&self, to: &Destination, claimed: &Claimed, batch: &[Due]) -> Verdict {
        let items: Vec<Item> = batch.iter().map(|d| Item { link: self.link(d.alert_id), ..d.item.clone() }).collect();
        let Some(message) = Message::digest(items, claimed.channel.draft.language) else {
            return Verdict::refused("nothing to tell");
        };
        let spans = told(to, batch);
        let started = Instant::now();
        let verdict = self.sender.send(to, &message).await;
        let outcome = match &verdict {
            Verdict::Delivered => Outcome::Delivered,
            Verdict::Retry { .. } => Outcome::Failed,
            Verdict::Refused { .. } => Outcome::Refused,
        };
        for span in spans {
            span.record("outcome", outcome.as_str());
        }
        self.observer.tried(to.channel.kind(), outcome, started.elapsed());
        verdict
    }

    fn link(&self, alert: i64) -> Option<String> {
        let mut url = self.public_url.clone()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(["alerts", &alert.to_string()]);
        Some(url.into())
    }

    /// Writes down what came of a try; answers until when the channel is left alone.
    async fn record(&self, claimed: &Claimed, batch: &[Due], verdict: Verdict) -> Result<Timestamp, StoreError> {
        let now = self.clock.now();
        let name = &claimed.channel.draft.name;
        let (settlement, paused_until) = match verdict {
            Verdict::Delivered => (Settlement::Sent(batch.iter().map(|d| d.id).collect()), Timestamp(0)),
            Verdict::Retry { after, why } => {
                let after = after.map(|after| after.min(LONGEST_PAUSE));
                let again = |d: &Due| {
                    let attempts = d.attempts.saturating_add(1);
                    let again = next_attempt(attempts, after, claimed.channel.id, now);
                    (d.id, (attempts < self.options.max_attempts).then_some(again))
                };
                let deliveries: Vec<_> = batch.iter().map(again).collect();
                let dead = deliveries.iter().filter(|(_, again)| again.is_none()).count();
                tracing::warn!(channel = %name, alerts = batch.len(), dead, %why, "message not delivered");
                (Settlement::Failed { deliveries, why }, after.map_or(Timestamp(0), |after| now + after))
            }
            Verdict::Refused { why } => {
                tracing::error!(channel = %name, alerts = batch.len(), %why, "message refused");
                let deliveries = batch.iter().map(|d| (d.id, None)).collect();
                (Settlement::Failed { deliveries, why }, Timestamp(0))
            }
        };
        self.write(claimed, &settlement, paused_until).await?;
        Ok(paused_until)
    }

    /// A message that is out must be written down as such, so a database that is busy, full or away is asked again: what
    /// is given up here goes out a second time.
    async fn write(
        &self,
        claimed: &Claimed,
        settlement: &Settlement,
        paused_until: Timestamp,
    ) -> Result<(), StoreError> {
        let (begun, mut tries) = (Instant::now(), 0);
        loop {
            let now = self.clock.now();
            let wait = Wait { lease_until: claimed.lease_until.max(now), paused_until };
            match store::settle(&self.store, claimed, settlement, wait, now).await {
                Err(e) if begun.elapsed() < UNWRITTEN => {
                    tries += 1;
                    tracing::debug!(error = %e, tries, "what came of a message is not written down yet");
                    tokio::time::sleep((Duration::from_millis(50) * tries).min(Duration::from_secs(1))).await;
                }
                other => return other,
            }
        }
    }
}

/// One message may tell of several tasks: each of their traces ends with it.
fn told(to: &Destination, batch: &[Due]) -> Vec<Span> {
    let traced = batch.iter().filter_map(|due| due.origin.as_deref().map(|origin| (due.alert_id, origin)));
    let begin = |(alert, origin)| {
        let (channel, alerts) = (to.channel.kind(), batch.len());
        let span = trace::span!("notify", otel.kind = "producer", channel, alert, alerts, outcome = Empty);
        trace::follow(&span, origin);
        // Begun now, not when it is first looked at.
        span.in_scope(|| {});
        span
    };
    traced.map(begin).collect()
}

/// What goes into one message.
fn batch(mut due: Vec<Due>, to: Option<&Destination>) -> Vec<Due> {
    if to.is_some_and(|to| !to.channel.gathers()) {
        due.truncate(1);
    }
    due
}
