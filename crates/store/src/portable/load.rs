//! Rows into the tables of another database.

use super::schema::{Table, is_missing};
use crate::args;
use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use crate::insert::OnConflict;
use crate::meta::set_meta;
use crate::value::Value;

/// The fact that says that this database was not filled to its end; no server works on it.
pub const UNFINISHED: &str = "unfinished";

/// Text of one statement at most: servers refuse packets over 16 MiB.
const STATEMENT_BYTES: usize = 4 << 20;

/// Writes rows as they are, numbers included.
pub async fn load(tx: &mut Tx, table: &Table, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    let columns: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let (mut part, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let size: usize = row.iter().map(|v| if let Value::Text(t) = v { t.len() + 8 } else { 8 }).sum();
        if bytes + size > STATEMENT_BYTES && !part.is_empty() {
            tx.insert_many(&table.name, &columns, std::mem::take(&mut part), OnConflict::Fail).await?;
            bytes = 0;
        }
        bytes += size;
        part.push(row);
    }
    tx.insert_many(&table.name, &columns, part, OnConflict::Fail).await
}

/// Makes the database number the next row after the highest it has. SQLite and MySQL do so by themselves.
pub(super) async fn renumber(tx: &mut Tx, table: &Table) -> Result<(), StoreError> {
    if tx.dialect() != Dialect::Postgres || !table.numbered {
        return Ok(());
    }
    let (name, id) = (&table.name, &table.columns[table.key[0]].name);
    let sql = format!(
        "SELECT setval(pg_get_serial_sequence('{name}', '{id}'), COALESCE(MAX({id}), 0) + 1, false) FROM {name}"
    );
    tx.query(&sql, args![]).await?;
    Ok(())
}

/// Whether no table has a row; the list of migrations does not count. Tables that are not there are empty.
pub async fn is_empty(store: &Store, tables: &[Table]) -> Result<bool, StoreError> {
    for table in tables {
        match store.query(&format!("SELECT 1 FROM {} LIMIT 1", table.name), args![]).await {
            Ok(rows) if rows.is_empty() => {}
            Ok(_) => return Ok(false),
            Err(StoreError::Database(why)) if is_missing(&why) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// Takes the tables away, and the list of migrations first: what is cut off in the middle starts anew.
pub async fn drop_tables(store: &Store, tables: &[Table]) -> Result<(), StoreError> {
    for name in ["schema_migrations"].into_iter().chain(tables.iter().map(|table| table.name.as_str())) {
        let mut tx = store.begin().await?;
        tx.exec(&format!("DROP TABLE IF EXISTS {name}"), args![]).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Takes the rows of a table away.
pub(super) async fn clear(store: &Store, table: &Table) -> Result<(), StoreError> {
    let verb = if store.dialect() == Dialect::Sqlite { "DELETE FROM" } else { "TRUNCATE TABLE" };
    let mut tx = store.begin().await?;
    tx.exec(&format!("{verb} {}", table.name), args![]).await?;
    tx.commit().await
}

/// Notes what is being done to this database; [`unfinished`] finds it until all of it is done.
pub async fn set_unfinished(store: &Store, what: &str) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    set_meta(&mut tx, UNFINISHED, what).await?;
    tx.commit().await
}

/// What was begun with this database and not ended, if anything.
pub async fn unfinished(store: &Store) -> Result<Option<String>, StoreError> {
    match crate::meta::get_meta(store, UNFINISHED).await {
        Err(StoreError::Database(why)) if is_missing(&why) => Ok(None),
        found => found,
    }
}

/// Ends what was begun: every numbered table goes on after its highest number, the list of migrations says when they
/// were applied first, which is what tells installations apart, and the note that something is unfinished goes.
pub async fn finish(tx: &mut Tx, tables: &[Table], applied: &[(String, i64)]) -> Result<(), StoreError> {
    for table in tables {
        renumber(tx, table).await?;
    }
    tx.exec("DELETE FROM schema_migrations", args![]).await?;
    let list = applied.iter().map(|(name, at)| args![name, *at]).collect();
    tx.insert_many("schema_migrations", &["name", "applied_at"], list, OnConflict::Fail).await?;
    tx.exec("DELETE FROM meta WHERE name = ?", args![UNFINISHED]).await?;
    Ok(())
}
