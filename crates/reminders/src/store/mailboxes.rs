//! Mailboxes and their targets.

use ::store::{Row, Store, StoreError, Tx, Value, args};
use model::{TargetState, Timestamp, WatchKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::Secret;
use std::time::Duration;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "MailboxTls")]
pub enum Tls {
    /// TLS from the first byte; usually port 993.
    #[default]
    Tls,
    /// TLS after STARTTLS, which the server must offer; usually port 143.
    Starttls,
    /// None, for a server on the same machine.
    None,
}

/// How a login is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "MailboxAuth")]
pub enum Auth {
    /// The secret is a password.
    #[default]
    Password,
    /// The secret is an OAuth 2 access token.
    Xoauth2,
}

impl Tls {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Starttls => "starttls",
            Self::None => "none",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Tls, Self::Starttls, Self::None].into_iter().find(|t| t.as_str() == text)
    }
}

impl Auth {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Xoauth2 => "xoauth2",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Password, Self::Xoauth2].into_iter().find(|a| a.as_str() == text)
    }
}

/// A mailbox as a person gives it; its secret, sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct MailboxDraft {
    /// Its name, unlike all others.
    pub name: String,
    /// The IMAP server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// How the login is made.
    pub auth: Auth,
    /// Who logs in.
    pub username: String,
    /// Password or token, sealed.
    pub sealed: Secret,
    /// The folder that is read.
    pub folder: String,
    /// Words to look for instead of the general ones.
    pub words: Option<Vec<String>>,
    /// Whether the server may be at an address of the own network.
    pub allow_private: bool,
    /// Time between two scans.
    pub interval: Duration,
    /// Whether it is scanned.
    pub enabled: bool,
}

/// How far a folder has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The numbering the UID belongs to (RFC 9051, UIDVALIDITY).
    pub uidvalidity: u32,
    /// The last UID that was read.
    pub last_uid: u32,
}

/// What has come of scanning so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Scans that could read the folder.
    pub scans: i64,
    /// Scans that could not.
    pub failed: i64,
    /// Messages read.
    pub scanned: i64,
    /// Messages with billing words.
    pub hits: i64,
    /// The last scan.
    pub last_at: Option<Timestamp>,
    /// The last one that could read the folder.
    pub last_good_at: Option<Timestamp>,
    /// How long that took.
    pub took: Option<Duration>,
    /// Why the last scan could not, if it could not.
    pub error: Option<String>,
}

/// A mailbox as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Mailbox {
    /// Its number.
    pub id: i64,
    /// What was given.
    pub draft: MailboxDraft,
    /// Changes with what was given, so that a scan of what it was before leaves no mark.
    pub version: i64,
    /// How far it has been read.
    pub mark: Option<Mark>,
    /// What came of it.
    pub scan: Scan,
    /// When it was added.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
}

const ROW: &str = "SELECT id, name, host, port, tls, auth, username, secret, folder, words, allow_private, interval_ms, \
     state, version, uidvalidity, last_uid, scans, failed_scans, scanned, hits, last_scan_at, last_good_at, \
     last_took_ms, last_error, created_at, updated_at FROM mailboxes";

fn mailbox(r: &Row) -> Result<Mailbox, StoreError> {
    let wrong = |column| move |message| StoreError::Decode { column, message };
    let (tls, auth, words) = (r.text(4)?, r.text(5)?, r.opt_text(9)?);
    let number = |n: i64| u32::try_from(n).unwrap_or(0);
    let span = |n: i64| Duration::from_millis(n.unsigned_abs());
    let mark = match (r.opt_int(14)?, r.opt_int(15)?) {
        (Some(validity), Some(uid)) => Some(Mark { uidvalidity: number(validity), last_uid: number(uid) }),
        _ => None,
    };
    Ok(Mailbox {
        id: r.int(0)?,
        draft: MailboxDraft {
            name: r.text(1)?,
            host: r.text(2)?,
            port: u16::try_from(r.int(3)?).unwrap_or(0),
            tls: Tls::parse(&tls).ok_or_else(|| wrong(4)(tls))?,
            auth: Auth::parse(&auth).ok_or_else(|| wrong(5)(auth))?,
            username: r.text(6)?,
            sealed: Secret::new(r.text(7)?),
            folder: r.text(8)?,
            words: words.map(|w| serde_json::from_str(&w).map_err(|e| wrong(9)(e.to_string()))).transpose()?,
            allow_private: r.flag(10)?,
            interval: span(r.int(11)?),
            enabled: r.text(12)? == TargetState::Active.as_str(),
        },
        version: r.int(13)?,
        mark,
        scan: Scan {
            scans: r.int(16)?,
            failed: r.int(17)?,
            scanned: r.int(18)?,
            hits: r.int(19)?,
            last_at: r.opt_time(20)?,
            last_good_at: r.opt_time(21)?,
            took: r.opt_int(22)?.map(span),
            error: r.opt_text(23)?,
        },
        created_at: r.time(24)?,
        updated_at: r.time(25)?,
    })
}

fn values(draft: &MailboxDraft) -> Vec<Value> {
    args![
        &draft.name,
        &draft.name,
        &draft.host,
        i64::from(draft.port),
        draft.tls.as_str(),
        draft.auth.as_str(),
        &draft.username,
        draft.sealed.reveal(),
        &draft.folder,
        draft.words.as_ref().map(|w| serde_json::json!(w).to_string()),
        draft.allow_private,
        i64::try_from(draft.interval.as_millis()).unwrap_or(i64::MAX),
        state(draft).as_str(),
    ]
}

const fn state(draft: &MailboxDraft) -> TargetState {
    if draft.enabled { TargetState::Active } else { TargetState::Paused }
}

/// Adds a mailbox and its target, due now. A taken name is [`StoreError::Conflict`].
pub async fn add_mailbox(tx: &mut Tx, draft: &MailboxDraft, now: Timestamp) -> Result<i64, StoreError> {
    let mut values = values(draft);
    values.extend(args![now, now]);
    let id = tx
        .insert_id(
            "INSERT INTO mailboxes (name, live_name, host, port, tls, auth, username, secret, folder, words, \
             allow_private, interval_ms, state, created_at, updated_at, version, scans, failed_scans, scanned, hits) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)",
            values,
        )
        .await?;
    ::store::add_target(tx, WatchKind::Mailbox, id, now, draft.interval).await?;
    ::store::set_target_state(tx, WatchKind::Mailbox, id, state(draft)).await?;
    Ok(id)
}

/// Changes a mailbox and has it scanned; answers false when there is none. One that reads another folder from now on
/// begins anew: UIDs mean nothing elsewhere.
pub async fn update_mailbox(tx: &mut Tx, id: i64, draft: &MailboxDraft, now: Timestamp) -> Result<bool, StoreError> {
    let Some(before) = hold_mailbox(tx, id).await? else { return Ok(false) };
    let mut values = values(draft);
    values.extend(args![now, id]);
    tx.exec(
        "UPDATE mailboxes SET name = ?, live_name = ?, host = ?, port = ?, tls = ?, auth = ?, username = ?, \
         secret = ?, folder = ?, words = ?, allow_private = ?, interval_ms = ?, state = ?, updated_at = ?, \
         version = version + 1 WHERE id = ?",
        values,
    )
    .await?;
    let place = |d: &MailboxDraft| (d.host.to_lowercase(), d.username.clone(), d.folder.clone());
    if place(&before.draft) != place(draft) {
        tx.exec("UPDATE mailboxes SET uidvalidity = NULL, last_uid = NULL WHERE id = ?", args![id]).await?;
    }
    ::store::set_target_state(tx, WatchKind::Mailbox, id, state(draft)).await?;
    ::store::trigger(tx, WatchKind::Mailbox, id, now).await?;
    Ok(true)
}

/// Deletes a mailbox, forgets its secret and ends its alerts; answers false when there is none.
pub async fn delete_mailbox(tx: &mut Tx, id: i64, now: Timestamp) -> Result<bool, StoreError> {
    let found = tx
        .exec(
            "UPDATE mailboxes SET state = 'deleted', live_name = NULL, secret = '', version = version + 1, \
             updated_at = ? WHERE id = ? AND state <> 'deleted'",
            args![now, id],
        )
        .await?;
    ::store::set_target_state(tx, WatchKind::Mailbox, id, TargetState::Deleted).await?;
    super::end_alerts(tx, (WatchKind::Mailbox, id), None, now, now).await?;
    Ok(found > 0)
}

/// Reads a mailbox within a transaction and keeps others from changing it until its end.
pub async fn hold_mailbox(tx: &mut Tx, id: i64) -> Result<Option<Mailbox>, StoreError> {
    // Written first: what is read behind the lock is what is there, on all three databases.
    tx.exec("UPDATE mailboxes SET version = version WHERE id = ?", args![id]).await?;
    let row = tx.query_one(&format!("{ROW} WHERE id = ? AND state <> 'deleted'"), args![id]).await?;
    row.as_ref().map(mailbox).transpose()
}

/// One mailbox by number.
pub async fn get_mailbox(store: &Store, id: i64) -> Result<Option<Mailbox>, StoreError> {
    let row = store.query_one(&format!("{ROW} WHERE id = ? AND state <> 'deleted'"), args![id]).await?;
    row.as_ref().map(mailbox).transpose()
}

/// The number of a mailbox by its name.
pub async fn find_mailbox(tx: &mut Tx, name: &str) -> Result<Option<i64>, StoreError> {
    let row = tx.query_one("SELECT id FROM mailboxes WHERE live_name = ?", args![name]).await?;
    row.map(|r| r.int(0)).transpose()
}

/// All mailboxes by name, 1,000 at most.
pub async fn list_mailboxes(store: &Store) -> Result<Vec<Mailbox>, StoreError> {
    let sql = format!("{ROW} WHERE state <> 'deleted' ORDER BY name, id LIMIT 1000");
    store.query(&sql, args![]).await?.iter().map(mailbox).collect()
}

/// Writes what a scan came to: messages read, new hits, how long it took; and the mark, if it is still of this box.
pub async fn write_scan(
    tx: &mut Tx,
    id: i64,
    mark: Option<Mark>,
    (scanned, hits, took): (u32, usize, Duration),
    at: Timestamp,
) -> Result<(), StoreError> {
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    tx.exec(
        "UPDATE mailboxes SET scans = scans + 1, scanned = scanned + ?, hits = hits + ?, last_took_ms = ?, \
         last_scan_at = ?, last_good_at = ?, last_error = NULL WHERE id = ?",
        args![scanned, hits, took, at, at, id],
    )
    .await?;
    if let Some(mark) = mark {
        tx.exec(
            "UPDATE mailboxes SET uidvalidity = ?, last_uid = ? WHERE id = ?",
            args![mark.uidvalidity, mark.last_uid, id],
        )
        .await?;
    }
    Ok(())
}

/// Writes that a scan could not read the folder, and why.
pub async fn write_failed_scan(tx: &mut Tx, id: i64, error: &str, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE mailboxes SET failed_scans = failed_scans + 1, last_scan_at = ?, last_error = ? WHERE id = ?";
    tx.exec(sql, args![at, error, id]).await?;
    Ok(())
}
