//! Bringing the tables up to date. A migration is one portable text, applied statement by statement; on databases
//! whose DDL is not transactional an interrupted one is simply run again, since every statement may be repeated.

use crate::args;
use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use model::Timestamp;
use std::time::Duration;

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// `group/number-title`, unique for good.
    pub name: &'static str,
    /// Statements, each ended by `;` at the end of a line.
    pub sql: &'static str,
}

/// The tables every watch shares.
pub const ENGINE_MIGRATIONS: &[Migration] = &[
    Migration { name: "engine/001-first", sql: include_str!("../migrations/001-first.sql") },
    Migration { name: "engine/002-sessions", sql: include_str!("../migrations/002-sessions.sql") },
    Migration { name: "engine/003-origin", sql: include_str!("../migrations/003-origin.sql") },
];

const BOOKKEEPING: &str = "CREATE TABLE IF NOT EXISTS schema_migrations \
     (name VARCHAR(191) NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL) @TABLE@";

/// The names of those that have not been applied yet, in order.
pub async fn pending(store: &Store, migrations: &[Migration]) -> Result<Vec<&'static str>, StoreError> {
    let applied = match store.query("SELECT name FROM schema_migrations", args![]).await {
        Ok(rows) => rows.iter().map(|r| r.text(0)).collect::<Result<Vec<_>, _>>()?,
        // The table itself comes with the first migration.
        Err(StoreError::Database(_)) => Vec::new(),
        Err(e) => return Err(e),
    };
    Ok(migrations.iter().map(|m| m.name).filter(|name| !applied.iter().any(|a| a == name)).collect())
}

/// Tries of bringing a server's database up to date.
const TRIES: u32 = 6;

impl Store {
    /// Applies what is pending, in order; answers the names applied.
    pub async fn migrate(&self, migrations: &[Migration], now: Timestamp) -> Result<Vec<&'static str>, StoreError> {
        let mut applied = Vec::new();
        let mut tries = 0;
        loop {
            tries += 1;
            match self.migrate_on(migrations, now, &mut applied).await {
                Ok(()) => return Ok(applied),
                // Another process may be bringing the same database up: what it has done is seen the next time.
                Err(e) if tries < TRIES && self.dialect() != Dialect::Sqlite => {
                    tracing::debug!(error = %e, "migration met another process, perhaps; again");
                    tokio::time::sleep(Duration::from_millis(50 << tries)).await;
                }
                Err(e) => return Err(e),
            }
        }
    }

    async fn migrate_on(
        &self,
        migrations: &[Migration],
        now: Timestamp,
        applied: &mut Vec<&'static str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.exec(BOOKKEEPING, args![]).await?;
        tx.commit().await?;
        let names = pending(self, migrations).await?;
        for migration in migrations.iter().filter(|m| names.contains(&m.name)) {
            let mut tx = self.patient().begin().await?;
            apply(&mut tx, migration, now).await?;
            tx.commit().await?;
            applied.push(migration.name);
        }
        Ok(())
    }
}

/// The statements of a migration, in order.
pub(crate) fn statements(migration: &Migration) -> impl Iterator<Item = &'static str> {
    let parts = migration.sql.split(";\n").map(|part| part.trim().trim_end_matches(';'));
    parts.filter(|part| !part.is_empty())
}

async fn apply(tx: &mut Tx, migration: &Migration, now: Timestamp) -> Result<(), StoreError> {
    for statement in statements(migration) {
        match tx.exec(statement, args![]).await {
            Ok(_) => {}
            // Not every database knows IF NOT EXISTS for indexes and columns: a repeated run meets its own work. (On
            // PostgreSQL, where a failed statement ends the transaction, all of ours know it.)
            Err(StoreError::Database(m)) if is_own_work(&m) => {}
            Err(e) => return Err(StoreError::Migration { name: migration.name.to_owned(), message: e.to_string() }),
        }
    }
    let insert = "INSERT INTO schema_migrations (name, applied_at) VALUES (?, ?)";
    tx.exec(insert, args![migration.name, now]).await?;
    Ok(())
}

fn is_own_work(message: &str) -> bool {
    ["Duplicate key name", "Duplicate column name", "duplicate column name"].iter().any(|known| message.contains(known))
}
