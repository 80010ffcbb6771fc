//! The watch of mailboxes: what is read, what is told, what is told when it cannot be read.

use crate::imap::{Brief, Observation, Reader};
use crate::store::{self as rows, Hit, Mailbox};
use crate::tell::{Look, tell};
use async_trait::async_trait;
use engine::{Event, FetchError, Recorded, Seen, Watch};
use model::{AlertPolicy, Condition, Severity, Timestamp, WatchKind};
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;
use store::{AlertKey, Store, StoreError, Task, Tx, Wording};

/// The type of the alert of one mail; the window is the beginning of the message's hash.
const BILLING_MAIL: &str = "billing_mail";
/// The type of the alert of a mailbox that cannot be read.
const UNREADABLE: &str = "unreadable";
/// How soon the rest of a folder is read.
const REST: Duration = Duration::from_secs(10);
/// The first pause after a failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(60);

/// Reads mailboxes and tells of bills.
pub struct MailboxWatch {
    reader: Reader,
}

impl MailboxWatch {
    /// A watch that reads with `reader`.
    pub const fn new(reader: Reader) -> Self {
        Self { reader }
    }
}

#[async_trait]
impl Watch for MailboxWatch {
    type Brief = Brief;
    type Observation = Observation;

    fn kind(&self) -> WatchKind {
        WatchKind::Mailbox
    }

    async fn brief(&self, store: &Store, task: &Task) -> Result<Option<Brief>, StoreError> {
        let mailbox = rows::get_mailbox(store, task.ref_id).await?;
        Ok(mailbox.filter(|m| m.draft.enabled).map(|m| Brief::of(&m)))
    }

    async fn fetch(&self, brief: &Brief) -> Result<Observation, FetchError> {
        self.reader.scan(brief).await
    }

    async fn record(&self, tx: &mut Tx, task: &Task, seen: Seen<'_, Observation>) -> Result<Recorded, StoreError> {
        let Seen { observation, seen_at, now } = seen;
        let Some(mailbox) = rows::hold_mailbox(tx, task.ref_id).await? else {
            return Ok(Recorded { next_due: now + task.interval, interval: task.interval, events: Vec::new() });
        };
        let mut events = Vec::new();
        let hashes: Vec<&str> = observation.hits.iter().map(|h| h.message_hash.as_str()).collect();
        let mut known = rows::known_hits(tx, mailbox.id, &hashes).await?;
        let fresh = new_hits(&observation.hits, &mut known);
        for hit in &fresh {
            let history = mailbox.created_at - self.reader.options().history;
            let alerted = hit.received_at.is_none_or(|at| at >= history);
            rows::add_hit(tx, mailbox.id, hit, alerted, seen_at).await?;
            if alerted {
                events.extend(tell(tx, &billing(&mailbox, hit), now).await?);
            }
        }
        let readable = unreadable(&mailbox, Condition::Good, "", self.reader.options().unreadable);
        events.extend(tell(tx, &readable, now).await?);
        let mark = (observation.version == mailbox.version).then_some(observation.mark);
        let figures = (observation.scanned, fresh.len(), observation.took);
        rows::write_scan(tx, mailbox.id, mark, figures, seen_at).await?;
        events.push(scanned(&mailbox, observation, fresh.len()));
        let interval = mailbox.draft.interval;
        let pause = if observation.more { REST } else { interval + jitter(mailbox.id) };
        Ok(Recorded { next_due: now + pause, interval, events })
    }

    async fn fail(&self, tx: &mut Tx, task: &Task, error: &FetchError, now: Timestamp) -> Result<Recorded, StoreError> {
        let mut interval = task.interval;
        let mut events = Vec::new();
        if let Some(mailbox) = rows::hold_mailbox(tx, task.ref_id).await? {
            let said = error.to_string();
            interval = mailbox.draft.interval;
            rows::write_failed_scan(tx, mailbox.id, &said, now).await?;
            let mut policy = self.reader.options().unreadable;
            if matches!(error, FetchError::Rejected(_)) {
                policy.failure_threshold = 1;
            }
            let look = unreadable(&mailbox, Condition::Bad, &said, policy);
            events.extend(tell(tx, &look, now).await?);
        }
        let pause = match error {
            // Whoever is refused and knocks on gets locked out.
            FetchError::Rejected(_) | FetchError::Blocked(_) => interval,
            FetchError::Limited { retry_after: Some(pause), .. } => *pause,
            _ => PAUSE.saturating_mul(1 << task.failures.min(10)).min(interval),
        };
        Ok(Recorded { next_due: now + pause + jitter(task.ref_id), interval, events })
    }

    async fn housekeep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let before = now - self.reader.options().open_for;
        for mailbox in rows::list_mailboxes(store).await? {
            let mut tx = store.begin().await?;
            let of = (WatchKind::Mailbox, mailbox.id);
            rows::end_alerts(&mut tx, of, Some(BILLING_MAIL), before, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Those that are not known; of two copies in one folder the first.
fn new_hits<'a>(hits: &'a [Hit], known: &mut HashSet<String>) -> Vec<&'a Hit> {
    hits.iter().filter(|h| known.insert(h.message_hash.clone())).collect()
}

/// Up to a minute, so that mailboxes of one server are not all read at once.
fn jitter(id: i64) -> Duration {
    Duration::from_secs(id.unsigned_abs() * 7 % 60)
}

fn billing<'a>(mailbox: &'a Mailbox, hit: &'a Hit) -> Look<'a> {
    let amount = match (&hit.amount, &hit.currency) {
        (Some(amount), Some(currency)) => format!("{amount} {currency}; "),
        _ => String::new(),
    };
    let message = format!(
        "{} \u{2014} {amount}{}; from {} in {}",
        hit.subject,
        hit.words.join(", "),
        hit.sender,
        mailbox.draft.name
    );
    let wording = Wording {
        severity: Severity::Warning,
        title: format!("Billing mail from {}", hit.service),
        message,
        value: None,
    };
    Look {
        key: AlertKey {
            kind: WatchKind::Mailbox,
            ref_id: mailbox.id,
            alert_type: BILLING_MAIL,
            window: hit.message_hash.get(..24).unwrap_or(&hit.message_hash),
        },
        name: &mailbox.draft.name,
        condition: Condition::Bad,
        wording,
        policy: AlertPolicy { failure_threshold: 1, success_threshold: 1, cooldown: Duration::MAX },
    }
}

fn unreadable<'a>(mailbox: &'a Mailbox, condition: Condition, error: &str, policy: AlertPolicy) -> Look<'a> {
    let name = &mailbox.draft.name;
    let (title, message) = if condition == Condition::Bad {
        let since = mailbox.scan.last_good_at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339_jst());
        (format!("Mailbox {name} cannot be read"), format!("{error} (last read: {since})"))
    } else {
        (format!("Mailbox {name} can be read again"), String::new())
    };
    Look {
        key: AlertKey { kind: WatchKind::Mailbox, ref_id: mailbox.id, alert_type: UNREADABLE, window: "" },
        name,
        condition,
        wording: Wording { severity: Severity::Warning, title, message, value: None },
        policy,
    }
}

fn scanned(mailbox: &Mailbox, observation: &Observation, hits: usize) -> Event {
    let data = json!({
        "id": mailbox.id, "name": mailbox.draft.name, "scanned": observation.scanned, "hits": hits,
        "more": observation.more,
    });
    Event { name: "mailbox".into(), data }
}
