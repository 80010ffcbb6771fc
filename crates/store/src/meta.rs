//! Single facts about this installation, by name.

use crate::args;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use crate::insert::{OnConflict, Set};

/// Reads a fact.
pub async fn get_meta(store: &Store, name: &str) -> Result<Option<String>, StoreError> {
    let row = store.query_one("SELECT value FROM meta WHERE name = ?", args![name]).await?;
    row.map(|r| r.text(0)).transpose()
}

/// Writes a fact.
pub async fn set_meta(tx: &mut Tx, name: &str, value: &str) -> Result<(), StoreError> {
    let conflict = OnConflict::Update(&["name"], &[Set::To("value")]);
    tx.insert_many("meta", &["name", "value"], vec![args![name, value]], conflict).await
}
