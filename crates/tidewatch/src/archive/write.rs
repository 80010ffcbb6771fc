//! Making a backup.

use super::frames::PartWriter;
use super::header::{FORMAT, Header, described, kept};
use super::rows::write_row;
use super::sealing::{Passphrase, Sealing};
use super::{ArchiveError, Keys, MAGIC, Mark};
use flate2::Compression;
use flate2::write::GzEncoder;
use model::Timestamp;
use std::io::{self, Write};
use store::portable::{Selection, TableDigest, applied, foreign};
use store::{Migration, Store};

/// What went into a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Tables.
    pub tables: usize,
    /// Rows.
    pub rows: u64,
}

/// Writes a backup of the database as it is now to `to`, while others may write to the database. `progress` hears rows
/// done and rows in all.
pub async fn write<W: Write + Send>(
    store: &Store,
    migrations: &[Migration],
    (to, passphrase, keys): (W, Option<&Passphrase>, Option<Keys>),
    now: Timestamp,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> anyhow::Result<(W, Totals)> {
    let applied = applied(store).await?;
    let foreign = foreign(applied.iter().map(|(name, _)| name), migrations);
    if !foreign.is_empty() {
        anyhow::bail!("the database was made by a newer version (it has {}); use that version", foreign.join(", "));
    }
    if let Some(what) = store::portable::unfinished(store).await? {
        anyhow::bail!("the database is not whole: {what} was begun with it and not ended");
    }
    let schema: Vec<Migration> =
        migrations.iter().filter(|m| applied.iter().any(|(name, _)| name == m.name)).copied().collect();
    let tables = kept(&schema)?;
    let sealing = passphrase.map(|_| Sealing::new()).transpose()?;
    let header = Header {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: now.to_string(),
        database: store.dialect().as_str().to_owned(),
        migrations: applied,
        tables: described(&tables),
        sealing,
        with_key: keys.is_some(),
    };
    let mut lines = GzEncoder::new(begin(to, &header, passphrase)?, Compression::fast());
    let mut snapshot = store.snapshot().await?;
    let mut total = 0;
    for table in &tables {
        total += snapshot.count(&table.name).await?;
    }
    let mut totals = Totals { tables: tables.len(), rows: 0 };
    for table in &tables {
        mark(&mut lines, &Mark::Table(table.name.clone()))?;
        let (mut digest, mut selection) = (TableDigest::default(), Selection::of(table));
        loop {
            let rows = selection.next(&mut snapshot).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                digest.add(row);
                write_row(&mut lines, row)?;
            }
            progress(totals.rows + digest.rows, total);
        }
        totals.rows += digest.rows;
        mark(&mut lines, &Mark::Rows(digest.rows, digest.to_string()))?;
    }
    if let Some(keys) = keys {
        mark(&mut lines, &Mark::Keys(keys))?;
    }
    mark(&mut lines, &Mark::End(totals.rows))?;
    Ok((lines.finish()?.finish()?, totals))
}

fn begin<W: Write>(to: W, header: &Header, passphrase: Option<&Passphrase>) -> Result<PartWriter<W>, ArchiveError> {
    let mut head = MAGIC.to_vec();
    serde_json::to_writer(&mut head, header).map_err(io::Error::from)?;
    head.push(b'\n');
    let key = match (&header.sealing, passphrase) {
        (Some(sealing), Some(passphrase)) => Some(sealing.key(passphrase, &head)?),
        _ => None,
    };
    Ok(PartWriter::new(to, &head, key)?)
}

fn mark(to: &mut impl Write, mark: &Mark) -> io::Result<()> {
    serde_json::to_writer(&mut *to, mark)?;
    to.write_all(b"\n")
}
