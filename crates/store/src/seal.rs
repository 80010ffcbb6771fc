//! Secrets at rest: AES-256-GCM with a nonce per text, and a keyed hash to find a secret without opening any.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};
use std::fmt;

/// What every sealed text begins with.
const PREFIX: &str = "enc:v1:";
const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;

/// A text cannot be sealed or opened, or a key cannot be used; says why without the text or the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyringError(pub String);

fn fault(text: impl Into<String>) -> KeyringError {
    KeyringError(text.into())
}

/// The keys of an installation: the first seals, all of them open.
pub struct Keyring {
    keys: Vec<Key>,
}

struct Key {
    id: String,
    raw: [u8; KEY_LEN],
    seal: RandomizedNonceKey,
    hash: hmac::Key,
}

impl Key {
    fn of(raw: [u8; KEY_LEN]) -> Result<Self, KeyringError> {
        let seal = RandomizedNonceKey::new(&AES_256_GCM, &raw).map_err(|_| fault("the key cannot be used"))?;
        // One key for two uses would let one weaken the other: the hash gets a key derived from it.
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &raw), b"tidewatch fingerprint");
        let named = digest::digest(&digest::SHA256, &[b"tidewatch key id".as_slice(), &raw].concat());
        Ok(Self {
            id: hex(named.as_ref().get(..4).unwrap_or_default()),
            raw,
            seal,
            hash: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()),
        })
    }
}

/// A new key, base64, as the file of the keys and `TIDEWATCH_ENCRYPTION_KEY` hold it.
pub fn new_key() -> Result<String, KeyringError> {
    let mut raw = [0; KEY_LEN];
    rand::fill(&mut raw).map_err(|_| fault("this machine gives no random numbers"))?;
    Ok(STANDARD.encode(raw))
}

impl Keyring {
    /// Reads keys, one in a line, each 32 bytes in base64 (either alphabet) or hex; lines with `#` are remarks.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<Key> = lines
            .enumerate()
            .map(|(i, line)| decode(line).and_then(Key::of).map_err(|e| fault(format!("key {}: {e}", i + 1))))
            .collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(fault("there is no key; a key is 32 random bytes in base64: openssl rand -base64 32"));
        }
        Ok(Self { keys })
    }

    /// The text as it may be stored: `enc:v1:<key id>:<nonce, cipher text and tag in base64url>`.
    pub fn seal(&self, text: &str) -> Result<String, KeyringError> {
        let key = self.current()?;
        let mut sealed = text.as_bytes().to_vec();
        let nonce = key.seal.seal_in_place_append_tag(Aad::from(PREFIX), &mut sealed);
        let nonce = nonce.map_err(|_| fault("a secret could not be sealed"))?;
        let whole = [nonce.as_ref().as_slice(), &sealed].concat();
        Ok(format!("{PREFIX}{}:{}", key.id, URL_SAFE_NO_PAD.encode(whole)))
    }

    /// The text that was sealed, with whichever of the keys.
    pub fn open(&self, sealed: &str) -> Result<String, KeyringError> {
        let rest = sealed.strip_prefix(PREFIX).ok_or_else(|| fault("a stored secret is not sealed"))?;
        let (id, body) = rest.split_once(':').ok_or_else(|| fault("a sealed secret is cut"))?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(|| {
            fault(format!("sealed with the key {id}, which is not among the encryption keys of this installation"))
        })?;
        let mut whole = URL_SAFE_NO_PAD.decode(body).map_err(|_| fault("a sealed secret is damaged"))?;
        if whole.len() < NONCE_LEN {
            return Err(fault("a sealed secret is cut"));
        }
        let mut text = whole.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&whole).map_err(|_| fault("a sealed secret is damaged"))?;
        let opened = key.seal.open_in_place(nonce, Aad::from(PREFIX), &mut text);
        let opened = opened.map_err(|_| fault("a sealed secret is damaged"))?;
        String::from_utf8(opened.to_vec()).map_err(|_| fault("a sealed secret is not text"))
    }

    /// Whether the text was sealed with the key that seals now.
    pub fn is_current(&self, sealed: &str) -> bool {
        let id = sealed.strip_prefix(PREFIX).and_then(|rest| rest.split(':').next());
        self.keys.first().is_some_and(|key| Some(key.id.as_str()) == id)
    }

    /// Whether one of the keys is the one this text was sealed with.
    pub fn knows(&self, sealed: &str) -> bool {
        let id = sealed.strip_prefix(PREFIX).and_then(|rest| rest.split(':').next());
        self.keys.iter().any(|key| Some(key.id.as_str()) == id)
    }

    /// A keyed hash (HMAC-SHA-256, hex) by which the same secret is found again; says nothing about it without the key.
    pub fn fingerprint(&self, secret: &str) -> Result<String, KeyringError> {
        Ok(hex(hmac::sign(&self.current()?.hash, secret.as_bytes()).as_ref()))
    }

    /// The fingerprints of a secret under every key, the newest first: while keys are exchanged, rows have either.
    pub fn fingerprints(&self, secret: &str) -> Vec<String> {
        self.keys.iter().map(|key| hex(hmac::sign(&key.hash, secret.as_bytes()).as_ref())).collect()
    }

    /// How many keys there are; more than one while keys are exchanged.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none, which [`Keyring::parse`] refuses.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The lines of the file that holds the keys.
    pub fn to_lines(&self) -> String {
        self.keys.iter().map(|key| STANDARD.encode(key.raw) + "\n").collect()
    }

    fn current(&self) -> Result<&Key, KeyringError> {
        self.keys.first().ok_or_else(|| fault("there is no key"))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.keys.iter().map(|key| key.id.as_str()).collect();
        f.debug_struct("Keyring").field("ids", &ids).finish()
    }
}

fn decode(line: &str) -> Result<[u8; KEY_LEN], KeyringError> {
    let bytes = if line.len() == 2 * KEY_LEN && line.bytes().all(|b| b.is_ascii_hexdigit()) {
        (0..KEY_LEN).filter_map(|i| u8::from_str_radix(line.get(2 * i..2 * i + 2)?, 16).ok()).collect()
    } else {
        STANDARD
            .decode(line)
            .or_else(|_| BASE64_URL_SAFE.decode(line))
            .or_else(|_| URL_SAFE_NO_PAD.decode(line))
            .or_else(|_| BASE64_STANDARD_NO_PAD.decode(line))
            .map_err(|_| fault("neither base64 nor hex"))?
    };
    let length = bytes.len();
    bytes.try_into().map_err(|_| fault(format!("{length} bytes instead of {KEY_LEN}: openssl rand -base64 32")))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n & 15)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(*b)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Keyring {
        Keyring::parse(&new_key().unwrap()).unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened_and_never_the_same_twice() {
        let ring = ring();
        for text in ["", "sk-1", "鍵"] {
            let (a, b) = (ring.seal(text).unwrap(), ring.seal(text).unwrap());
            assert_ne!(a, b);
            assert!(a.starts_with("enc:v1:") && ring.is_current(&a));
            assert_eq!((ring.open(&a).unwrap(), ring.open(&b).unwrap()), (text.to_owned(), text.to_owned()));
        }
    }

    #[test]
    fn what_was_changed_or_sealed_elsewhere_is_refused() {
        let ring = ring();
        let sealed = ring.seal("sk-secret").unwrap();
        let mut changed = sealed.clone().into_bytes();
        let last = changed.len() - 3;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(ring.open(&changed).unwrap_err().to_string(), "a sealed secret is damaged");
        assert!(super::Keyring::open(&self::ring(), &sealed).unwrap_err().to_string().contains("is not among"));
        for bad in ["", "sk-secret", "enc:v1:", "enc:v1:00000000", "enc:v1:x:y", "enc:v2:x:y"] {
            assert!(ring.open(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_exchanged_key_still_opens_and_no_longer_seals() {
        let old = ring();
        let sealed = old.seal("sk-1").unwrap();
        let both = Keyring::parse(&(new_key().unwrap() + "\n# the old one\n" + &old.to_lines())).unwrap();
        assert_eq!((both.len(), both.open(&sealed).unwrap().as_str()), (2, "sk-1"));
        assert!(both.knows(&sealed) && !ring().knows(&sealed) && !both.knows("sk-1"));
        assert!(!both.is_current(&sealed) && both.is_current(&both.seal("sk-1").unwrap()));
        assert_eq!(both.fingerprints("sk-1")[1], old.fingerprint("sk-1").unwrap());
        assert_ne!(both.fingerprint("sk-1").unwrap(), old.fingerprint("sk-1").unwrap());
    }

    #[test]
    fn keys_are_read_in_every_form_and_named_when_they_cannot_be() {
        let hex = "00".repeat(31) + "ff";
        for form in [
            hex.as_str(),
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8=",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8",
        ] {
            let ring = Keyring::parse(form).unwrap();
            assert_eq!(ring.to_lines().trim(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8=");
            assert!(!format!("{ring:?}").contains("AAAA"));
        }
        assert!(Keyring::parse("AAAA").unwrap_err().to_string().starts_with("key 1: 3 bytes instead of 32"));
        assert!(Keyring::parse(" \n# none\n").is_err());
        assert!(Keyring::parse("päss").unwrap_err().to_string().contains("neither base64 nor hex"));
    }
}
