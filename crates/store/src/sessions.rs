//! Who is logged in. Of a session's id only the hash is here: a stolen database opens nothing.

use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use model::Timestamp;

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the id, in hex.
    pub id_hash: String,
    /// Whose it is: `user:NAME`, `key:NAME` or `admin`.
    pub principal: String,
    /// Fingerprint of the credential it was opened with; a changed credential ends its sessions.
    pub proof: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Opens a session, and forgets those that have ended.
pub async fn open_session(tx: &mut Tx, session: &SessionRow) -> Result<(), StoreError> {
    tx.exec("DELETE FROM sessions WHERE expires_at <= ?", args![session.created_at]).await?;
    tx.exec(
        "INSERT INTO sessions (id_hash, principal, proof, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        args![&session.id_hash, &session.principal, &session.proof, session.created_at, session.expires_at],
    )
    .await?;
    Ok(())
}

/// The session of this hash, if it has not ended at `now`.
pub async fn find_session(store: &Store, id_hash: &str, now: Timestamp) -> Result<Option<SessionRow>, StoreError> {
    let sql = "SELECT id_hash, principal, proof, created_at, expires_at FROM sessions \
               WHERE id_hash = ? AND expires_at > ?";
    let row = store.query_one(sql, args![id_hash, now]).await?;
    row.map(|r| {
        Ok(SessionRow {
            id_hash: r.text(0)?,
            principal: r.text(1)?,
            proof: r.text(2)?,
            created_at: r.time(3)?,
            expires_at: r.time(4)?,
        })
    })
    .transpose()
}

/// Ends the session of this hash; answers whether there was one.
pub async fn close_session(tx: &mut Tx, id_hash: &str) -> Result<bool, StoreError> {
    Ok(tx.exec("DELETE FROM sessions WHERE id_hash = ?", args![id_hash]).await? > 0)
}
