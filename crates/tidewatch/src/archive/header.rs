//! What a backup says of itself before its rows.

use super::sealing::Sealing;
use super::{ArchiveError, HEADER_MOST, LEFT_OUT, MAGIC};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read};
use store::Migration;
use store::portable::{Table, tables};

/// The number of the format.
pub const FORMAT: u32 = 1;

/// The first line after the magic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The number of the format.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// When, RFC 3339.
    pub made_at: String,
    /// Which kind of database it is of; it can be restored to any.
    pub database: String,
    /// The migrations of its tables, and when they were applied (epoch ms).
    pub migrations: Vec<(String, i64)>,
    /// Its tables and their columns.
    pub tables: Vec<(String, Vec<(String, String)>)>,
    /// How it is sealed, if it is.
    pub sealing: Option<Sealing>,
    /// Whether the keys are in it.
    pub with_key: bool,
}

/// The tables of these migrations that go into a backup.
pub fn kept(migrations: &[Migration]) -> Result<Vec<Table>, ArchiveError> {
    let all = tables(migrations)?;
    Ok(all.into_iter().filter(|table| !LEFT_OUT.contains(&table.name.as_str())).collect())
}

/// As the header lists them.
pub fn described(tables: &[Table]) -> Vec<(String, Vec<(String, String)>)> {
    let columns = |table: &Table| {
        table.columns.iter().map(|column| (column.name.clone(), column.kind.as_str().to_owned())).collect()
    };
    tables.iter().map(|table| (table.name.clone(), columns(table))).collect()
}

impl Header {
    /// Reads magic and header; answers the bytes too.
    pub fn read(from: &mut impl BufRead) -> Result<(Self, Vec<u8>), ArchiveError> {
        let mut head = vec![0; MAGIC.len()];
        from.read_exact(&mut head).map_err(|_| ArchiveError::Foreign)?;
        if head != MAGIC {
            let newer = head.starts_with(&MAGIC[..MAGIC.len() - 2]);
            return Err(if newer { ArchiveError::Newer("another format".to_owned()) } else { ArchiveError::Foreign });
        }
        let mut line = Vec::new();
        from.take(HEADER_MOST).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(ArchiveError::Damaged("no header".to_owned()));
        }
        let header = serde_json::from_slice(&line).map_err(|e| ArchiveError::Damaged(format!("header: {e}")))?;
        head.extend(line);
        Ok((header, head))
    }

    /// The migrations of its tables, out of those this program knows.
    pub fn schema(&self, known: &[Migration]) -> Result<Vec<Migration>, ArchiveError> {
        let foreign = store::portable::foreign(self.migrations.iter().map(|(name, _)| name), known);
        if self.format != FORMAT || !foreign.is_empty() {
            return Err(ArchiveError::Newer(format!("{}; {}", self.program, foreign.join(", "))));
        }
        let of_backup = |m: &&Migration| self.migrations.iter().any(|(name, _)| name == m.name);
        let schema: Vec<Migration> = known.iter().filter(of_backup).copied().collect();
        if described(&kept(&schema)?) != self.tables {
            return Err(ArchiveError::Wrong("tables that its migrations do not make".to_owned()));
        }
        Ok(schema)
    }
}
