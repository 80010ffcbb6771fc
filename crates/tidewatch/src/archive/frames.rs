//! The parts of a backup: each with its length, sealed or not, and the hash of everything at the end.

use super::sealing::PartKey;
use super::{ArchiveError, PART};
use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use std::io::{self, BufRead, Read, Write};

/// A part as it stands in the file: its bytes and a tag of 16.
const STORED_MOST: usize = PART + 16;

/// Writes parts.
pub struct PartWriter<W: Write> {
    to: W,
    hash: Context,
    part: Vec<u8>,
    key: Option<PartKey>,
}

impl<W: Write> PartWriter<W> {
    /// Begins with the head, which is not sealed.
    pub fn new(to: W, head: &[u8], key: Option<PartKey>) -> io::Result<Self> {
        let mut writer = Self { to, hash: Context::new(&SHA256), part: Vec::with_capacity(STORED_MOST), key };
        writer.put(head)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.to.write_all(bytes)
    }

    fn send(&mut self, last: bool) -> io::Result<()> {
        let mut part = std::mem::take(&mut self.part);
        if let Some(key) = &mut self.key {
            key.seal(&mut part, last)?;
        }
        // Only the last may be empty, and an empty one that is not sealed is not written: a length of 0 is the end.
        if !part.is_empty() {
            let length = u32::try_from(part.len()).map_err(|_| io::Error::other("a part is too long"))?;
            self.put(&length.to_be_bytes())?;
            self.put(&part)?;
        }
        part.clear();
        self.part = part;
        Ok(())
    }

    /// Ends the backup.
    pub fn finish(mut self) -> io::Result<W> {
        self.send(true)?;
        self.put(&0_u32.to_be_bytes())?;
        let hash = self.hash.finish();
        self.to.write_all(hash.as_ref())?;
        self.to.flush()?;
        Ok(self.to)
    }
}

impl<W: Write> Write for PartWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.len() == PART {
            self.send(false)?;
        }
        let taken = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the parts behind the head.
pub struct PartReader<R: BufRead> {
    from: R,
    key: Option<PartKey>,
    part: Vec<u8>,
    at: usize,
    /// The length of the part that comes next; it was read to know whether this one is the last.
    next: usize,
}

impl<R: BufRead> PartReader<R> {
    /// Begins.
    pub fn new(mut from: R, key: Option<PartKey>) -> io::Result<Self> {
        let next = length(&mut from)?;
        Ok(Self { from, key, part: Vec::new(), at: 0, next })
    }

    fn fetch(&mut self) -> io::Result<bool> {
        if self.next == 0 {
            return Ok(false);
        }
        self.part.resize(self.next, 0);
        self.from.read_exact(&mut self.part)?;
        self.next = length(&mut self.from)?;
        if let Some(key) = &mut self.key
            && !key.open(&mut self.part, self.next == 0)
        {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "a part does not open"));
        }
        self.at = 0;
        Ok(true)
    }
}

fn length(from: &mut impl Read) -> io::Result<usize> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    let length = u32::from_be_bytes(bytes) as usize;
    if length > STORED_MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a part is longer than any"));
    }
    Ok(length)
}

impl<R: BufRead> Read for PartReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.part.len() {
            if !self.fetch()? {
                return Ok(0);
            }
        }
        let taken = into.len().min(self.part.len() - self.at);
        into[..taken].copy_from_slice(&self.part[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

/// Compares the hash at the end with that of everything before it. Answers the length of the file.
pub fn check_hash(from: &mut impl Read, length: u64) -> Result<(), ArchiveError> {
    let damaged = |why: &str| ArchiveError::Damaged(why.to_owned());
    let hashed = length.checked_sub(SHA256_OUTPUT_LEN as u64).ok_or_else(|| damaged("too short"))?;
    let (mut hash, mut buffer, mut left) = (Context::new(&SHA256), vec![0; 64 << 10], hashed);
    while left > 0 {
        let want = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = from.read(&mut buffer[..want])?;
        if got == 0 {
            return Err(damaged("it became shorter"));
        }
        hash.update(&buffer[..got]);
        left -= got as u64;
    }
    let mut stated = [0; SHA256_OUTPUT_LEN];
    from.read_exact(&mut stated).map_err(|_| damaged("no checksum"))?;
    if hash.finish().as_ref() == stated { Ok(()) } else { Err(damaged("its checksum is another")) }
}
