//! The watch of renewals: nothing is fetched, the calendar says it all.

use crate::options::SubscriptionOptions;
use crate::standing::Standing;
use crate::store::{self as rows, DAILY, Subscription, Told};
use crate::tell::{Look, tell};
use async_trait::async_trait;
use engine::{Event, FetchError, Recorded, Seen, Watch};
use jiff::civil::Date;
use model::{AlertPolicy, Condition, Severity, Timestamp, WatchKind};
use std::time::Duration;
use store::{AlertKey, Store, StoreError, Task, Tx, Wording};

/// The type of its alerts; the window is the renewal day.
pub(crate) const RENEWAL: &str = "renewal";

/// Tells of renewals.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionWatch {
    options: SubscriptionOptions,
}

impl SubscriptionWatch {
    /// A watch with the given settings.
    pub const fn new(options: SubscriptionOptions) -> Self {
        Self { options }
    }

    /// When the day of a subscription is looked at next; each a little later than the hour.
    fn next_due(&self, row: &Subscription, now: Timestamp) -> Timestamp {
        let jitter = Duration::from_secs(60 + row.id.unsigned_abs() * 7 % 540);
        row.draft.zone.next(self.options.remind_at, jitter, now).unwrap_or(now + DAILY)
    }
}

#[async_trait]
impl Watch for SubscriptionWatch {
    type Brief = ();
    type Observation = ();

    fn kind(&self) -> WatchKind {
        WatchKind::Subscription
    }

    async fn brief(&self, store: &Store, task: &Task) -> Result<Option<()>, StoreError> {
        Ok(rows::get_subscription(store, task.ref_id).await?.map(|_| ()))
    }

    async fn fetch(&self, (): &()) -> Result<(), FetchError> {
        Ok(())
    }

    async fn record(&self, tx: &mut Tx, task: &Task, seen: Seen<'_, ()>) -> Result<Recorded, StoreError> {
        let now = seen.now;
        let Some(row) = rows::hold_subscription(tx, task.ref_id).await?.filter(|row| row.draft.enabled) else {
            return Ok(Recorded { next_due: now + DAILY, interval: DAILY, events: Vec::new() });
        };
        let mut events = Vec::new();
        let mut told = row.told;
        if let Some(standing) = row.standing(now) {
            events.extend(over(tx, &row, &standing, now).await?);
            if let (Some(renewal), Some(ahead)) = (standing.next, standing.reminder) {
                events.extend(remind(tx, &row, &standing, (renewal, ahead), now).await?);
                told = Some(Told { renewal, ahead });
            }
        }
        rows::write_checked(tx, row.id, told, now).await?;
        Ok(Recorded { next_due: self.next_due(&row, now), interval: DAILY, events })
    }

    async fn fail(&self, _: &mut Tx, task: &Task, _: &FetchError, now: Timestamp) -> Result<Recorded, StoreError> {
        // Nothing is fetched, so only a stop in the middle comes here.
        Ok(Recorded { next_due: now + Duration::from_secs(60), interval: task.interval, events: Vec::new() })
    }

    async fn housekeep(&self, _: &Store, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

/// One alert stands for a renewal day. It is told anew when a listed day has come that it was not told on yet, by
/// whoever looks first; acknowledged, it is silent until the renewal.
async fn remind(
    tx: &mut Tx,
    row: &Subscription,
    standing: &Standing,
    (renewal, ahead): (Date, u16),
    now: Timestamp,
) -> Result<Option<Event>, StoreError> {
    let news = row.told.is_none_or(|t| t.renewal != renewal || t.ahead > ahead);
    let days = standing.days.unwrap_or(0);
    let window = renewal.to_string();
    let look = Look {
        key: AlertKey { kind: WatchKind::Subscription, ref_id: row.id, alert_type: RENEWAL, window: &window },
        name: &row.draft.name,
        condition: Condition::Bad,
        wording: wording(row, renewal, days),
        policy: policy(if news { Duration::ZERO } else { Duration::MAX }),
    };
    tell(tx, &look, now).await
}

/// Ends the alert of a renewal that has been paid for, whose day has passed, or that is not to be any more.
pub(crate) async fn over(
    tx: &mut Tx,
    row: &Subscription,
    standing: &Standing,
    now: Timestamp,
) -> Result<Option<Event>, StoreError> {
    let Some(told) = row.told else { return Ok(None) };
    if standing.next == Some(told.renewal) && standing.reminder.is_some() {
        return Ok(None);
    }
    let paid = row.draft.terms.paid().is_some_and(|paid| paid >= told.renewal);
    let passed = row.draft.zone.date(now).is_some_and(|today| today > told.renewal);
    let what = if paid {
        "renewed"
    } else if passed {
        "renewal day has passed"
    } else {
        "renewal not due any more"
    };
    let window = told.renewal.to_string();
    let look = Look {
        key: AlertKey { kind: WatchKind::Subscription, ref_id: row.id, alert_type: RENEWAL, window: &window },
        name: &row.draft.name,
        condition: Condition::Good,
        wording: Wording {
            severity: Severity::Info,
            title: format!("{}: {what}", row.draft.name),
            message: format!("The renewal of {} on {}: {what}.", row.draft.name, told.renewal),
            value: None,
        },
        policy: policy(Duration::MAX),
    };
    tell(tx, &look, now).await
}

fn wording(row: &Subscription, renewal: Date, days: i64) -> Wording {
    let draft = &row.draft;
    let when = match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        n => format!("in {n} days"),
    };
    let mut message = format!("{} renews {when}, on {renewal}", draft.name);
    if let Some(amount) = draft.amount {
        message.push_str(&format!(", for {amount} {}", draft.currency));
    }
    if !draft.project.is_empty() {
        message.push_str(&format!(" ({})", draft.project));
    }
    let severity = if days <= 1 { Severity::Critical } else { Severity::Warning };
    #[expect(clippy::cast_precision_loss, reason = "days are few")]
    let value = Some(days as f64);
    Wording { severity, title: format!("{} renews {when}", draft.name), message, value }
}

const fn policy(cooldown: Duration) -> AlertPolicy {
    AlertPolicy { failure_threshold: 1, success_threshold: 1, cooldown }
}
