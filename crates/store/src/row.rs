//! A row of an answer, read by column position.

use crate::error::StoreError;
use model::Timestamp;
use sqlx::Row as _;
use sqlx::{mysql::MySqlRow, postgres::PgRow, sqlite::SqliteRow};

/// One row; columns are numbered from 0 in the order of the SELECT.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From MySQL or MariaDB.
    MySql(MySqlRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

macro_rules! get {
    ($row:expr, $column:expr, $type:ty) => {
        match $row {
            Row::Sqlite(r) => r.try_get::<$type, usize>($column),
            Row::MySql(r) => r.try_get::<$type, usize>($column),
            Row::Postgres(r) => r.try_get::<$type, usize>($column),
        }
        .map_err(|e| StoreError::Decode { column: $column, message: e.to_string() })
    };
}

fn null(column: usize) -> StoreError {
    StoreError::Decode { column, message: "NULL where a value is promised".to_owned() }
}

impl Row {
    /// A BIGINT that is not NULL.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        // Asked for as a plain number, SQLite's NULL comes back as 0. Unknown is never zero.
        self.opt_int(column)?.ok_or_else(|| null(column))
    }

    /// A BIGINT.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        get!(self, column, Option<i64>)
    }

    /// A flag kept as BIGINT 0/1.
    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// A DOUBLE PRECISION.
    pub fn opt_real(&self, column: usize) -> Result<Option<f64>, StoreError> {
        get!(self, column, Option<f64>)
    }

    /// An instant that is not NULL.
    pub fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp)
    }

    /// An instant.
    pub fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp))
    }

    /// A text that is not NULL.
    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        self.opt_text(column)?.ok_or_else(|| null(column))
    }

    /// A text.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        get!(self, column, Option<String>)
    }
}
