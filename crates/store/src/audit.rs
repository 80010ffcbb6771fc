//! Who changed what.

use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use model::Timestamp;

/// One state change by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// By whom: the credential's name, never the credential.
    pub actor: String,
    /// What: `ip.create`, `alert.ack` …
    pub action: String,
    /// To what.
    pub subject: String,
}

/// Writes an entry in the transaction of the change itself.
pub async fn audit(tx: &mut Tx, entry: &AuditEntry) -> Result<(), StoreError> {
    tx.exec(
        "INSERT INTO audit (at, actor, action, subject) VALUES (?, ?, ?, ?)",
        args![entry.at, &entry.actor, &entry.action, &entry.subject],
    )
    .await?;
    Ok(())
}

/// The newest `limit` entries.
pub async fn audit_log(store: &Store, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
    let rows = store
        .query("SELECT at, actor, action, subject FROM audit ORDER BY id DESC LIMIT ?", args![i64::from(limit)])
        .await?;
    rows.iter()
        .map(|r| Ok(AuditEntry { at: r.time(0)?, actor: r.text(1)?, action: r.text(2)?, subject: r.text(3)? }))
        .collect()
}

/// A page of the log, the newest first, and how many entries there are: those with `text` in actor, action or subject.
pub async fn list_audit(
    store: &Store,
    text: &str,
    (offset, limit): (u32, u32),
) -> Result<(Vec<(i64, AuditEntry)>, u64), StoreError> {
    let pattern = format!("%{}%", text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_"));
    let matches =
        "LOWER(actor) LIKE ? ESCAPE '!' OR LOWER(action) LIKE ? ESCAPE '!' OR LOWER(subject) LIKE ? ESCAPE '!'";
    let values = args![&pattern, &pattern, &pattern];
    let total = store.query_one(&format!("SELECT COUNT(*) FROM audit WHERE {matches}"), values.clone()).await?;
    let total = total.map(|r| r.int(0)).transpose()?.unwrap_or_default().unsigned_abs();
    let sql =
        format!("SELECT id, at, actor, action, subject FROM audit WHERE {matches} ORDER BY id DESC LIMIT ? OFFSET ?");
    let mut values = values;
    values.extend(args![limit, offset]);
    let entry = |r: &crate::Row| {
        let entry = AuditEntry { at: r.time(1)?, actor: r.text(2)?, action: r.text(3)?, subject: r.text(4)? };
        Ok::<_, StoreError>((r.int(0)?, entry))
    };
    let rows = store.query(&sql, values).await?;
    Ok((rows.iter().map(entry).collect::<Result<_, _>>()?, total))
}
