//! A store, an engine with a clock that is moved by hand, and both watches.
#![allow(dead_code, reason = "each test file uses its own part")]

use engine::{Checked, Engine, EngineMetrics, EngineOptions, Registered};
use model::{Clock as _, SteppedClock, Timestamp, WatchKind};
use notify::{SealError, Sealer};
use prometheus_client::registry::Registry;
use reminders::ahead::Ahead;
use reminders::cycle::{Cycle, CycleType};
use reminders::imap::Reader;
use reminders::standing::Terms;
use reminders::store::{Auth, MailboxDraft, SubscriptionDraft, Tls, add_mailbox, add_subscription};
use reminders::{MailboxOptions, MailboxWatch, SubscriptionOptions, SubscriptionWatch, Zone};
use settings::Secret;
use std::sync::Arc;
use std::time::Duration;
use store::{Claim, OpenOptions, OutboxRow, Store};

/// Turns texts around: enough to see that what is stored is not what was given.
pub struct Reversing;

impl Sealer for Reversing {
    fn seal(&self, text: &str) -> Result<String, SealError> {
        Ok(format!("sealed:{}", text.chars().rev().collect::<String>()))
    }

    fn open(&self, sealed: &str) -> Result<String, SealError> {
        let inner = sealed.strip_prefix("sealed:").ok_or_else(|| SealError("not sealed".to_owned()))?;
        Ok(inner.chars().rev().collect())
    }
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Saturday 2026-11-21 12:00 JST.
pub fn noon() -> Timestamp {
    at("2026-11-21T12:00:00+09:00")
}

pub struct World {
    pub store: Store,
    pub engine: Arc<Engine>,
    pub clock: SteppedClock,
    pub subscriptions: SubscriptionWatch,
    pub mailboxes: MailboxWatch,
}

impl World {
    pub async fn new() -> Self {
        Self::on("sqlite::memory:", MailboxOptions::default()).await
    }

    pub async fn on(url: &str, options: MailboxOptions) -> Self {
        let store = Store::open(&OpenOptions::new(url)).await.unwrap();
        let clock = SteppedClock::new(noon());
        let migrations: Vec<_> = store::ENGINE_MIGRATIONS.iter().chain(reminders::MIGRATIONS).copied().collect();
        store.migrate(&migrations, noon()).await.unwrap();
        let metrics = Arc::new(EngineMetrics::new(&mut Registry::default()));
        let tokens = Arc::new(|| uuid::Uuid::new_v4().to_string());
        let shared = Arc::new(clock.clone());
        let engine = Arc::new(Engine::new(store.clone(), shared, EngineOptions::default(), metrics, tokens));
        let subscriptions = SubscriptionWatch::new(SubscriptionOptions::default());
        let mailboxes = MailboxWatch::new(Reader::new(options, Arc::new(Reversing)).unwrap());
        Self { store, engine, clock, subscriptions, mailboxes }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Looks at everything that is due now.
    pub async fn look(&self) -> Vec<Checked> {
        let kinds = [WatchKind::Subscription, WatchKind::Mailbox];
        let token = uuid::Uuid::new_v4().to_string();
        let claim = Claim { kinds: &kinds, limit: 100, lease: Duration::from_secs(900), token: &token };
        let tasks = store::claim(&self.store, &claim, self.now()).await.unwrap();
        let mut checked = Vec::new();
        for task in tasks {
            let watch: &dyn Registered =
                if task.kind == WatchKind::Mailbox { &self.mailboxes } else { &self.subscriptions };
            checked.push(watch.check(&self.engine, &task).await);
        }
        checked
    }

    /// Moves to an instant, looking at what is due whenever it is.
    pub async fn run_until(&self, end: Timestamp) {
        let kinds = [WatchKind::Subscription, WatchKind::Mailbox];
        while let Some(due) = store::earliest_claimable(&self.store, &kinds).await.unwrap() {
            if due > end {
                break;
            }
            self.clock.set(due.max(self.now()));
            self.look().await;
        }
        self.clock.set(end);
    }

    /// What people have been told, oldest first.
    pub async fn told(&self) -> Vec<OutboxRow> {
        let mut rows = store::list_outbox(&self.store, 10_000).await.unwrap();
        rows.reverse();
        rows
    }

    /// Day, kind of notice and title of what people have been told.
    pub async fn titles(&self) -> Vec<String> {
        let zone = Zone::jst();
        let line = |m: OutboxRow| format!("{} {} {}", zone.date(m.created_at).unwrap(), m.notice, m.title);
        self.told().await.into_iter().map(line).collect()
    }

    pub async fn subscribe(&self, draft: &SubscriptionDraft) -> i64 {
        let mut tx = self.store.begin().await.unwrap();
        let id = add_subscription(&mut tx, draft, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub async fn mailbox(&self, draft: &MailboxDraft) -> i64 {
        let mut tx = self.store.begin().await.unwrap();
        let id = add_mailbox(&mut tx, draft, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }
}

pub fn subscription(name: &str, cycle: CycleType, day: i64, ahead: &str) -> SubscriptionDraft {
    SubscriptionDraft {
        name: name.to_owned(),
        project: "web".to_owned(),
        terms: Terms {
            cycle: Cycle::new(cycle, day).unwrap(),
            ahead: Ahead::parse(ahead).unwrap(),
            last_renewed: None,
            end: None,
        },
        amount: Some("12.50".parse().unwrap()),
        currency: "CNY".to_owned(),
        zone: Zone::jst(),
        notes: String::new(),
        enabled: true,
    }
}

pub fn mailbox(name: &str, port: u16, password: &str) -> MailboxDraft {
    MailboxDraft {
        name: name.to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        auth: Auth::Password,
        username: name.to_owned(),
        sealed: Secret::new(Reversing.seal(password).unwrap()),
        folder: "INBOX".to_owned(),
        words: None,
        allow_private: true,
        interval: Duration::from_secs(3_600),
        enabled: true,
    }
}
