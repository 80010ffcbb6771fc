//! What can go wrong with the database.

/// A statement, a connection or a stored value failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database we speak.
    #[error("store.url: {0}")]
    Url(String),
    /// Another writer was in the way (busy, deadlock, serialisation): the whole transaction may be tried again.
    #[error("database busy: {0}")]
    Busy(String),
    /// A unique key is taken.
    #[error("already there: {0}")]
    Conflict(String),
    /// The lease of the task is no longer ours: nothing was written.
    #[error("lease lost: task {0}")]
    LeaseLost(String),
    /// A stored value is not what the column promises.
    #[error("column {column} of a row: {message}")]
    Decode {
        /// Zero-based column.
        column: usize,
        /// What was found.
        message: String,
    },
    /// A migration did not apply.
    #[error("migration {name}: {message}")]
    Migration {
        /// `group/number`.
        name: String,
        /// The database's words.
        message: String,
    },
    /// Anything else the database said.
    #[error("database: {0}")]
    Database(String),
}

impl StoreError {
    /// True when the same transaction may succeed if it is run again.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(e: sqlx::Error) -> Self {
        if let sqlx::Error::PoolTimedOut = e {
            return Self::Busy("no connection became free in time".into());
        }
        let Some(db) = e.as_database_error() else { return Self::Database(e.to_string()) };
        if db.is_unique_violation() {
            return Self::Conflict(db.message().to_owned());
        }
        let code = db.code().unwrap_or_default();
        // SQLite BUSY/LOCKED (5, 6 and extended), MySQL deadlock and lock time-out (SQLSTATE 40001, HY000 1205),
        // PostgreSQL serialisation failure and deadlock.
        let busy = matches!(code.as_ref(), "5" | "6" | "261" | "262" | "517" | "40001" | "40P01" | "55P03")
            || db.message().contains("Lock wait timeout");
        if busy { Self::Busy(db.message().to_owned()) } else { Self::Database(db.message().to_owned()) }
    }
}
