//! Reading a mailbox: connect, log in, look at what came since the last time, log out. Nothing is changed on the
//! server: the folder is opened read-only and messages are peeked at.

mod connect;
mod folder;
mod login;
mod meter;
mod uids;

use crate::options::MailboxOptions;
use crate::scan::Words;
use crate::store::{Auth, Hit, Mailbox, MailboxDraft, Mark, Tls};
use connect::{Connector, Wire};
use engine::FetchError;
use folder::Reading;
use meter::Metered;
use notify::{Lookup, Sealer, SystemLookup};
use serde::{Deserialize, Serialize};
use settings::Secret;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a scan needs to know; the secret travels sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Brief {
    host: String,
    port: u16,
    tls: Tls,
    auth: Auth,
    username: String,
    sealed: String,
    folder: String,
    words: Option<Vec<String>>,
    allow_private: bool,
    mark: Option<Mark>,
    version: i64,
}

impl Brief {
    /// Of a mailbox as it is kept.
    pub fn of(mailbox: &Mailbox) -> Self {
        let MailboxDraft { host, port, tls, auth, username, sealed, folder, words, allow_private, .. } =
            mailbox.draft.clone();
        let sealed = sealed.reveal().to_owned();
        let (mark, version) = (mailbox.mark, mailbox.version);
        Self { host, port, tls, auth, username, sealed, folder, words, allow_private, mark, version }
    }
}

/// What a scan saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// How far the folder has been read.
    pub mark: Mark,
    /// Messages read.
    pub scanned: u32,
    /// There is more to read.
    pub more: bool,
    /// Messages with billing words, oldest first.
    pub hits: Vec<Hit>,
    /// How long it took.
    pub took: Duration,
    /// The mailbox's version that was scanned.
    pub version: i64,
}

/// Why mailboxes cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The certificates of extra authorities cannot be read.
    #[error("{0}: {1}")]
    Authorities(String, String),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(String),
}

/// Reads mailboxes.
pub struct Reader {
    connector: Connector,
    sealer: Arc<dyn Sealer>,
    words: Words,
    options: MailboxOptions,
}

type Session = async_imap::Session<Metered<Box<dyn Wire>>>;

impl Reader {
    /// A reader that trusts the platform's authorities and those of the options' file.
    pub fn new(options: MailboxOptions, sealer: Arc<dyn Sealer>) -> Result<Self, ReaderError> {
        Self::with_lookup(options, sealer, Arc::new(SystemLookup))
    }

    /// A reader with a resolver of its own, for tests.
    pub fn with_lookup(
        options: MailboxOptions,
        sealer: Arc<dyn Sealer>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, ReaderError> {
        let connector = Connector::new(options.ca_file.as_deref().map(Path::new), lookup)?;
        Ok(Self { connector, sealer, words: Words::new(&options.words), options })
    }

    /// The settings.
    pub const fn options(&self) -> &MailboxOptions {
        &self.options
    }

    /// Reads what came since the mark, oldest first.
    pub async fn scan(&self, brief: &Brief) -> Result<Observation, FetchError> {
        let begun = Instant::now();
        let step = self.options.step_timeout;
        let secret = self.sealer.open(&brief.sealed).map(Secret::new);
        let secret = secret.map_err(|e| FetchError::Rejected(format!("the secret cannot be opened: {e}")))?;
        let client = within(step, "connecting", self.connector.connect(brief)).await?;
        let mut session = within(step, "logging in", login::log_in(client, brief, &secret)).await?;
        let own = brief.words.as_ref().map(Words::new);
        let reading = Reading {
            words: own.as_ref().unwrap_or(&self.words),
            options: &self.options,
            until: begun + self.options.scan_timeout,
        };
        let read = reading.read(&mut session, brief).await.map_err(|e| without(e, &secret));
        // What was read counts, whatever the server says to a good-bye.
        let _ = tokio::time::timeout(step.min(Duration::from_secs(5)), session.logout()).await;
        let read = read?;
        Ok(Observation {
            mark: read.mark,
            scanned: read.scanned,
            more: read.more,
            hits: read.hits,
            took: begun.elapsed(),
            version: brief.version,
        })
    }
}

/// A step under its deadline.
async fn within<T>(
    limit: Duration,
    what: &str,
    step: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, FetchError> {
    let late = || FetchError::Transient(format!("{what}: no answer within {} s", limit.as_secs()));
    tokio::time::timeout(limit, step).await.unwrap_or_else(|_| Err(late()))
}

/// What the server said, shortened.
fn said(error: &async_imap::error::Error) -> String {
    use async_imap::error::Error;
    let text = match error {
        // It would name a character of what was to be sent.
        Error::Validate(_) => "a value has a line break or another character IMAP cannot take".to_owned(),
        Error::Parse(_) => "an answer that is not IMAP".to_owned(),
        Error::No(text) | Error::Bad(text) => words(text).to_owned(),
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// The server's words within what the library makes of them: `code: None, info: Some("…")`.
fn words(text: &str) -> &str {
    let behind = text.split_once("info: Some(\"").or_else(|| text.split_once("information: Some(\""));
    behind.and_then(|(_, rest)| rest.rsplit_once("\")")).map_or(text, |(words, _)| words)
}

/// The class of what went wrong outside of a login.
fn failure(what: &str, error: &async_imap::error::Error) -> FetchError {
    use async_imap::error::Error;
    let text = format!("{what}: {}", said(error));
    match error {
        Error::No(_) | Error::Validate(_) => FetchError::Rejected(text),
        Error::Bad(_) | Error::Parse(_) => FetchError::Malformed(text),
        _ => FetchError::Transient(text),
    }
}

/// The error without the secret, should the server have echoed it.
fn without(error: FetchError, secret: &Secret) -> FetchError {
    let clean = |text: String| {
        if secret.reveal().len() >= 3 { text.replace(secret.reveal(), "***") } else { text }
    };
    match error {
        FetchError::Transient(t) => FetchError::Transient(clean(t)),
        FetchError::Rejected(t) => FetchError::Rejected(clean(t)),
        FetchError::Malformed(t) => FetchError::Malformed(clean(t)),
        other => other,
    }
}
