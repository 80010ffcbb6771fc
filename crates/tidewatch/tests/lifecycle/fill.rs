//! Rows for every table there is, read from the tables themselves, with everything in them that could get lost.

use model::Timestamp;
use servers::{MariaDb, Postgres};
use std::collections::BTreeMap;
use std::path::Path;
use store::portable::{ColumnKind, Selection, Table, TableDigest, finish, load, tables};
use store::{OpenOptions, Store, Value, args};
use tidewatch::app::database::{migrations, of_file};

pub const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

pub fn all() -> Vec<Table> {
    tables(&migrations()).unwrap()
}

/// A row that differs from every other in every column that may have to be unique.
fn row(table: &Table, i: i64) -> Vec<Value> {
    let value = |(at, column): (usize, &store::portable::Column)| {
        let (c, of_key) = (at as i64, table.key.contains(&at));
        if !column.required && (i + c) % 3 == 0 {
            return match column.kind {
                ColumnKind::Int => Value::NullInt,
                ColumnKind::Real => Value::NullReal,
                ColumnKind::Text => Value::NullText,
            };
        }
        match column.kind {
            // Several rows have the first part of a key of two in common.
            ColumnKind::Int if of_key && table.key.len() > 1 && table.key[0] == at => Value::Int(i / 7),
            ColumnKind::Int if of_key => Value::Int(i),
            ColumnKind::Int if i % 5 == 0 => Value::Int(i64::MAX - i),
            ColumnKind::Int => Value::Int(i * 7 - c),
            ColumnKind::Real => Value::Real(i as f64 * 0.1 + 0.2),
            ColumnKind::Text if column.longest.is_some() => Value::Text(format!("{i}")),
            ColumnKind::Text => {
                Value::Text(format!("初音ミク\u{1F3A4} 'q' \"{i}\"\n\\ {}", "長い".repeat((i % 9) as usize)))
            }
        }
    };
    table.columns.iter().enumerate().map(value).collect()
}

/// A database with these tables, each with `rows` rows.
pub async fn filled(url: &str, rows: i64) -> Store {
    let store = open(url).await;
    store.migrate(&migrations(), NOW).await.unwrap();
    fill(&store, &all(), rows).await;
    store
}

pub async fn fill(store: &Store, tables: &[Table], rows: i64) {
    let mut tx = store.begin().await.unwrap();
    for table in tables {
        load(&mut tx, table, (1..=rows).map(|i| row(table, i)).collect()).await.unwrap();
    }
    let applied = store::portable::applied(store).await.unwrap();
    finish(&mut tx, tables, &applied).await.unwrap();
    tx.commit().await.unwrap();
}

pub async fn open(url: &str) -> Store {
    Store::open(&OpenOptions::new(url)).await.unwrap()
}

pub fn sqlite(dir: &Path, name: &str) -> String {
    of_file(&dir.join(name))
}

/// What every table holds.
pub async fn digests(store: &Store, tables: &[Table]) -> BTreeMap<String, TableDigest> {
    let mut all = BTreeMap::new();
    let mut snapshot = store.snapshot().await.unwrap();
    for table in tables {
        let (mut digest, mut selection) = (TableDigest::default(), Selection::of(table));
        loop {
            let rows = selection.next(&mut snapshot).await.unwrap();
            if rows.is_empty() {
                break;
            }
            rows.iter().for_each(|row| digest.add(row));
        }
        all.insert(table.name.clone(), digest);
    }
    all
}

/// The number of the next row of a numbered table.
pub async fn next_id(store: &Store) -> i64 {
    let mut tx = store.begin().await.unwrap();
    let sql = "INSERT INTO audit (at, actor, action, subject) VALUES (?, ?, ?, ?)";
    let id = tx.insert_id(sql, args![NOW, "a", "b", "c"]).await.unwrap();
    tx.rollback().await.unwrap();
    id
}

/// The servers there are: a name, a URL with an empty database, and what keeps it running.
pub fn servers() -> Vec<(&'static str, String, Box<dyn std::any::Any + Send>)> {
    let mut all: Vec<(&'static str, String, Box<dyn std::any::Any + Send>)> = Vec::new();
    if let Some(server) = MariaDb::start() {
        all.push(("mariadb", server.url(), Box::new(server)));
    }
    if let Some(server) = Postgres::start() {
        all.push(("postgres", server.url(), Box::new(server)));
    }
    all
}
