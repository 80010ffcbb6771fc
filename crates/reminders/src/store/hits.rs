//! Mails with billing words; one row for each message of a mailbox, whatever happens to its UIDs.

use ::store::{Row, Store, StoreError, Tx, args, list};
use model::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A mail with billing words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// What makes two copies the same message.
    pub message_hash: String,
    /// `Message-ID`; empty when it has none.
    pub message_id: String,
    /// Its UID when it was found.
    pub uid: u32,
    /// When the server received it, or else when it was sent, as far as either is known.
    pub received_at: Option<Timestamp>,
    /// The sender's address.
    pub sender: String,
    /// Its subject.
    pub subject: String,
    /// Who wants something.
    pub service: String,
    /// The amount, if there is one.
    pub amount: Option<Decimal>,
    /// Of the amount.
    pub currency: Option<String>,
    /// The words that were found.
    pub words: Vec<String>,
}

/// A hit as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitRow {
    /// Its number.
    pub id: i64,
    /// What was found.
    pub hit: Hit,
    /// When it was found.
    pub found_at: Timestamp,
    /// Whether people were told. Mails from long before the mailbox was added are history.
    pub alerted: bool,
}

const ROW: &str = "SELECT id, message_hash, message_id, uid, received_at, sender, subject, service, amount, currency, \
     words, found_at, alerted FROM mail_hits";

fn hit_row(r: &Row) -> Result<HitRow, StoreError> {
    let wrong = |column| move |message| StoreError::Decode { column, message };
    let (amount, words) = (r.opt_text(8)?, r.text(10)?);
    Ok(HitRow {
        id: r.int(0)?,
        hit: Hit {
            message_hash: r.text(1)?,
            message_id: r.text(2)?,
            uid: u32::try_from(r.int(3)?).unwrap_or(0),
            received_at: Some(r.time(4)?),
            sender: r.text(5)?,
            subject: r.text(6)?,
            service: r.text(7)?,
            amount: amount.map(|a| a.parse().map_err(|_| wrong(8)(a))).transpose()?,
            currency: r.opt_text(9)?,
            words: serde_json::from_str(&words).map_err(|e| wrong(10)(e.to_string()))?,
        },
        found_at: r.time(11)?,
        alerted: r.flag(12)?,
    })
}

/// Those of the messages that were found before.
pub async fn known_hits(tx: &mut Tx, mailbox: i64, hashes: &[&str]) -> Result<HashSet<String>, StoreError> {
    let mut known = HashSet::new();
    let sql = "SELECT message_hash FROM mail_hits WHERE mailbox_id = ? AND message_hash IN (@LIST@)";
    for row in tx.query_listed(sql, args![mailbox], list(hashes)).await? {
        known.insert(row.text(0)?);
    }
    Ok(known)
}

/// Adds a hit that is not known yet; [`StoreError::Conflict`] when it is.
pub async fn add_hit(tx: &mut Tx, mailbox: i64, hit: &Hit, alerted: bool, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO mail_hits (mailbox_id, message_hash, message_id, uid, received_at, sender, subject, service, \
         amount, currency, words, found_at, alerted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            mailbox,
            &hit.message_hash,
            &hit.message_id,
            hit.uid,
            hit.received_at.unwrap_or(now),
            &hit.sender,
            &hit.subject,
            &hit.service,
            hit.amount.map(|a| a.to_string()),
            hit.currency.as_deref(),
            serde_json::json!(hit.words).to_string(),
            now,
            alerted,
        ],
    )
    .await?;
    Ok(())
}

/// A page of a mailbox's hits, newest first, and how many there are in all.
pub async fn list_hits(
    store: &Store,
    mailbox: i64,
    (offset, limit): (u32, u32),
) -> Result<(Vec<HitRow>, u64), StoreError> {
    let total = store.query_one("SELECT COUNT(*) FROM mail_hits WHERE mailbox_id = ?", args![mailbox]).await?;
    let total = total.map_or(Ok(0), |r| r.int(0))?;
    let sql = format!("{ROW} WHERE mailbox_id = ? ORDER BY received_at DESC, id DESC LIMIT ? OFFSET ?");
    let rows = store.query(&sql, args![mailbox, limit, offset]).await?;
    Ok((rows.iter().map(hit_row).collect::<Result<_, _>>()?, total.unsigned_abs()))
}
