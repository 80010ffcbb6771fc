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
