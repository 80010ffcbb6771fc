//! Some columns of a table in the order of its key, a batch at a time: memory does not grow with the table.

use super::schema::{ColumnKind, Table};
use super::snapshot::Snapshot;
use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::row::Row;
use crate::value::Value;

/// Rows of one batch.
const BATCH: usize = 1_000;

/// What is read, and how far the reading is.
#[derive(Clone, Debug)]
pub struct Selection {
    table: String,
    columns: Vec<(String, ColumnKind)>,
    key: Vec<(String, ColumnKind)>,
    conditions: Vec<(String, Value)>,
    after: Option<Vec<Value>>,
    ended: bool,
}

impl Selection {
    /// All columns of a table.
    pub fn of(table: &Table) -> Self {
        let named = |at: &usize| (table.columns[*at].name.clone(), table.columns[*at].kind);
        Self {
            table: table.name.clone(),
            columns: (0..table.columns.len()).map(|at| named(&at)).collect(),
            key: table.key.iter().map(named).collect(),
            conditions: Vec::new(),
            after: None,
            ended: false,
        }
    }

    /// Only these columns, in this order; `None` when the table has no such column.
    pub fn only(mut self, names: &[&str]) -> Option<Self> {
        let find = |name: &&str| self.columns.iter().find(|(n, _)| n == name).cloned();
        self.columns = names.iter().map(find).collect::<Option<_>>()?;
        Some(self)
    }

    /// Only rows whose `column` compares so (`=`, `>=`, `<`) with the value.
    pub fn that(mut self, column: &str, comparison: &'static str, value: impl Into<Value>) -> Self {
        self.conditions.push((format!("{column} {comparison} ?"), value.into()));
        self
    }

    /// Begins after the row of this key.
    pub fn after(mut self, key: Vec<Value>) -> Self {
        self.after = Some(key);
        self
    }

    /// What the columns hold.
    pub fn kinds(&self) -> Vec<ColumnKind> {
        self.columns.iter().map(|(_, kind)| *kind).collect()
    }

    /// The next rows; none: that was all.
    pub async fn next(&mut self, from: &mut Snapshot) -> Result<Vec<Vec<Value>>, StoreError> {
        if self.ended {
            return Ok(Vec::new());
        }
        let (sql, args) = self.statement(from.dialect());
        let found = from.query(&sql, args).await?;
        self.ended = found.len() < BATCH;
        let width = self.columns.len();
        let mut rows = Vec::with_capacity(found.len());
        for row in &found {
            rows.push(values(row, 0, &self.columns)?);
        }
        if let Some(last) = found.last() {
            self.after = Some(values(last, width, &self.key)?);
        }
        Ok(rows)
    }

    fn statement(&self, dialect: Dialect) -> (String, Vec<Value>) {
        let names = |of: &[(String, ColumnKind)]| of.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", ");
        let key = names(&self.key);
        let mut conditions: Vec<String> = self.conditions.iter().map(|(text, _)| text.clone()).collect();
        let mut args: Vec<Value> = self.conditions.iter().map(|(_, value)| value.clone()).collect();
        if let Some(after) = &self.after {
            let (text, more) = beyond(dialect, &self.key, after);
            conditions.push(text);
            args.extend(more);
        }
        let conditions = if conditions.is_empty() { "1 = 1".to_owned() } else { conditions.join(" AND ") };
        let sql = format!(
            "SELECT {}, {key} FROM {} WHERE {conditions} ORDER BY {key} LIMIT {BATCH}",
            names(&self.columns),
            self.table
        );
        (sql, args)
    }
}

/// The rows beyond a key. MySQL finds no index for a comparison of tuples, so there it is spelt out.
fn beyond(dialect: Dialect, key: &[(String, ColumnKind)], after: &[Value]) -> (String, Vec<Value>) {
    if dialect != Dialect::MySql || key.len() == 1 {
        let names: Vec<&str> = key.iter().map(|(n, _)| n.as_str()).collect();
        let marks = vec!["?"; key.len()].join(", ");
        return (format!("({}) > ({marks})", names.join(", ")), after.to_vec());
    }
    let (mut ways, mut args) = (Vec::new(), Vec::new());
    for at in 0..key.len() {
        let mut way: Vec<String> = key[..at].iter().map(|(n, _)| format!("{n} = ?")).collect();
        way.push(format!("{} > ?", key[at].0));
        ways.push(format!("({})", way.join(" AND ")));
        args.extend_from_slice(&after[..=at]);
    }
    (format!("({})", ways.join(" OR ")), args)
}

fn values(row: &Row, from: usize, columns: &[(String, ColumnKind)]) -> Result<Vec<Value>, StoreError> {
    let value = |(at, (_, kind)): (usize, &(String, ColumnKind))| {
        Ok(match kind {
            ColumnKind::Int => row.opt_int(from + at)?.into(),
            ColumnKind::Real => row.opt_real(from + at)?.into(),
            ColumnKind::Text => row.opt_text(from + at)?.into(),
        })
    };
    columns.iter().enumerate().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_several_columns_is_passed_in_each_databases_way() {
        let key = [("a".to_owned(), ColumnKind::Int), ("b".to_owned(), ColumnKind::Int)];
        let after = vec![Value::Int(1), Value::Int(2)];
        assert_eq!(beyond(Dialect::Postgres, &key, &after), ("(a, b) > (?, ?)".to_owned(), after.clone()));
        let (text, args) = beyond(Dialect::MySql, &key, &after);
        assert_eq!(text, "((a > ?) OR (a = ? AND b > ?))");
        assert_eq!(args, [Value::Int(1), Value::Int(1), Value::Int(2)]);
    }
}
