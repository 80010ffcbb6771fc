//! A passphrase, the key that argon2id makes of it, and the parts it seals.

use super::ArchiveError;
use anyhow::{Context, bail};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use settings::Secret;
use std::io::Read as _;
use std::path::Path;

/// Longer than this is no passphrase.
const MOST: u64 = 4096;

/// What a person knows and a backup is sealed with.
pub struct Passphrase(Secret);

impl Passphrase {
    /// Reads it from a file, or from stdin when the name is `-`; the line end is no part of it.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let mut text = String::new();
        let from: Box<dyn std::io::Read> = if file == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(std::fs::File::open(file).with_context(|| format!("passphrase file {}", file.display()))?)
        };
        from.take(MOST).read_to_string(&mut text).context("the passphrase cannot be read")?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.chars().count() < 8 {
            bail!("the passphrase has fewer than 8 characters; take a longer one");
        }
        Ok(Self(Secret::new(text)))
    }
}

/// How the key is made of the passphrase, as the header says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    cipher: String,
}

/// What a header may ask of this machine at most: 1 GiB, 16 passes.
const MEMORY_MOST: u32 = 1 << 20;
const PASSES_MOST: u32 = 16;

impl Sealing {
    /// With a salt of its own: no two backups have the same key. RFC 9106, second recommended choice.
    pub fn new() -> anyhow::Result<Self> {
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(|_| anyhow::anyhow!("this machine gives no random numbers"))?;
        Ok(Self {
            kdf: "argon2id".to_owned(),
            memory_kib: 64 << 10,
            passes: 3,
            lanes: 4,
            salt: STANDARD.encode(salt),
            cipher: "AES-256-GCM".to_owned(),
        })
    }

    /// The key. `header` is bound to every part, so that none can be moved to another backup.
    pub fn key(&self, passphrase: &Passphrase, header: &[u8]) -> Result<PartKey, ArchiveError> {
        let wrong = |what: &str| ArchiveError::Wrong(format!("a sealing that is not understood: {what}"));
        if self.kdf != "argon2id" || self.cipher != "AES-256-GCM" {
            return Err(wrong("another method"));
        }
        if self.memory_kib > MEMORY_MOST || self.passes > PASSES_MOST || self.lanes > 16 {
            return Err(wrong("it asks for too much"));
        }
        let salt = STANDARD.decode(&self.salt).map_err(|_| wrong("the salt"))?;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| wrong("its cost"))?;
        let mut raw = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.reveal().as_bytes(), &salt, &mut raw)
            .map_err(|_| wrong("its cost"))?;
        let key = UnboundKey::new(&AES_256_GCM, &raw).map_err(|_| wrong("the key"))?;
        Ok(PartKey { key: LessSafeKey::new(key), header: header.to_vec(), next: 0 })
    }
}

/// Seals or opens the parts of one backup, in their order.
pub struct PartKey {
    key: LessSafeKey,
    header: Vec<u8>,
    next: u64,
}

impl PartKey {
    /// Counts the parts, and knows the last: none can be left out, repeated, moved or cut off.
    fn nonce(&mut self, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(last);
        self.next += 1;
        // The key is of this backup only, so a counter never comes twice.
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals the next part.
    pub fn seal(&mut self, part: &mut Vec<u8>, last: bool) -> std::io::Result<()> {
        let nonce = self.nonce(last);
        let sealed = self.key.seal_in_place_append_tag(nonce, Aad::from(&self.header), part);
        sealed.map_err(|_| std::io::Error::other("a part could not be sealed"))
    }

    /// Opens the next part; false: it is not what was sealed.
    pub fn open(&mut self, part: &mut Vec<u8>, last: bool) -> bool {
        let nonce = self.nonce(last);
        let Ok(opened) = self.key.open_in_place(nonce, Aad::from(&self.header), part) else { return false };
        let length = opened.len();
        part.truncate(length);
        true
    }
}
