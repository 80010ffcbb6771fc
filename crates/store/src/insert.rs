//! Many rows in one statement, with what to do about those that are there already.

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::handle::Tx;
use crate::value::Value;

/// What happens to a column of a row that is there already.
#[derive(Clone, Copy, Debug)]
pub enum Set {
    /// Takes the new value.
    To(&'static str),
    /// The new value is added to the old.
    Plus(&'static str),
}

/// What happens when the key is taken.
#[derive(Clone, Copy, Debug)]
pub enum OnConflict {
    /// The statement fails.
    Fail,
    /// The old row stays as it is. The columns are the unique key.
    Keep(&'static [&'static str]),
    /// The old row (found by the key columns) is changed.
    Update(&'static [&'static str], &'static [Set]),
}

/// Rows of one statement: as many as keep the statement text and the arguments within bounds.
const ROWS_PER_STATEMENT: usize = 512;

impl Tx {
    /// Inserts `rows` (each as long as `columns`) in as few statements as possible.
    /// PostgreSQL refuses a batch that holds one key twice, so the caller gives each key once.
    pub async fn insert_many(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: Vec<Vec<Value>>,
        conflict: OnConflict,
    ) -> Result<(), StoreError> {
        let most = (self.dialect().max_arguments() / columns.len().max(1)).clamp(1, ROWS_PER_STATEMENT);
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let (count, again) = piece(self.dialect(), rows.len(), most);
            let sql = statement(self.dialect(), table, columns, count, conflict);
            self.run(sql, again, rows.by_ref().take(count).flatten().collect()).await?;
        }
        Ok(())
    }
}

/// How many of `left` rows go into one statement, and whether one of that length is likely to come again. MySQL takes powers
/// of two only: to prepare a statement there that is used once costs 40 ms (see `list`).
const fn piece(dialect: Dialect, left: usize, most: usize) -> (usize, bool) {
    let count = if left < most { left } else { most };
    match dialect {
        Dialect::MySql => (1 << count.ilog2(), true),
        Dialect::Sqlite | Dialect::Postgres => (count, count == most || count == 1),
    }
}

fn statement(dialect: Dialect, table: &str, columns: &[&str], rows: usize, conflict: OnConflict) -> String {
    let verb = match (dialect, conflict) {
        (Dialect::MySql, OnConflict::Keep(_)) => "INSERT IGNORE INTO",
        _ => "INSERT INTO",
    };
    let group = format!("({})", vec!["?"; columns.len()].join(","));
    let values = vec![group.as_str(); rows].join(",");
    let sql = format!("{verb} {table} ({}) VALUES {values}{}", columns.join(","), clause(dialect, table, conflict));
    dialect.translate(&sql)
}

fn clause(dialect: Dialect, table: &str, conflict: OnConflict) -> String {
    match (conflict, dialect) {
        (OnConflict::Fail, _) | (OnConflict::Keep(_), Dialect::MySql) => String::new(),
        (OnConflict::Keep(key), _) => format!(" ON CONFLICT ({}) DO NOTHING", key.join(",")),
        (OnConflict::Update(_, set), Dialect::MySql) => {
            let set: Vec<String> = set
                .iter()
                .map(|s| match s {
                    Set::To(c) => format!("{c}=VALUES({c})"),
                    Set::Plus(c) => format!("{c}={c}+VALUES({c})"),
                })
                .collect();
            format!(" ON DUPLICATE KEY UPDATE {}", set.join(","))
        }
        (OnConflict::Update(key, set), _) => {
            let set: Vec<String> = set
                .iter()
                .map(|s| match s {
                    Set::To(c) => format!("{c}=excluded.{c}"),
                    Set::Plus(c) => format!("{c}={table}.{c}+excluded.{c}"),
                })
                .collect();
            format!(" ON CONFLICT ({}) DO UPDATE SET {}", key.join(","), set.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mysql_sees_few_lengths_and_the_others_few_statements() {
        let lengths = |dialect, mut left: usize| {
            let mut all = Vec::new();
            while left > 0 {
                let (count, again) = piece(dialect, left, 512);
                all.push((count, again));
                left -= count;
            }
            all
        };
        assert_eq!(lengths(Dialect::MySql, 1_101), [512, 512, 64, 8, 4, 1].map(|count| (count, true)));
        assert_eq!(lengths(Dialect::Sqlite, 1_101), [(512, true), (512, true), (77, false)]);
        assert_eq!(lengths(Dialect::Postgres, 1), [(1, true)]);
    }

    #[test]
    fn each_database_gets_its_own_conflict_clause() {
        let conflict = OnConflict::Update(&["a"], &[Set::To("b"), Set::Plus("n")]);
        assert_eq!(
            statement(Dialect::Postgres, "t", &["a", "b", "n"], 2, conflict),
            "INSERT INTO t (a,b,n) VALUES ($1,$2,$3),($4,$5,$6) \
             ON CONFLICT (a) DO UPDATE SET b=excluded.b,n=t.n+excluded.n"
        );
        assert_eq!(
            statement(Dialect::MySql, "t", &["a", "b", "n"], 1, conflict),
            "INSERT INTO t (a,b,n) VALUES (?,?,?) ON DUPLICATE KEY UPDATE b=VALUES(b),n=n+VALUES(n)"
        );
    }
}
