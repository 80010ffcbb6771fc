//! Reading a backup. All of it is read and compared before anything is written: what is damaged, cut off, foreign or of
//! a newer program is refused while there is still nothing to undo.

use super::frames::{PartReader, check_hash};
use super::header::{Header, kept};
use super::rows::read_row;
use super::sealing::Passphrase;
use super::write::Totals;
use super::{ArchiveError, Keys, LINE_MOST, Mark};
use flate2::bufread::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Take};
use std::path::Path;
use store::portable::{Table, TableDigest};
use store::{Migration, Sealed, Value};

/// Unpacked, a backup is at most this much longer than its file, beyond a first 256 MiB: a small file must not grow
/// until it fills a disk.
const UNPACKED_TIMES: u64 = 200;
const UNPACKED_FREE: u64 = 256 << 20;

/// A backup that was read to its end and found whole.
pub struct Archive {
    file: File,
    length: u64,
    head: Vec<u8>,
    passphrase: Option<Passphrase>,
    /// What it says of itself.
    pub header: Header,
    /// The migrations of its tables.
    pub schema: Vec<Migration>,
    /// Its tables.
    pub tables: Vec<Table>,
    /// What is in it.
    pub contents: Contents,
}

/// What a backup holds.
#[derive(Default)]
pub struct Contents {
    /// How much.
    pub totals: Totals,
    /// The tables' digests, in their order.
    pub digests: Vec<TableDigest>,
    /// The keys, if they are in it.
    pub keys: Option<Keys>,
    /// A sealed text for each encryption key that was used, by the key's name.
    pub sealed: BTreeMap<String, String>,
}

impl Archive {
    /// Opens a backup and reads all of it. `sealed` are the columns of sealed texts.
    pub fn open(
        path: &Path,
        passphrase: Option<Passphrase>,
        migrations: &[Migration],
        sealed: &[Sealed],
    ) -> Result<Self, ArchiveError> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let (header, head) = Header::read(&mut BufReader::new(&file))?;
        file.seek(SeekFrom::Start(0))?;
        check_hash(&mut BufReader::new(&file), length)?;
        let schema = header.schema(migrations)?;
        let tables = kept(&schema)?;
        if header.sealing.is_some() && passphrase.is_none() {
            return Err(ArchiveError::Sealed);
        }
        let contents = Contents::default();
        let mut archive = Self { file, length, head, passphrase, header, schema, tables, contents };
        let mut contents = Contents::default();
        let mut lines = archive.lines()?;
        let mut next = 0;
        while let Some(found) = lines.next()? {
            match found {
                Found::Row(at, row) => note_sealed(&mut contents.sealed, &archive.tables[at], sealed, &row),
                Found::Ended(at, digest) => {
                    contents.digests.push(digest);
                    contents.totals.rows += digest.rows;
                    next = at + 1;
                }
                Found::Keys(keys) => contents.keys = Some(keys),
            }
        }
        if next != archive.tables.len() || contents.keys.is_some() != archive.header.with_key {
            return Err(ArchiveError::Wrong("another number of tables than its header names".to_owned()));
        }
        contents.totals.tables = next;
        archive.contents = contents;
        Ok(archive)
    }

    /// Its lines, from the first.
    pub fn lines(&self) -> Result<Lines<'_>, ArchiveError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.head.len() as u64))?;
        let key = match (&self.header.sealing, &self.passphrase) {
            (Some(sealing), Some(passphrase)) => Some(sealing.key(passphrase, &self.head)?),
            _ => None,
        };
        let parts = BufReader::new(PartReader::new(BufReader::new(file), key).map_err(told)?);
        let most = UNPACKED_FREE.saturating_add(self.length.saturating_mul(UNPACKED_TIMES));
        let text = BufReader::new(GzDecoder::new(parts).take(most));
        Ok(Lines { text, tables: &self.tables, at: 0, open: None, rows: 0, ended: false })
    }
}

fn note_sealed(into: &mut BTreeMap<String, String>, table: &Table, sealed: &[Sealed], row: &[Value]) {
    for column in sealed.iter().filter(|column| column.table == table.name) {
        let at = table.columns.iter().position(|c| c.name == column.column);
        if let Some(Value::Text(text)) = at.and_then(|at| row.get(at))
            && let Some((id, _)) = text.strip_prefix("enc:v1:").and_then(|rest| rest.split_once(':'))
        {
            into.entry(id.to_owned()).or_insert_with(|| text.clone());
        }
    }
}

/// What a file says when it cannot be read, in the words of a backup.
fn told(e: io::Error) -> ArchiveError {
    match e.kind() {
        ErrorKind::PermissionDenied => ArchiveError::Passphrase,
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            ArchiveError::Damaged(e.to_string())
        }
        _ => ArchiveError::Io(e),
    }
}

type Text<'a> = BufReader<Take<GzDecoder<BufReader<PartReader<BufReader<&'a File>>>>>>;

/// The lines of a backup.
pub struct Lines<'a> {
    text: Text<'a>,
    tables: &'a [Table],
    at: usize,
    open: Option<TableDigest>,
    rows: u64,
    ended: bool,
}

/// What comes next.
pub enum Found {
    /// A row of the table at this place.
    Row(usize, Vec<Value>),
    /// All rows of the table at this place were there.
    Ended(usize, TableDigest),
    /// The keys.
    Keys(Keys),
}

impl Lines<'_> {
    /// The next row or mark; `None` at the end, when all was there and nothing came after.
    pub fn next(&mut self) -> Result<Option<Found>, ArchiveError> {
        loop {
            let mut line = String::new();
            let read = (&mut self.text).take(LINE_MOST).read_line(&mut line).map_err(told)?;
            if self.ended {
                return if read == 0 { Ok(None) } else { Err(wrong("something after its end")) };
            }
            if !line.ends_with('\n') {
                let limit = self.text.get_ref().limit() == 0 || read as u64 == LINE_MOST;
                return Err(if limit {
                    wrong("more than a file of its length can")
                } else {
                    ArchiveError::Damaged("it ends too early".to_owned())
                });
            }
            if line.starts_with('[') {
                return self.row(line.trim_end()).map(Some);
            }
            let mark: Mark = serde_json::from_str(&line).map_err(|_| wrong("a line that is not understood"))?;
            if let Some(found) = self.mark(mark)? {
                return Ok(Some(found));
            }
        }
    }

    fn row(&mut self, line: &str) -> Result<Found, ArchiveError> {
        let (Some(digest), Some(table)) = (&mut self.open, self.tables.get(self.at)) else {
            return Err(wrong("a row of no table"));
        };
        let row = read_row(table, line).map_err(|e| wrong(&format!("a row of {}: {e}", table.name)))?;
        digest.add(&row);
        Ok(Found::Row(self.at, row))
    }

    fn mark(&mut self, mark: Mark) -> Result<Option<Found>, ArchiveError> {
        match mark {
            Mark::Table(name) => {
                if self.open.is_some() || self.tables.get(self.at).is_none_or(|table| table.name != name) {
                    return Err(wrong("tables in another order"));
                }
                self.open = Some(TableDigest::default());
                Ok(None)
            }
            Mark::Rows(rows, digest) => {
                let found = self.open.take().ok_or_else(|| wrong("the end of no table"))?;
                if found.rows != rows || found.to_string() != digest {
                    return Err(ArchiveError::Damaged(format!("table {} is not whole", self.tables[self.at].name)));
                }
                self.at += 1;
                self.rows += rows;
                Ok(Some(Found::Ended(self.at - 1, found)))
            }
            Mark::Keys(keys) if self.at == self.tables.len() => Ok(Some(Found::Keys(keys))),
            Mark::End(rows) if self.at == self.tables.len() && rows == self.rows => {
                self.ended = true;
                Ok(None)
            }
            Mark::Keys(_) | Mark::End(_) => Err(wrong("an end before its end")),
        }
    }
}

fn wrong(what: &str) -> ArchiveError {
    ArchiveError::Wrong(what.to_owned())
}
