//! The account watch: one look at one account or key.

use crate::fetch::{Fetcher, status_of};
use crate::forecast::{Forecast, Outlook, forecast};
use crate::inquiry::Inquiry;
use crate::judge::{self, Finding};
use crate::manual::{self, Manual};
use crate::options::AccountOptions;
use crate::provider::{Catalog, Params};
use crate::reading::{Reading, ReadingStatus};
use crate::schedule;
use crate::store as rows;
use crate::store::Account;
use async_trait::async_trait;
use engine::{Event, FetchError, Group, Recorded, Seen, Watch};
use model::{Timestamp, WatchKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use settings::Secret;
use std::sync::Arc;
use std::time::Duration;
use store::{AlertKey, Keyring, Store, StoreError, Task, Tx};

/// How much history a forecast looks at.
const LOOK_BACK: Duration = Duration::from_secs(14 * 86_400);
/// Readings of keys written in one transaction.
const GROUP: usize = 200;

/// Watches balances, or the keys of a pool.
pub struct AccountWatch {
    kind: WatchKind,
    providers: Arc<Catalog>,
    fetcher: Arc<Fetcher>,
    keyring: Arc<Keyring>,
    options: AccountOptions,
    group: Group<Reading>,
}

/// All a look at an account needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Brief {
    provider: String,
    /// Sealed: a brief may lie in a queue.
    secret: Option<String>,
    params: Params,
    org: Option<String>,
    via: Option<String>,
}

impl Brief {
    /// What a look at this account needs.
    pub fn of(account: &Account) -> Self {
        Self {
            provider: account.provider.clone(),
            secret: account.secret.clone(),
            params: account.params.clone(),
            org: account.org.clone(),
            via: account.reading.as_ref().and_then(|reading| reading.via.clone()),
        }
    }
}

impl AccountWatch {
    /// A watch of balances (`WatchKind::Account`) or keys (`WatchKind::Key`).
    pub fn new(
        kind: WatchKind,
        providers: Arc<Catalog>,
        fetcher: Arc<Fetcher>,
        keyring: Arc<Keyring>,
        options: AccountOptions,
    ) -> Self {
        Self { kind, providers, fetcher, keyring, options, group: Group::new(GROUP) }
    }

    /// Makes what is needed to ask of what is stored. `Rejected` when the provider, the secret or a parameter will not
    /// do, which no later try mends.
    pub fn inquiry(&self, brief: &Brief) -> Result<Asked, FetchError> {
        let rejected = |text: String| FetchError::Rejected(text);
        if brief.provider == manual::NAME {
            return Manual::new(&brief.params).map(Asked::Manual).map_err(|e| rejected(e.to_string()));
        }
        let mut params = self.providers.located(&brief.provider, &brief.params);
        let provider = self.providers.get(&brief.provider, &params).map_err(|e| rejected(e.to_string()))?;
        if let Some(org) = &brief.org {
            params.entry("org".into()).or_insert_with(|| org.clone());
        }
        let sealed = brief.secret.as_deref().ok_or_else(|| rejected("the account has no secret".into()))?;
        let secret = Secret::new(self.keyring.open(sealed).map_err(|e| rejected(e.to_string()))?);
        let inquiry = Inquiry::new(provider, &secret, &params).map_err(|e| rejected(e.to_string()))?;
        Ok(Asked::Provider(Box::new(inquiry.preferring(brief.via.as_deref()))))
    }

    async fn alerts(
        &self,
        tx: &mut Tx,
        account: &Account,
        findings: &[Finding],
        now: Timestamp,
    ) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        // A key out of thousands is no news.
        let told = findings.iter().filter(|f| self.kind == WatchKind::Account || f.alert_type != judge::UNREADABLE);
        for finding in told {
            let key = AlertKey {
                kind: self.kind,
                ref_id: account.id,
                alert_type: finding.alert_type,
                window: &finding.window,
            };
            let notice = store::step_alert(tx, &key, finding.condition, &finding.wording, &finding.policy, now).await?;
            if let Some(notice) = notice {
                let wording = &finding.wording;
                let data = json!({
                    "kind": self.kind, "ref_id": account.id, "name": account.name,
                    "alert_type": finding.alert_type, "notice": notice.as_str(), "severity": wording.severity,
                    "title": wording.title, "message": wording.message,
                });
                events.push(Event { name: "alert".into(), data });
            }
        }
        Ok(events)
    }

    /// Ends the alerts of thresholds that the account no longer has.
    async fn end_orphans(
        &self,
        tx: &mut Tx,
        account: &Account,
        findings: &[Finding],
        now: Timestamp,
    ) -> Result<Vec<Event>, StoreError> {
        let mut orphans = Vec::new();
        for (alert_type, window) in store::open_windows_of(tx, self.kind, account.id).await? {
            if findings.iter().any(|f| f.alert_type == alert_type && f.window == window) {
                continue;
            }
            let Some(alert_type) = judge::alert_type(&alert_type) else { continue };
            let mut orphan = judge::removed(&account.name, alert_type, &self.options);
            orphan.window = window;
            orphans.push(orphan);
        }
        self.alerts(tx, account, &orphans, now).await
    }

    async fn outlook(
        &self,
        tx: &mut Tx,
        account: &Account,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<Option<Forecast>, StoreError> {
        if self.kind == WatchKind::Key && account.thresholds.iter().all(|t| !t.needs_forecast()) {
            return Ok(None);
        }
        if reading.remaining.is_none() && !reading.unlimited {
            return Ok(None);
        }
        let history = rows::points(tx, account.id, now - LOOK_BACK).await?;
        Ok(Some(forecast(&Outlook {
            history: &history,
            now,
            resets_at: reading.period_end,
            expires_at: reading.expires_at,
            unlimited: reading.unlimited,
        })))
    }

    async fn good(
        &self,
        tx: &mut Tx,
        account: &Account,
        reading: &Reading,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Event>, StoreError> {
        let run_at = rows::write_reading(tx, account, reading, at).await?;
        let forecast = self.outlook(tx, account, reading, now).await?;
        rows::write_good(tx, account, reading, forecast.as_ref(), (at, run_at)).await?;
        let mut findings =
            judge::judge(&account.name, &account.thresholds, reading, forecast.as_ref(), now, &self.options);
        if self.kind == WatchKind::Key {
            findings.retain(|f| f.alert_type != judge::UNREADABLE);
        }
        let mut events = Vec::new();
        if !findings.is_empty() {
            events = self.alerts(tx, account, &findings, now).await?;
        }
        if self.kind == WatchKind::Account {
            events.extend(self.end_orphans(tx, account, &findings, now).await?);
        }
        Ok(events)
    }

    async fn unread(
        &self,
        tx: &mut Tx,
        account: &Account,
        status: ReadingStatus,
        why: &str,
        now: Timestamp,
    ) -> Result<Vec<Event>, StoreError> {
        rows::write_failed(tx, account.id, status, why, now).await?;
        let finding = judge::judge_unread(&account.name, status, why, account.good_at, &self.options);
        self.alerts(tx, account, &[finding], now).await
    }

    /// One event for a look at a balance; keys are told of by the thousand, through their refresh.
    fn checked(&self, account: &Account, status: &str, reading: Option<&Reading>) -> Option<Event> {
        let data = json!({
            "id": account.id, "name": account.name, "provider": account.provider, "status": status,
            "remaining": reading.and_then(|r| r.remaining), "unit": reading.and_then(|r| r.unit.as_deref()),
        });
        (self.kind == WatchKind::Account).then_some(Event { name: "account".into(), data })
    }
}

/// Whom to ask.
pub enum Asked {
    /// Nobody: the user stated it.
    Manual(Manual),
    /// A provider.
    Provider(Box<Inquiry>),
}

#[async_trait]
impl Watch for AccountWatch {
    type Brief = Brief;
    type Observation = Reading;

    fn kind(&self) -> WatchKind {
        self.kind
    }

    fn in_flight(&self) -> Option<usize> {
        Some(match self.kind {
            WatchKind::Key => self.options.max_workers,
            _ => self.options.max_concurrent_checks,
        })
    }

    fn group(&self) -> Option<&Group<Reading>> {
        Some(&self.group)
    }

    async fn brief(&self, store: &Store, task: &Task) -> Result<Option<Brief>, StoreError> {
        let account = rows::get_account(store, task.ref_id).await?;
        Ok(account.as_ref().map(Brief::of))
    }

    async fn fetch(&self, brief: &Brief) -> Result<Reading, FetchError> {
        match self.inquiry(brief)? {
            Asked::Manual(manual) => Ok(manual.reading(self.fetcher.now())),
            Asked::Provider(inquiry) => self.fetcher.fetch(&inquiry).await,
        }
    }

    async fn record(&self, tx: &mut Tx, task: &Task, seen: Seen<'_, Reading>) -> Result<Recorded, StoreError> {
        let Some(account) = Account::load(tx, task.ref_id).await? else {
            let next_due = seen.now + self.options.interval;
            return Ok(Recorded { next_due, interval: task.interval, events: Vec::new() });
        };
        let (reading, now) = (seen.observation, seen.now);
        let mut events = if reading.is_ok() {
            self.good(tx, &account, reading, seen.seen_at, now).await?
        } else {
            let why = reading.note.as_deref().unwrap_or("the provider gave no reason");
            self.unread(tx, &account, reading.status, why, now).await?
        };
        let good = reading.is_ok().then_some(reading);
        events.extend(self.checked(&account, reading.status.as_str(), good));
        let next_due = schedule::after_reading(account.id, account.interval, reading, now);
        Ok(Recorded { next_due, interval: account.interval, events })
    }

    async fn fail(&self, tx: &mut Tx, task: &Task, error: &FetchError, now: Timestamp) -> Result<Recorded, StoreError> {
        let asked = match error {
            FetchError::Limited { retry_after, .. } => *retry_after,
            _ => None,
        };
        let Some(account) = Account::load(tx, task.ref_id).await? else {
            let next_due = now + self.options.interval;
            return Ok(Recorded { next_due, interval: task.interval, events: Vec::new() });
        };
        let status = status_of(error);
        let mut events = self.unread(tx, &account, status, &error.to_string(), now).await?;
        events.extend(self.checked(&account, status.as_str(), None));
        let next_due = schedule::after_failure(task.failures + 1, asked, account.interval, account.id, now);
        Ok(Recorded { next_due, interval: account.interval, events })
    }

    async fn housekeep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        // Both watches share the table; one of them keeps it.
        if self.kind != WatchKind::Account {
            return Ok(());
        }
        loop {
            let mut tx = store.begin().await?;
            let more = rows::thin(&mut tx, &self.options, now).await?;
            tx.commit().await?;
            if !more {
                return Ok(());
            }
        }
    }
}
