//! A backup: one file that holds all of an installation, the same whatever database it is of.
//!
//! ```text
//! TIDEWATCH-BACKUP 1\n
//! {header: one line of JSON}\n
//! (length: 4 bytes, highest first; that many bytes)*
//! 0000 0000, SHA-256 of everything before
//! ```
//! The parts between are one gzip stream, each sealed with AES-256-GCM when there is a passphrase. Unpacked, it is lines
//! of JSON: `{"table":"ips"}`, an array for each row, `{"rows":n,"digest":"…"}`; at last `{"keys":…}` if they were asked
//! for, and `{"end":n}` with the number of all rows.

mod frames;
mod header;
mod read;
mod restore;
mod rows;
mod sealing;
mod write;

pub use header::Header;
pub use read::{Archive, Contents};
pub use restore::{NOTE, Restored, load_into};
pub use sealing::Passphrase;
pub use write::{Totals, write};

use serde::{Deserialize, Serialize};

/// What every backup begins with; the number is that of the format.
const MAGIC: &[u8] = b"TIDEWATCH-BACKUP 1\n";
/// Bytes of a header at most.
const HEADER_MOST: u64 = 1 << 20;
/// Bytes of an unpacked line at most: a text of a database is at most 16 MiB.
const LINE_MOST: u64 = 64 << 20;
/// Bytes of one part before it is sealed.
const PART: usize = 256 << 10;

/// Tables that stay out: who is logged in is no part of what is kept, and a session that was closed must not come back.
const LEFT_OUT: [&str; 1] = ["sessions"];

/// Why a backup cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is something else.
    #[error("is no backup of tidewatch")]
    Foreign,
    /// It was made by a newer program.
    #[error("was made by a newer version ({0}); use that version to restore it")]
    Newer(String),
    /// Its bytes are not those that were written.
    #[error("is damaged or cut off ({0}); use another backup")]
    Damaged(String),
    /// It is sealed.
    #[error("is sealed; give its passphrase with --passphrase-file FILE (or - for stdin)")]
    Sealed,
    /// It is sealed with another passphrase.
    #[error("the passphrase does not open it")]
    Passphrase,
    /// It holds what no backup of ours holds.
    #[error("holds what no backup holds: {0}")]
    Wrong(String),
    /// It cannot be read or written.
    #[error("cannot be read or written")]
    Io(#[from] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// The keys of an installation, if they go into its backup.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The lines of the encryption-key file.
    pub encryption: String,
    /// The line of the admin-key file: a hash.
    pub admin_hash: Option<String>,
}

/// A line that is no row.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Mark {
    /// The rows of this table follow.
    Table(String),
    /// They end: their number and digest.
    Rows(u64, String),
    /// The keys.
    Keys(Keys),
    /// All ends: the number of rows.
    End(u64),
}
