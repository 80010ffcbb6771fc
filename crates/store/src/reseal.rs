//! Sealing anew what was sealed with an older key.

use crate::args;
use crate::error::StoreError;
use crate::handle::Store;
use crate::seal::{Keyring, KeyringError};

/// A column that holds sealed texts; empty ones are none.
#[derive(Clone, Copy, Debug)]
pub struct Sealed {
    /// The table; it has an `id`.
    pub table: &'static str,
    /// The column of the sealed text.
    pub column: &'static str,
    /// The column of its fingerprint, if it has one.
    pub fingerprint: Option<&'static str>,
}

/// Why rows could not be sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// One of them could not be opened or sealed.
    #[error("{table} {id}: {fault}")]
    Keyring {
        /// The table.
        table: &'static str,
        /// Its number.
        id: i64,
        /// Why.
        fault: KeyringError,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Rows of one transaction.
const STEP: i64 = 500;

/// How many rows are to be sealed anew.
pub async fn reseal_left(store: &Store, keyring: &Keyring, sealed: Sealed) -> Result<u64, ResealError> {
    let Sealed { table, column, .. } = sealed;
    let sql =
        format!("SELECT COUNT(*) FROM {table} WHERE {column} IS NOT NULL AND {column} <> '' AND {column} NOT LIKE ?");
    let row = store.query_one(&sql, args![prefix(keyring, table)?]).await?;
    Ok(row.map(|r| r.int(0)).transpose()?.unwrap_or_default().unsigned_abs())
}

/// Seals some rows with the key that seals now, and their fingerprints too; answers how many. Zero: all are.
/// A text that was changed meanwhile stays as it is and comes next time.
pub async fn reseal(store: &Store, keyring: &Keyring, sealed: Sealed) -> Result<u64, ResealError> {
    let Sealed { table, column, fingerprint } = sealed;
    let prefix = prefix(keyring, table)?;
    let mut tx = store.begin().await?;
    let rows = tx
        .query(
            &format!(
                "SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL AND {column} <> '' \
                 AND {column} NOT LIKE ? ORDER BY id LIMIT ?"
            ),
            args![prefix, STEP],
        )
        .await?;
    for row in &rows {
        let (id, old) = (row.int(0)?, row.text(1)?);
        let fault = |fault| ResealError::Keyring { table, id, fault };
        let text = keyring.open(&old).map_err(fault)?;
        let mut sets = format!("{column} = ?");
        let mut values = args![keyring.seal(&text).map_err(fault)?];
        if let Some(fingerprint) = fingerprint {
            sets = format!("{sets}, {fingerprint} = ?");
            values.push(keyring.fingerprint(&text).map_err(fault)?.into());
        }
        values.extend(args![id, old]);
        tx.exec(&format!("UPDATE {table} SET {sets} WHERE id = ? AND {column} = ?"), values).await?;
    }
    tx.commit().await?;
    Ok(rows.len() as u64)
}

/// The key's name stands in the sealed text, so what is left is found without opening any.
fn prefix(keyring: &Keyring, table: &'static str) -> Result<String, ResealError> {
    let probe = keyring.seal("").map_err(|fault| ResealError::Keyring { table, id: 0, fault })?;
    let prefix: String = probe.split_inclusive(':').take(3).collect();
    Ok(prefix + "%")
}
