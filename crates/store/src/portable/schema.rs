//! What tables the migrations make, read from their own text, so that no list of tables can fall behind them.

use crate::args;
use crate::error::StoreError;
use crate::handle::Store;
use crate::migrate::{Migration, statements};
use crate::value::Value;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// BIGINT.
    Int,
    /// DOUBLE PRECISION.
    Real,
    /// VARCHAR or TEXT.
    Text,
}

impl ColumnKind {
    /// The name in a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Real => "real",
            Self::Text => "text",
        }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it is never NULL.
    pub required: bool,
    /// Characters at most, where there is a limit.
    pub longest: Option<usize>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the order they were made.
    pub columns: Vec<Column>,
    /// The positions of the columns of its primary key.
    pub key: Vec<usize>,
    /// Whether the database numbers new rows itself.
    pub numbered: bool,
}

impl Table {
    /// Whether the key is of numbers only: then every database puts its rows in the same order.
    pub fn is_ordered(&self) -> bool {
        self.key.iter().all(|at| self.columns[*at].kind == ColumnKind::Int)
    }

    /// Says why a row cannot be one of this table.
    pub fn check(&self, row: &[Value]) -> Result<(), String> {
        if row.len() != self.columns.len() {
            return Err(format!("{} values for {} columns", row.len(), self.columns.len()));
        }
        for (column, value) in self.columns.iter().zip(row) {
            let fits = match value {
                Value::Int(_) => column.kind == ColumnKind::Int,
                Value::Real(_) => column.kind == ColumnKind::Real,
                Value::Text(text) => {
                    column.kind == ColumnKind::Text && column.longest.is_none_or(|most| text.chars().count() <= most)
                }
                Value::NullInt | Value::NullReal | Value::NullText => !column.required,
            };
            if !fits {
                return Err(format!("what it has for {} does not belong there", column.name));
            }
        }
        Ok(())
    }
}

/// The tables that stand after all of `migrations`, in the order they were made. Fails on a statement that says
/// something about tables which is not understood here.
pub fn tables(migrations: &[Migration]) -> Result<Vec<Table>, StoreError> {
    let mut tables: Vec<Table> = Vec::new();
    for migration in migrations {
        for statement in statements(migration) {
            step(&mut tables, statement).map_err(|why| StoreError::Migration {
                name: migration.name.to_owned(),
                message: format!("{why}: {}", statement.lines().next().unwrap_or_default()),
            })?;
        }
    }
    Ok(tables)
}

fn step(tables: &mut Vec<Table>, statement: &str) -> Result<(), &'static str> {
    if let Some(rest) = statement.strip_prefix("CREATE TABLE IF NOT EXISTS ") {
        tables.push(created(rest)?);
        return Ok(());
    }
    if let Some(rest) = statement.strip_prefix("ALTER TABLE ") {
        let (name, change) = rest.split_once(' ').ok_or("not understood")?;
        let change = change.trim_start();
        let added = change.strip_prefix("ADD COLUMN ").or_else(|| change.strip_prefix("@COLUMN@ "));
        let text = added.ok_or("only ADD COLUMN is understood")?;
        let table = tables.iter_mut().find(|table| table.name == name).ok_or("no such table")?;
        let (column, of_key) = column(text)?;
        if of_key.is_some() {
            return Err("a key cannot be added");
        }
        table.columns.push(column);
        return Ok(());
    }
    if let Some(name) = statement.strip_prefix("DROP TABLE IF EXISTS ") {
        tables.retain(|table| table.name != name.trim());
        return Ok(());
    }
    // Indexes and rows change no table.
    let harmless = ["CREATE INDEX ", "CREATE UNIQUE INDEX ", "DROP INDEX ", "UPDATE ", "DELETE FROM ", "INSERT INTO "];
    if harmless.iter().any(|verb| statement.starts_with(verb)) { Ok(()) } else { Err("not understood") }
}

fn created(text: &str) -> Result<Table, &'static str> {
    let (name, body) = text.split_once('(').ok_or("no columns")?;
    let (body, _) = body.rsplit_once(')').ok_or("no end of the columns")?;
    let mut table = Table { name: name.trim().to_owned(), columns: Vec::new(), key: Vec::new(), numbered: false };
    for part in parts(body) {
        if let Some(key) = part.strip_prefix("PRIMARY KEY") {
            let names = key.trim().trim_start_matches('(').trim_end_matches(')');
            for name in names.split(',').map(str::trim) {
                let at = table.columns.iter().position(|c| c.name == name).ok_or("a key of no column")?;
                table.key.push(at);
            }
            continue;
        }
        let (column, of_key) = column(part)?;
        if let Some(numbered) = of_key {
            table.key.push(table.columns.len());
            table.numbered = numbered;
        }
        table.columns.push(column);
    }
    if table.key.is_empty() { Err("no primary key") } else { Ok(table) }
}

/// What stands between the commas that are not within brackets.
fn parts(body: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_i32, 0);
    for (at, c) in body.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(body[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(body[from..].trim());
    parts
}

/// A column, and when it is the key, whether the database numbers it.
fn column(text: &str) -> Result<(Column, Option<bool>), &'static str> {
    let mut words = text.split_whitespace();
    let (name, word) = (words.next().ok_or("no name")?, words.next().ok_or("no type")?);
    let length = word.strip_prefix("VARCHAR(").map(|rest| rest.trim_end_matches(')'));
    let longest = length.map(|n| n.parse().map_err(|_| "an unknown length")).transpose()?;
    let kind = match word {
        "BIGINT" | "@ID@" => ColumnKind::Int,
        "@REAL@" => ColumnKind::Real,
        "@TEXT@" => ColumnKind::Text,
        _ if longest.is_some() => ColumnKind::Text,
        _ => return Err("an unknown type"),
    };
    let key = if word == "@ID@" { Some(true) } else { text.contains("PRIMARY KEY").then_some(false) };
    let required = key.is_some() || text.contains("NOT NULL");
    Ok((Column { name: name.to_owned(), kind, required, longest }, key))
}

/// The migrations a database has, with when they were applied; none when it has no tables yet.
pub async fn applied(store: &Store) -> Result<Vec<(String, i64)>, StoreError> {
    match store.query("SELECT name, applied_at FROM schema_migrations ORDER BY applied_at, name", args![]).await {
        Ok(rows) => rows.iter().map(|r| Ok((r.text(0)?, r.int(1)?))).collect(),
        Err(StoreError::Database(why)) if is_missing(&why) => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// In the words of SQLite, MariaDB and PostgreSQL.
pub(crate) fn is_missing(why: &str) -> bool {
    why.contains("no such table") || why.contains("doesn't exist") || why.contains("does not exist")
}

/// The names among `applied` that these migrations do not know: the database is of a newer program.
pub fn foreign<'a>(applied: impl IntoIterator<Item = &'a String>, migrations: &[Migration]) -> Vec<String> {
    let known = |name: &String| migrations.iter().any(|m| m.name == name);
    applied.into_iter().filter(|name| !known(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_from_the_text_that_makes_them() {
        let sql = "CREATE TABLE IF NOT EXISTS a (\n  id @ID@,\n  name VARCHAR(191) NOT NULL,\n  r @REAL@\n) @TABLE@;\n\
                   CREATE TABLE IF NOT EXISTS b (\n  x BIGINT NOT NULL,\n  p VARCHAR(8) NOT NULL,\n  PRIMARY KEY (x, p)\n) @TABLE@;\n\
                   CREATE INDEX @INE@ a_name ON a (name);\nALTER TABLE b ADD COLUMN note @TEXT@;\nUPDATE a SET r = 0";
        let found = tables(&[Migration { name: "t/1", sql }]).unwrap();
        assert_eq!(found.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(found[0].numbered && found[0].is_ordered() && found[0].key == [0]);
        assert!(!found[1].numbered && !found[1].is_ordered() && found[1].key == [0, 1]);
        let note = Column { name: "note".into(), kind: ColumnKind::Text, required: false, longest: None };
        assert_eq!(found[1].columns[2], note);
        assert_eq!((found[1].columns[1].longest, found[1].columns[1].required), (Some(8), true));
        for good in [args![1_i64, "12345678", "x"], args![1_i64, "", None::<&str>]] {
            assert_eq!(found[1].check(&good), Ok(()), "{good:?}");
        }
        for bad in
            [args![1_i64, "123456789", "x"], args![1_i64, None::<&str>, "x"], args![1_i64, "x", 0.5], args![1_i64]]
        {
            assert!(found[1].check(&bad).is_err(), "{bad:?}");
        }
        for bad in ["ALTER TABLE a RENAME TO b", "CREATE TABLE IF NOT EXISTS c (x BLOB PRIMARY KEY)", "VACUUM"] {
            assert!(tables(&[Migration { name: "t/2", sql: bad }]).is_err(), "{bad}");
        }
    }
}
