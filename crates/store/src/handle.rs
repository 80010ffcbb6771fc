//! Opening a database, reading from it, and the one kind of write: a transaction.

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::open;
use crate::row::Row;
use crate::value::Value;
use sqlx::{AssertSqlSafe, MySqlPool, PgPool, SqlitePool};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the connections to a server have to close.
const CLOSING: Duration = Duration::from_secs(5);

/// How to open the database.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// `sqlite://path`, `sqlite::memory:`, `mysql://…`, `mariadb://…` or `postgres://…`.
    pub url: String,
    /// Connections for reading (SQLite) or in all (the others).
    pub max_connections: u32,
    /// How long a statement waits for another writer.
    pub busy_timeout: Duration,
    /// How long a server may take over a statement; then its connection is given up. SQLite's own are not limited.
    pub statement_timeout: Duration,
}

impl OpenOptions {
    /// The defaults for a URL: 8 connections, 10 s of patience for others, 60 s for a statement.
    pub fn new(url: impl Into<String>) -> Self {
        let (busy_timeout, statement_timeout) = (Duration::from_secs(10), Duration::from_secs(60));
        Self { url: url.into(), max_connections: 8, busy_timeout, statement_timeout }
    }
}

/// Is told how long each statement and commit took, in real time. Called where the statement was made, so it must not
/// block.
pub type Stopwatch = Arc<dyn Fn(Duration) + Send + Sync>;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) pools: Pools,
    patience: Option<Duration>,
    stopwatch: Option<Stopwatch>,
}

#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    MySql(MySqlPool),
    Postgres(PgPool),
}

/// A write transaction. Dropped without [`Tx::commit`], it leaves nothing behind.
pub struct Tx {
    kind: TxKind,
    patience: Option<Duration>,
    stopwatch: Option<Stopwatch>,
    origin: Option<String>,
}

enum TxKind {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    MySql(sqlx::Transaction<'static, sqlx::MySql>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// Binds the arguments to a query of any of the three databases.
macro_rules! bound {
    ($sql:expr, $persistent:expr, $args:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql)).persistent($persistent);
        for value in $args {
            query = match value {
                Value::Int(v) => query.bind(v),
                Value::Real(v) => query.bind(v),
                Value::Text(v) => query.bind(v),
                Value::NullInt => query.bind(None::<i64>),
                Value::NullReal => query.bind(None::<f64>),
                Value::NullText => query.bind(None::<String>),
            };
        }
        query
    }};
}
pub(crate) use bound;

impl Store {
    /// Opens the database at the URL, making an SQLite file that is not there yet.
    pub async fn open(options: &OpenOptions) -> Result<Self, StoreError> {
        Ok(Self { pools: open::pools(options).await?, patience: Some(options.statement_timeout), stopwatch: None })
    }

    /// The same database without a limit to how long a statement may take: for changes of whole tables.
    #[must_use]
    pub fn patient(&self) -> Self {
        Self { patience: None, ..self.clone() }
    }

    /// Tells `stopwatch` of every statement of this handle and its clones.
    #[must_use]
    pub fn timed(mut self, stopwatch: Stopwatch) -> Self {
        self.stopwatch = Some(stopwatch);
        self
    }

    /// Which database this is.
    pub const fn dialect(&self) -> Dialect {
        match &self.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::MySql(_) => Dialect::MySql,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Reads outside of a transaction, on a connection that is not the writer's.
    pub async fn query(&self, sql: &str, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let sql = self.dialect().translate(sql);
        let persistent = args.len() < 64;
        self.read(sql, persistent, args).await
    }

    /// Reads with a statement that is already in the database's own words.
    pub(crate) async fn read(&self, sql: String, persistent: bool, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let _timed = Timed::of(&self.stopwatch);
        Ok(match &self.pools {
            Pools::Sqlite { readers, .. } => {
                let rows = bound!(sql, persistent, args).fetch_all(readers).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Pools::MySql(pool) => {
                let rows = within(self.patience, bound!(sql, persistent, args).fetch_all(pool)).await?;
                rows.into_iter().map(Row::MySql).collect()
            }
            Pools::Postgres(pool) => {
                let rows = within(self.patience, bound!(sql, persistent, args).fetch_all(pool)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of [`Store::query`].
    pub async fn query_one(&self, sql: &str, args: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, args).await?.into_iter().next())
    }

    /// Begins a write transaction. On SQLite there is one writer: others wait here.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let kind = match &self.pools {
            // IMMEDIATE, because a reader that turns writer meets SQLITE_BUSY_SNAPSHOT, which no time-out waits for.
            Pools::Sqlite { writer, .. } => TxKind::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::MySql(pool) => TxKind::MySql(within(self.patience, pool.begin()).await?),
            Pools::Postgres(pool) => TxKind::Postgres(within(self.patience, pool.begin()).await?),
        };
        Ok(Tx { kind, patience: self.patience, stopwatch: self.stopwatch.clone(), origin: None })
    }

    /// Connections in use and idle, for metrics.
    pub fn connections(&self) -> (u32, u32) {
        let (size, idle) = match &self.pools {
            Pools::Sqlite { writer, readers } => {
                (writer.size() + readers.size(), writer.num_idle() + readers.num_idle())
            }
            Pools::MySql(pool) => (pool.size(), pool.num_idle()),
            Pools::Postgres(pool) => (pool.size(), pool.num_idle()),
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        (size.saturating_sub(idle), idle)
    }

    /// Closes all connections; on SQLite the log is folded into the file.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                let _ = sqlx::query("PRAGMA optimize").execute(writer).await;
                writer.close().await;
            }
            Pools::MySql(pool) => within_grace(pool.close()).await,
            Pools::Postgres(pool) => within_grace(pool.close()).await,
        }
    }
}

impl Tx {
    /// Which database this is.
    pub const fn dialect(&self) -> Dialect {
        match &self.kind {
            TxKind::Sqlite(_) => Dialect::Sqlite,
            TxKind::MySql(_) => Dialect::MySql,
            TxKind::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement; answers the number of rows it matched.
    pub async fn exec(&mut self, sql: &str, args: Vec<Value>) -> Result<u64, StoreError> {
        let sql = self.dialect().translate(sql);
        let persistent = args.len() < 64;
        self.run(sql, persistent, args).await
    }

    /// Says which trace (a W3C `traceparent`) the messages written from here on belong to.
    pub fn set_origin(&mut self, traceparent: Option<String>) {
        self.origin = traceparent;
    }

    pub(crate) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Runs a statement that is already in the database's own words.
    pub(crate) async fn run(&mut self, sql: String, persistent: bool, args: Vec<Value>) -> Result<u64, StoreError> {
        let (_timed, patience) = (Timed::of(&self.stopwatch), self.patience);
        Ok(match &mut self.kind {
            TxKind::Sqlite(tx) => bound!(sql, persistent, args).execute(&mut **tx).await?.rows_affected(),
            TxKind::MySql(tx) => {
                within(patience, bound!(sql, persistent, args).execute(&mut **tx)).await?.rows_affected()
            }
            TxKind::Postgres(tx) => {
                within(patience, bound!(sql, persistent, args).execute(&mut **tx)).await?.rows_affected()
            }
        })
    }

    /// Runs an INSERT into a table with an `id` column; answers the new id.
    pub async fn insert_id(&mut self, sql: &str, args: Vec<Value>) -> Result<i64, StoreError> {
        let sql = self.dialect().translate(sql);
        let (_timed, patience) = (Timed::of(&self.stopwatch), self.patience);
        Ok(match &mut self.kind {
            TxKind::Sqlite(tx) => bound!(sql, true, args).execute(&mut **tx).await?.last_insert_rowid(),
            TxKind::MySql(tx) => {
                let id = within(patience, bound!(sql, true, args).execute(&mut **tx)).await?.last_insert_id();
                i64::try_from(id).unwrap_or(i64::MAX)
            }
            TxKind::Postgres(tx) => {
                let query = bound!(format!("{sql} RETURNING id"), true, args);
                let row = within(patience, query.fetch_one(&mut **tx)).await?;
                Row::Postgres(row).int(0)?
            }
        })
    }

    /// Reads within the transaction.
    pub async fn query(&mut self, sql: &str, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let sql = self.dialect().translate(sql);
        let persistent = args.len() < 64;
        self.read(sql, persistent, args).await
    }

    /// Reads with a statement that is already in the database's own words.
    pub(crate) async fn read(
        &mut self,
        sql: String,
        persistent: bool,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let (_timed, patience) = (Timed::of(&self.stopwatch), self.patience);
        Ok(match &mut self.kind {
            TxKind::Sqlite(tx) => {
                let rows = bound!(sql, persistent, args).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            TxKind::MySql(tx) => {
                let rows = within(patience, bound!(sql, persistent, args).fetch_all(&mut **tx)).await?;
                rows.into_iter().map(Row::MySql).collect()
            }
            TxKind::Postgres(tx) => {
                let rows = within(patience, bound!(sql, persistent, args).fetch_all(&mut **tx)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row of [`Tx::query`].
    pub async fn query_one(&mut self, sql: &str, args: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, args).await?.into_iter().next())
    }

    /// Ends the transaction without its writes, now: a dropped one is rolled back a little later, and until then its
    /// row locks make other claims skip the rows it looked at.
    pub async fn rollback(self) -> Result<(), StoreError> {
        let patience = self.patience;
        match self.kind {
            TxKind::Sqlite(tx) => tx.rollback().await?,
            TxKind::MySql(tx) => within(patience, tx.rollback()).await?,
            TxKind::Postgres(tx) => within(patience, tx.rollback()).await?,
        }
        Ok(())
    }

    /// Makes the transaction's writes last.
    pub async fn commit(self) -> Result<(), StoreError> {
        let patience = self.patience;
        let _timed = Timed::of(&self.stopwatch);
        match self.kind {
            TxKind::Sqlite(tx) => tx.commit().await?,
            TxKind::MySql(tx) => within(patience, tx.commit()).await?,
            TxKind::Postgres(tx) => within(patience, tx.commit()).await?,
        }
        Ok(())
    }
}

/// Stops when it goes out of scope.
struct Timed(Option<(Stopwatch, Instant)>);

impl Timed {
    fn of(stopwatch: &Option<Stopwatch>) -> Self {
        Self(stopwatch.as_ref().map(|stopwatch| (Arc::clone(stopwatch), Instant::now())))
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        if let Some((stopwatch, begun)) = &self.0 {
            stopwatch(begun.elapsed());
        }
    }
}

/// A connection that was cut off while it was being given back is waited for by the pool until the system gives it up.
async fn within_grace(closing: impl Future<Output = ()>) {
    if tokio::time::timeout(CLOSING, closing).await.is_err() {
        tracing::debug!("a connection to the database did not close in time");
    }
}

/// What a server answers, unless it takes too long; then nobody knows what it did, and the connection is given up.
async fn within<T>(
    patience: Option<Duration>,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    let Some(patience) = patience else { return Ok(work.await?) };
    let answered = tokio::time::timeout(patience, work).await;
    Ok(answered.map_err(|_| StoreError::Database(format!("no answer within {patience:?}")))??)
}
