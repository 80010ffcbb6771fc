//! Reading all tables as they were at one instant, while others go on writing.

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::handle::{Pools, Store, bound};
use crate::row::Row;
use crate::value::Value;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor as _, MySql, Postgres, Sqlite};

/// A transaction that only reads, and sees nothing that was committed after it began. Its connection is closed with it.
pub struct Snapshot {
    kind: Kind,
}

enum Kind {
    Sqlite(PoolConnection<Sqlite>),
    MySql(PoolConnection<MySql>),
    Postgres(PoolConnection<Postgres>),
}

impl Store {
    /// Begins a reading of everything as it is now.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let kind = match &self.pools {
            Pools::Sqlite { readers, .. } => {
                let mut connection = readers.acquire().await?;
                connection.close_on_drop();
                connection.execute("BEGIN").await?;
                // The instant is that of the first reading.
                connection.execute("SELECT COUNT(*) FROM sqlite_master").await?;
                Kind::Sqlite(connection)
            }
            Pools::MySql(pool) => {
                let mut connection = pool.acquire().await?;
                connection.close_on_drop();
                // Of the next transaction only; under READ COMMITTED each statement would see an instant of its own.
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
                connection.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
                Kind::MySql(connection)
            }
            Pools::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                connection.close_on_drop();
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                connection.execute("SELECT 1").await?;
                Kind::Postgres(connection)
            }
        };
        Ok(Snapshot { kind })
    }
}

impl Snapshot {
    /// Which database this is.
    pub const fn dialect(&self) -> Dialect {
        match &self.kind {
            Kind::Sqlite(_) => Dialect::Sqlite,
            Kind::MySql(_) => Dialect::MySql,
            Kind::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Reads.
    pub async fn query(&mut self, sql: &str, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let sql = self.dialect().translate(sql);
        Ok(match &mut self.kind {
            Kind::Sqlite(connection) => {
                let rows = bound!(sql, true, args).fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Kind::MySql(connection) => {
                let rows = bound!(sql, true, args).fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::MySql).collect()
            }
            Kind::Postgres(connection) => {
                let rows = bound!(sql, true, args).fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// How many rows a table has.
    pub async fn count(&mut self, table: &str) -> Result<u64, StoreError> {
        let rows = self.query(&format!("SELECT COUNT(*) FROM {table}"), Vec::new()).await?;
        rows.first().map_or(Ok(0), |r| Ok(r.int(0)?.unsigned_abs()))
    }
}
