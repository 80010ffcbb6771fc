//! Puts what was read into the database, one transaction an entry: whole, or not at all.

mod account;
mod channel;
mod reminder;

use crate::moving::config_json::{Entry, Moved};
use accounts::AccountOptions;
use accounts::provider::Catalog;
use model::Timestamp;
use notify::{NotifyError, Rules};
use serde::Serialize;
use store::{AuditEntry, Keyring, Store, StoreError, Tx};

/// Where things are put.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The database.
    pub store: &'a Store,
    /// The providers there are.
    pub providers: &'a Catalog,
    /// Seals the secrets.
    pub keyring: &'a Keyring,
    /// How accounts are watched.
    pub accounts: &'a AccountOptions,
    /// What channels are held against.
    pub rules: Rules<'a>,
    /// Whether what is there already is changed.
    pub upsert: bool,
    /// Everything is tried and nothing stays.
    pub dry_run: bool,
    /// Now.
    pub now: Timestamp,
    /// Who asked, for the audit log.
    pub actor: &'static str,
}

/// What became of a file.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Entries that were not there.
    pub created: usize,
    /// Entries that said otherwise.
    pub updated: usize,
    /// Entries that were so already.
    pub unchanged: usize,
    /// Entries that are somebody else's to change.
    pub skipped: usize,
    /// Entries that cannot be used.
    pub failed: usize,
    /// Each of them, in the order of the file.
    pub details: Vec<Detail>,
    /// What is not moved.
    pub notes: Vec<String>,
}

/// What became of one entry.
#[derive(Debug, Serialize)]
pub struct Detail {
    /// Where it stands in the file.
    pub at: String,
    /// `account`, `subscription`, `mailbox` or `channel`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// `created`, `updated`, `unchanged`, `skipped` or `failed`.
    pub status: &'static str,
    /// Its number; `None` when it has none, or would have got one.
    pub id: Option<i64>,
    /// Why it was skipped or failed.
    pub error: Option<String>,
}

/// What was done about an entry.
enum Done {
    Created(i64),
    Updated(i64),
    Unchanged(i64),
    Skipped(String),
}

/// Why nothing was done about one.
enum Fault {
    /// It cannot be used; says why, for the person who wrote it.
    Stated(String),
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Stated(why)
    }
}

impl From<NotifyError> for Fault {
    fn from(e: NotifyError) -> Self {
        match e {
            NotifyError::Store(e) => Self::Store(e),
            e => Self::Stated(e.to_string()),
        }
    }
}

/// Tries of a transaction that meets another writer.
const TRIES: u32 = 8;

/// Puts everything in its place. What cannot be used is told of; fails only when the database does.
pub async fn keep(moved: &Moved, place: &Place<'_>) -> Result<Report, StoreError> {
    let mut report = Report { dry_run: place.dry_run, notes: moved.notes.clone(), ..Report::default() };
    for entry in &moved.accounts {
        report.add(
            "account",
            entry,
            each(entry, place, async |tx, stated| account::keep(tx, stated, place).await).await?,
        );
    }
    for entry in &moved.subscriptions {
        let done = each(entry, place, async |tx, draft| reminder::subscription(tx, draft, place).await).await?;
        report.add("subscription", entry, done);
    }
    for entry in &moved.mailboxes {
        let done = each(entry, place, async |tx, stated| reminder::mailbox(tx, stated, place).await).await?;
        report.add("mailbox", entry, done);
    }
    for entry in &moved.channels {
        let there = notify::list_channels(place.store).await?;
        let done = each(entry, place, async |tx, draft| channel::keep(tx, draft, &there, place).await).await?;
        report.add("channel", entry, done);
    }
    Ok(report)
}

/// One entry in a transaction of its own.
async fn each<T>(
    entry: &Entry<T>,
    place: &Place<'_>,
    put: impl AsyncFn(&mut Tx, &T) -> Result<Done, Fault>,
) -> Result<Result<Done, String>, StoreError> {
    let stated = match &entry.what {
        Ok(stated) => stated,
        Err(why) => return Ok(Err(why.clone())),
    };
    let mut tries = 0;
    loop {
        tries += 1;
        let mut tx = place.store.begin().await?;
        let done = match put(&mut tx, stated).await {
            Ok(done) if place.dry_run => tx.rollback().await.map(|()| done),
            Ok(done) => tx.commit().await.map(|()| done),
            Err(Fault::Stated(why)) => return Ok(Err(why)),
            Err(Fault::Store(StoreError::Conflict(_))) => {
                return Ok(Err("its name or its secret is taken by another one".into()));
            }
            Err(Fault::Store(e)) => Err(e),
        };
        match done {
            Err(e) if e.is_retryable() && tries < TRIES => {}
            done => return done.map(Ok),
        }
    }
}

impl Place<'_> {
    async fn audit(&self, tx: &mut Tx, action: &str, subject: String) -> Result<(), StoreError> {
        let entry = AuditEntry { at: self.now, actor: self.actor.to_owned(), action: action.to_owned(), subject };
        store::audit(tx, &entry).await
    }
}

impl Report {
    fn add<T>(&mut self, what: &'static str, entry: &Entry<T>, done: Result<Done, String>) {
        let (count, status, id, error) = match done {
            Ok(Done::Created(id)) => (&mut self.created, "created", (!self.dry_run).then_some(id), None),
            Ok(Done::Updated(id)) => (&mut self.updated, "updated", Some(id), None),
            Ok(Done::Unchanged(id)) => (&mut self.unchanged, "unchanged", Some(id), None),
            Ok(Done::Skipped(why)) => (&mut self.skipped, "skipped", None, Some(why)),
            Err(why) => (&mut self.failed, "failed", None, Some(why)),
        };
        *count += 1;
        let (at, name) = (entry.at.clone(), entry.name.clone());
        self.details.push(Detail { at, what, name, status, id, error });
    }
}

/// What a thing that is there already is, when it is not changed.
fn there_already() -> Done {
    Done::Skipped("already there".into())
}
