//! Opening the connections to a database.

use crate::error::StoreError;
use crate::handle::{OpenOptions, Pools};
use sqlx::{Connection, MySqlPool, PgPool};
use sqlx::{mysql, postgres, sqlite};
use std::str::FromStr;
use std::time::Duration;

/// How long an idle connection may take to show that it still leads somewhere. One that was cut off without a word (a
/// firewall forgot it, a host vanished) would otherwise be waited for until the system gives it up, a quarter of an hour.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// One that answered so short a time ago is not asked.
const FRESH: Duration = Duration::from_secs(1);

/// Statements that a connection to MySQL keeps prepared, each length of a list by itself. The server allows 16,382 in all
/// (max_prepared_stmt_count): ten processes of ten connections.
const PREPARED: usize = 150;

/// The connections of a URL; an SQLite file that is not there yet is made.
pub(crate) async fn pools(options: &OpenOptions) -> Result<Pools, StoreError> {
    let url = options.url.as_str();
    if url.starts_with("sqlite:") {
        return open_sqlite(options).await;
    }
    if let Some(rest) = url.strip_prefix("mysql://").or_else(|| url.strip_prefix("mariadb://")) {
        return Ok(Pools::MySql(open_mysql(&format!("mysql://{rest}"), options).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Pools::Postgres(open_postgres(options).await?));
    }
    let scheme = url.split(':').next().unwrap_or_default();
    Err(StoreError::Url(format!("unknown database {scheme:?}; use sqlite://, mysql://, mariadb:// or postgres://")))
}

/// Whether a connection still leads somewhere. An error closes it without a word to the other side.
async fn lives<C: Connection>(connection: &mut C, idle_for: Duration) -> Result<bool, sqlx::Error> {
    if idle_for < FRESH {
        return Ok(true);
    }
    match tokio::time::timeout(SIGN_OF_LIFE, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Err(cut_off()),
    }
}

fn cut_off() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the connection gives no sign of life"))
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
    let connect = connect.statement_cache_capacity(PREPARED);
    let pool = mysql::MySqlPoolOptions::new()
        .max_connections(options.max_connections.max(2))
        .acquire_timeout(options.busy_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, about| Box::pin(lives(connection, about.idle_for)))
        .after_release(|connection, _| Box::pin(lives(connection, FRESH)))
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
        .test_before_acquire(false)
        .before_acquire(|connection, about| Box::pin(lives(connection, about.idle_for)))
        .after_release(|connection, _| Box::pin(lives(connection, FRESH)))
        .connect_with(connect)
        .await?;
    Ok(pool)
}
