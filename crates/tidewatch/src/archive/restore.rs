//! The rows of a backup into a database that has none.

use super::read::{Archive, Found};
use model::Timestamp;
use store::portable::{Selection, Table, TableDigest, UNFINISHED, finish, load, set_unfinished};
use store::{Migration, Store, Value};

/// The note of a restore that has not ended.
pub const NOTE: &str = "restore";

/// Rows of one transaction.
const STEP: usize = 2_000;

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Rows.
    pub rows: u64,
    /// Migrations that the backup did not have yet and that were applied afterwards.
    pub upgraded: Vec<&'static str>,
}

/// Makes the backup's tables in `to`, which has none, fills them, compares what arrived with the backup, and brings the
/// tables up to date. Until then the database says that it is not whole, and no server works on it.
pub async fn load_into(
    archive: &Archive,
    to: &Store,
    migrations: &[Migration],
    now: Timestamp,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> anyhow::Result<Restored> {
    to.migrate(&archive.schema, now).await?;
    set_unfinished(to, NOTE).await?;
    let (total, mut done) = (archive.contents.totals.rows, 0);
    let mut part = Vec::with_capacity(STEP);
    let mut lines = archive.lines()?;
    while let Some(found) = lines.next()? {
        let (at, ended) = match found {
            Found::Row(at, row) => {
                part.push(row);
                (at, false)
            }
            Found::Ended(at, _) => (at, true),
            Found::Keys(_) => continue,
        };
        if part.len() == STEP || ended {
            done += part.len() as u64;
            put(to, &archive.tables[at], std::mem::take(&mut part)).await?;
            progress(done, total);
        }
    }
    compare(archive, to).await?;
    let mut tx = to.begin().await?;
    finish(&mut tx, &archive.tables, &archive.header.migrations).await?;
    tx.commit().await?;
    let upgraded = to.migrate(migrations, now).await?;
    Ok(Restored { rows: done, upgraded })
}

async fn put(to: &Store, table: &Table, rows: Vec<Vec<Value>>) -> anyhow::Result<()> {
    let mut tx = to.begin().await?;
    load(&mut tx, table, rows).await.map_err(|e| anyhow::anyhow!("table {}: {e}", table.name))?;
    Ok(tx.commit().await?)
}

/// Reads back what arrived.
async fn compare(archive: &Archive, to: &Store) -> anyhow::Result<()> {
    let mut snapshot = to.snapshot().await?;
    for (table, expected) in archive.tables.iter().zip(&archive.contents.digests) {
        let (mut found, mut selection) = (TableDigest::default(), Selection::of(table));
        if table.name == "meta" {
            selection = selection.that("name", "<>", UNFINISHED);
        }
        loop {
            let rows = selection.next(&mut snapshot).await?;
            if rows.is_empty() {
                break;
            }
            rows.iter().for_each(|row| found.add(row));
        }
        anyhow::ensure!(
            found == *expected,
            "table {}: {} rows arrived that are not the {} of the backup; the database is not whole, restore again",
            table.name,
            found.rows,
            expected.rows
        );
    }
    Ok(())
}
