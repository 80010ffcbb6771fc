//! Moving over: every row of one database into another, whatever they speak. What was interrupted goes on where it
//! stopped, if what is there already is what the source has.

use super::digest::TableDigest;
use super::load::{clear, finish, is_empty, load, set_unfinished, unfinished};
use super::schema::{Table, applied, foreign, tables};
use super::select::Selection;
use super::snapshot::Snapshot;
use crate::args;
use crate::error::StoreError;
use crate::handle::Store;
use crate::migrate::{Migration, pending};
use crate::value::Value;
use model::Timestamp;

/// Why a database was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source is of an older program.
    #[error("the source is not up to date ({0} pending); run `tidewatch migrate` on it first")]
    Older(String),
    /// One of the two is of a newer program.
    #[error("{0} was made by a newer version (it has {1}); use that version")]
    Newer(&'static str, String),
    /// The source itself is half a copy.
    #[error("the source is not whole: {0} was begun with it and not ended; run that to its end first")]
    Half(String),
    /// There is something else in the target.
    #[error(
        "the target is not empty{0}; name an empty database (an interrupted copy of this very source would be gone on with)"
    )]
    Taken(String),
    /// What arrived is not what was sent.
    #[error("table {table}: {found} rows in the target are not the {expected} of the source, or differ from them")]
    Differs {
        /// The table.
        table: String,
        /// Rows of the source.
        expected: u64,
        /// Rows of the target.
        found: u64,
    },
    /// A table could not be written.
    #[error("table {0}: {1}")]
    Table(String, StoreError),
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A table that was copied and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The table.
    pub table: String,
    /// What it holds, on both sides.
    pub digest: TableDigest,
    /// Rows that an earlier, interrupted copy had brought over already.
    pub resumed: u64,
}

/// Copies everything of `from` to `to`; `progress` hears the table, rows done and rows in all. The source is read as it
/// is at the beginning: whatever writes to it must have been stopped.
pub async fn copy(
    from: &Store,
    to: &Store,
    migrations: &[Migration],
    now: Timestamp,
    progress: &mut (dyn FnMut(&str, u64, u64) + Send),
) -> Result<Vec<Copied>, CopyError> {
    let tables = tables(migrations)?;
    let begun = begin(from, to, (migrations, &tables), now).await?;
    let mut source = from.snapshot().await?;
    let facts = |table: &Table| table.name == "meta";
    let (mut done, mut total) = (0, 0);
    for table in &tables {
        total += source.count(&table.name).await?;
    }
    let mut copied: Vec<Copied> = Vec::with_capacity(tables.len());
    for table in tables.iter().filter(|table| !facts(table)) {
        let mut told = |rows| progress(&table.name, done + rows, total);
        let one = move_table(&mut source, to, table, &mut told).await?;
        done += one.digest.rows;
        copied.push(one);
    }
    for (table, one) in tables.iter().filter(|table| !facts(table)).zip(&copied) {
        compare(to, table, one.digest).await?;
    }
    // The facts come last and take the note away that this is half a copy, in one transaction with the list of
    // migrations: from then on it is the source's twin.
    for table in tables.iter().filter(|table| facts(table)) {
        let mut digest = TableDigest::default();
        let rows = whole(&mut source, table).await?;
        rows.iter().for_each(|row| digest.add(row));
        let at = |e| CopyError::Table(table.name.clone(), e);
        let mut tx = to.begin().await?;
        tx.exec("DELETE FROM meta", args![]).await.map_err(at)?;
        load(&mut tx, table, rows).await.map_err(at)?;
        finish(&mut tx, &tables, &begun).await.map_err(at)?;
        tx.commit().await?;
        compare(to, table, digest).await?;
        copied.push(Copied { table: table.name.clone(), digest, resumed: 0 });
    }
    Ok(copied)
}

/// Everything that can be refused is refused here, before a row is written. Answers the source's list of migrations.
async fn begin(
    from: &Store,
    to: &Store,
    (migrations, tables): (&[Migration], &[Table]),
    now: Timestamp,
) -> Result<Vec<(String, i64)>, CopyError> {
    let theirs = applied(from).await?;
    let newer = foreign(theirs.iter().map(|(name, _)| name), migrations);
    if !newer.is_empty() {
        return Err(CopyError::Newer("the source", newer.join(", ")));
    }
    let older = pending(from, migrations).await?;
    if !older.is_empty() {
        return Err(CopyError::Older(older.join(", ")));
    }
    if let Some(what) = unfinished(from).await? {
        return Err(CopyError::Half(what));
    }
    let ours = applied(to).await?;
    let newer = foreign(ours.iter().map(|(name, _)| name), migrations);
    if !newer.is_empty() {
        return Err(CopyError::Newer("the target", newer.join(", ")));
    }
    let note = format!("copy-store from {}", identity(&theirs));
    match unfinished(to).await? {
        Some(found) if found == note => {}
        Some(found) => return Err(CopyError::Taken(format!(": {found} was begun with it and not ended"))),
        None if !is_empty(to, tables).await? => return Err(CopyError::Taken(String::new())),
        None => {}
    }
    to.migrate(migrations, now).await?;
    set_unfinished(to, &note).await?;
    Ok(theirs)
}

/// Which installation a database is of: when its first tables were made, to the millisecond.
fn identity(applied: &[(String, i64)]) -> String {
    let first: Vec<String> = applied.iter().take(1).map(|(name, at)| format!("{name} at {at}")).collect();
    first.concat()
}

async fn move_table(
    source: &mut Snapshot,
    to: &Store,
    table: &Table,
    told: &mut (dyn FnMut(u64) + Send),
) -> Result<Copied, CopyError> {
    let at = |e| CopyError::Table(table.name.clone(), e);
    let there = read(to, table).await.map_err(at)?;
    if there.digest.rows > 0 {
        if let Some(copied) = go_on(source, to, (table, &there), told).await.map_err(at)? {
            return Ok(copied);
        }
        clear(to, table).await.map_err(at)?;
    }
    let digest = TableDigest::default();
    fill(source, to, (table, Selection::of(table), digest), told).await.map_err(at)
}

/// What the target has of a table: its digest and the highest key.
struct There {
    digest: TableDigest,
    last: Option<Vec<Value>>,
}

async fn read(to: &Store, table: &Table) -> Result<There, StoreError> {
    let mut there = There { digest: TableDigest::default(), last: None };
    let (mut snapshot, mut selection) = (to.snapshot().await?, Selection::of(table));
    loop {
        let rows = selection.next(&mut snapshot).await?;
        let Some(last) = rows.last() else { return Ok(there) };
        there.last = Some(table.key.iter().map(|at| last[*at].clone()).collect());
        rows.iter().for_each(|row| there.digest.add(row));
    }
}

/// Goes on after the rows that are there, if they are the first rows of the source.
async fn go_on(
    source: &mut Snapshot,
    to: &Store,
    (table, there): (&Table, &There),
    told: &mut (dyn FnMut(u64) + Send),
) -> Result<Option<Copied>, StoreError> {
    let Some(last) = there.last.as_ref().filter(|_| table.is_ordered()) else { return Ok(None) };
    let (mut known, mut selection) = (TableDigest::default(), Selection::of(table));
    let numbers =
        |key: &[Value]| -> Vec<i64> { key.iter().map(|v| if let Value::Int(n) = v { *n } else { i64::MAX }).collect() };
    let last_numbers = numbers(last);
    'reading: loop {
        let rows = selection.next(source).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let key: Vec<Value> = table.key.iter().map(|at| row[*at].clone()).collect();
            if numbers(&key) > last_numbers {
                break 'reading;
            }
            known.add(row);
        }
        told(known.rows);
    }
    if known != there.digest {
        return Ok(None);
    }
    let rest = (table, Selection::of(table).after(last.clone()), known);
    let copied = fill(source, to, rest, told).await?;
    Ok(Some(Copied { resumed: known.rows, ..copied }))
}

async fn fill(
    source: &mut Snapshot,
    to: &Store,
    (table, mut selection, mut digest): (&Table, Selection, TableDigest),
    told: &mut (dyn FnMut(u64) + Send),
) -> Result<Copied, StoreError> {
    loop {
        let rows = selection.next(source).await?;
        if rows.is_empty() {
            return Ok(Copied { table: table.name.clone(), digest, resumed: 0 });
        }
        rows.iter().for_each(|row| digest.add(row));
        let mut tx = to.begin().await?;
        load(&mut tx, table, rows).await?;
        tx.commit().await?;
        told(digest.rows);
    }
}

async fn compare(to: &Store, table: &Table, expected: TableDigest) -> Result<(), CopyError> {
    let found = read(to, table).await?.digest;
    if found == expected {
        return Ok(());
    }
    Err(CopyError::Differs { table: table.name.clone(), expected: expected.rows, found: found.rows })
}

async fn whole(source: &mut Snapshot, table: &Table) -> Result<Vec<Vec<Value>>, StoreError> {
    let (mut all, mut selection) = (Vec::new(), Selection::of(table));
    loop {
        let rows = selection.next(source).await?;
        if rows.is_empty() {
            return Ok(all);
        }
        all.extend(rows);
    }
}
