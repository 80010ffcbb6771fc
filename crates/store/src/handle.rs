//! Opening a database, reading from it, and the one kind of write: a transaction.

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::row::Row;
use crate::value::Value;
use sqlx::{AssertSqlSafe, MySqlPool, PgPool, SqlitePool};
use sqlx::{mysql, postgres, sqlite};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How to open the database.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// `sqlite://path`, `sqlite::memory:`, `mysql://…`, `mariadb://…` or `postgres://…`.
    pub url: String,
    /// Connections for reading (SQLite) or in all (the others).
    pub max_connections: u32,
    /// How long a statement waits for another writer.
    pub busy_timeout: Duration,
}

impl OpenOptions {
    /// The defaults for a URL: 8 connections, 10 s of patience.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), max_connections: 8, busy_timeout: Duration::from_secs(10) }
    }
}

/// Is told how long each statement and commit took, in real time. Called where the statement was made, so it must not
/// block.
pub type Stopwatch = Arc<dyn Fn(Duration) + Send + Sync>;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) pools: Pools,
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
        let url = options.url.as_str();
        let pools = if url.starts_with("sqlite:") {
            open_sqlite(options).await?
        } else if let Some(rest) = url.strip_prefix("mysql://").or_else(|| url.strip_prefix("mariadb://")) {
            Pools::MySql(open_mysql(&format!("mysql://{rest}"), options).await?)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Pools::Postgres(open_postgres(options).await?)
        } else {
            let scheme = url.split(':').next().unwrap_or_default();
            return Err(StoreError::Url(format!(
                "unknown database {scheme:?}; use sqlite://, mysql://, mariadb:// or postgres://"
            )));
        };
        Ok(Self { pools, stopwatch: None })
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
        let _timed = Timed::of(&self.stopwatch);
        Ok(match &self.pools {
            Pools::Sqlite { readers, .. } => {
                let rows = bound!(sql, persistent, args).fetch_all(readers).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Pools::MySql(pool) => {
                let rows = bound!(sql, persistent, args).fetch_all(pool).await?;
                rows.into_iter().map(Row::MySql).collect()
            }
            Pools::Postgres(pool) => {
                let rows = bound!(sql, persistent, args).fetch_all(pool).await?;
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
            Pools::MySql(pool) => TxKind::MySql(pool.begin().await?),
            Pools::Postgres(pool) => TxKind::Postgres(pool.begin().await?),
        };
        Ok(Tx { kind, stopwatch: self.stopwatch.clone(), origin: None })
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
            Pools::MySql(pool) => pool.close().await,
            Pools::Postgres(pool) => pool.close().await,
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
        let _timed = Timed::of(&self.stopwatch);
        Ok(match &mut self.kind {
            TxKind::Sqlite(tx) => bound!(sql, persistent, args).execute(&mut **tx).await?.rows_affected(),
            TxKind::MySql(tx) => bound!(sql, persistent, args).execute(&mut **tx).await?.rows_affected(),
            TxKind::Postgres(tx) => bound!(sql, persistent, args).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Runs an INSERT into a table with an `id` column; answers the new id.
    pub async fn insert_id(&mut self, sql: &str, args: Vec<Value>) -> Result<i64, StoreError> {
        let sql = self.dialect().translate(sql);
        let _timed = Timed::of(&self.stopwatch);
        Ok(match &mut self.kind {
            TxKind::Sqlite(tx) => bound!(sql, true, args).execute(&mut **tx).await?.last_insert_rowid(),
            TxKind::MySql(tx) => {
                let id = bound!(sql, true, args).execute(&mut **tx).await?.last_insert_id();
                i64::try_from(id).unwrap_or(i64::MAX)
            }
            TxKind::Postgres(tx) => {
                let row = bound!(format!("{sql} RETURNING id"), true, args).fetch_one(&mut **tx).await?;
                Row::Postgres(row).int(0)?
            }
        })
    }

    /// Reads within the transaction.
    pub async fn query(&mut self, sql: &str, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let sql = self.dialect().translate(sql);
        let persistent = args.len() < 64;
        let _timed = Timed::of(&self.stopwatch);
        Ok(match &mut self.kind {
            TxKind::Sqlite(tx) => {
                let rows = bound!(sql, persistent, args).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            TxKind::MySql(tx) => {
                let rows = bound!(sql, persistent, args).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::MySql).collect()
            }
            TxKind::Postgres(tx) => {
                let rows = bound!(sql, persistent, args).fetch_all(&mut **tx).await?;
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
        match self.kind {
            TxKind::Sqlite(tx) => tx.rollback().await?,
            TxKind::MySql(tx) => tx.rollback().await?,
            TxKind::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// Makes the transaction's writes last.
    pub async fn commit(self) -> Result<(), StoreError> {
        let _timed = Timed::of(&self.stopwatch);
        match self.kind {
            TxKind::Sqlite(tx) => tx.commit().await?,
            TxKind::MySql(tx) => tx.commit().await?,
            TxKind::Postgres(tx) => tx.commit().await?,
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

async fn open_sqlite(options: &OpenOptions) -> Result<Pools, StoreError> {
    let connect = sqlite::SqliteConnectOptions::from_str(&options.url)
        .map_err(|e| StoreError::Url(format!("not an SQLite path: {e}")))?
        .create_if_missing(true)
        .journal_mode(sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlite::SqliteSynchronous::Normal)
        .foreign_keys(false)
        .busy_timeout(options.busy_timeout)
        // Not mapped into memory: each of the connections would count the whole file as its own.
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory");
    let writer = sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(options.busy_timeout.max(Duration::from_secs(60)))
        .connect_with(connect.clone())
        .await?;
    if options.url.contains(":memory:") {
        return Ok(Pools::Sqlite { readers: writer.clone(), writer });
    }
    let readers = sqlite::SqlitePoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .connect_with(connect.read_only(true).pragma("cache_size", "-4000"))
        .await?;
    Ok(Pools::Sqlite { writer, readers })
}

async fn open_mysql(url: &str, options: &OpenOptions) -> Result<MySqlPool, StoreError> {
    let connect =
        mysql::MySqlConnectOptions::from_str(url).map_err(|_| StoreError::Url("not a MySQL URL".to_owned()))?;
    let pool = mysql::MySqlPoolOptions::new()
        .max_connections(options.max_connections.max(2))
        .acquire_timeout(options.busy_timeout)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Under REPEATABLE READ a claim that skips locked rows still reads an old snapshot.
                sqlx::query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").execute(connection).await?;
                Ok(())
            })
        })
        .connect_with(connect)
        .await?;
    Ok(pool)
}

async fn open_postgres(options: &OpenOptions) -> Result<PgPool, StoreError> {
    let connect = postgres::PgConnectOptions::from_str(&options.url)
        .map_err(|_| StoreError::Url("not a PostgreSQL URL".to_owned()))?;
    let pool = postgres::PgPoolOptions::new()
        .max_connections(options.max_connections.max(2))
        .acquire_timeout(options.busy_timeout)
        .connect_with(connect)
        .await?;
    Ok(pool)
}
