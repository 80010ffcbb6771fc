//! The admin key: 256 random bits, of which only the SHA-256 is kept. A slow hash would add nothing to a key that
//! cannot be guessed.

use aws_lc_rs::{constant_time, digest, rand};
use std::fmt;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const FILE: &str = "admin-key";
const PREFIX: &str = "sha256:";

/// What recognises the admin key.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminKey([u8; 32]);

/// A key that was just made; it can be read once and is nowhere else.
pub struct PrintableOnce(String);

/// The file of the key cannot be used.
#[derive(Debug)]
pub struct KeyError {
    path: PathBuf,
    problem: String,
}

impl AdminKey {
    /// Makes a key from 256 random bits.
    pub fn generate(random: [u8; 32]) -> (Self, PrintableOnce) {
        let key = format!("tw_{}", hex(&random));
        (Self::of(&key), PrintableOnce(key))
    }

    /// Recognises a key that was configured; `key` should have at least 128 bits of chance in it.
    pub fn of(key: &str) -> Self {
        Self(sha256(key.as_bytes()))
    }

    /// Recognises a key by `sha256:` and its hash in hex.
    pub fn stored(text: &str) -> Option<Self> {
        parse(text)
    }

    /// Reads the hash from `admin-key` in the data directory. When there is none, makes a key, writes its hash there
    /// (0600) and hands out the key to be printed, once.
    pub fn load_or_create(data_dir: &Path) -> Result<(Self, Option<PrintableOnce>), KeyError> {
        let path = data_dir.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let problem = "holds no hash of a key; delete it to get a new key at the next start";
                let key = parse(&text).ok_or_else(|| KeyError { path, problem: problem.to_owned() })?;
                Ok((key, None))
            }
            Err(e) if e.kind() == ErrorKind::NotFound => create(&path),
            Err(e) => Err(KeyError { path, problem: e.to_string() }),
        }
    }

    /// Whether it is the same key; takes the same time whatever they are.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }

    /// What sessions opened with the key are tied to: it follows from the key's hash and does not open anything.
    pub(crate) fn fingerprint(&self) -> String {
        hex(&sha256(&self.0)[..16])
    }

    /// Whether `presented` is the key; takes the same time whatever it is.
    pub fn accepts(&self, presented: &str) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &sha256(presented.as_bytes())).is_ok()
    }
}

fn create(path: &Path) -> Result<(AdminKey, Option<PrintableOnce>), KeyError> {
    let error = |problem: String| KeyError { path: path.to_owned(), problem };
    let mut random = [0; 32];
    rand::fill(&mut random).map_err(|_| error("the system gives no random bytes".to_owned()))?;
    let (key, printable) = AdminKey::generate(random);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| error(e.to_string()))?;
    writeln!(file, "{PREFIX}{}", hex(&key.0)).and_then(|()| file.sync_all()).map_err(|e| error(e.to_string()))?;
    Ok((key, Some(printable)))
}

fn parse(text: &str) -> Option<AdminKey> {
    let text = text.trim().strip_prefix(PREFIX)?;
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(AdminKey(hash))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl PrintableOnce {
    /// The key, to be printed and dropped.
    pub fn reveal(self) -> String {
        self.0
    }
}

impl fmt::Debug for PrintableOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrintableOnce(***)")
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey(***)")
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.problem)
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_first_start_makes_a_key_and_the_next_recognises_it() {
        let dir = tempfile::tempdir().unwrap();
        let (first, printed) = AdminKey::load_or_create(dir.path()).unwrap();
        let key = printed.unwrap().reveal();
        let (second, again) = AdminKey::load_or_create(dir.path()).unwrap();
        assert!(again.is_none());
        assert!(first == second && second.accepts(&key));
        assert!(!second.accepts("") && !second.accepts(&key[1..]));
        let file = dir.path().join("admin-key");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!std::fs::read_to_string(&file).unwrap().contains(&key[3..]));
    }

    #[test]
    fn a_file_that_holds_no_hash_is_not_replaced_in_silence() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "secret", "sha256:", &format!("sha256:{}", "zz".repeat(32))] {
            std::fs::write(dir.path().join("admin-key"), text).unwrap();
            let e = AdminKey::load_or_create(dir.path()).unwrap_err().to_string();
            assert!(e.contains("holds no hash"), "{e}");
        }
    }
}
