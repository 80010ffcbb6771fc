//! Passwords: argon2id (RFC 9106), never on the threads that answer requests.

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, PasswordHasher, PasswordVerifier};
use aws_lc_rs::{hmac, rand};
use std::fmt;
use std::sync::{Arc, LazyLock};
use tokio::sync::Semaphore;

/// Verifications at once; each takes 19 MiB and some 20 ms of a core.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));
/// What a log-in of nobody is held against, so that it takes as long as any other.
static NOBODY: LazyLock<Option<PasswordHash>> = LazyLock::new(|| PasswordHash::salted("", &[7; 16]).ok());

/// The hash of a password in PHC form, `$argon2id$…`. Cheap to clone.
#[derive(Clone)]
pub struct PasswordHash(Arc<Phc>);

/// A text that is no hash, or a password that cannot be hashed.
#[derive(Debug)]
pub struct PasswordError(String);

impl PasswordHash {
    /// Reads a hash that [`PasswordHash::of`] or any argon2id tool made.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let hash = Phc::new(text.trim()).map_err(|e| PasswordError(format!("is no hash: {e}")))?;
        if hash.algorithm.as_str() != Algorithm::Argon2id.ident().as_str() {
            return Err(PasswordError(format!("is {}, not argon2id", hash.algorithm)));
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(PasswordError("is no whole hash".to_owned()));
        }
        Ok(Self(Arc::new(hash)))
    }

    /// Hashes a password with a salt of chance. Takes some 20 ms.
    pub fn of(password: &str) -> Result<Self, PasswordError> {
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(|_| PasswordError("the system gives no random bytes".to_owned()))?;
        Self::salted(password, &salt)
    }

    /// Hashes a password with a salt that follows from `secret` and the user's name: the same at every start, so that
    /// sessions outlive a restart.
    pub fn kept(password: &str, name: &str, secret: &[u8]) -> Result<Self, PasswordError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = hmac::sign(&key, format!("tidewatch salt {name}").as_bytes());
        let mut salt = [0; 16];
        salt.copy_from_slice(&tag.as_ref()[..16]);
        Self::salted(password, &salt)
    }

    fn salted(password: &str, salt: &[u8; 16]) -> Result<Self, PasswordError> {
        let hash: Result<Phc, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), salt);
        hash.map(|hash| Self(Arc::new(hash))).map_err(|e| PasswordError(format!("cannot be hashed: {e}")))
    }

    fn fits(&self, password: &str) -> bool {
        Argon2::default().verify_password(password.as_bytes(), &*self.0).is_ok()
    }
}

/// Whether `password` is that of `hash`; without a hash the answer is no, after the same work.
pub(crate) async fn verify(hash: Option<PasswordHash>, password: String) -> bool {
    let known = hash.is_some();
    let Some(hash) = hash.or_else(|| NOBODY.clone()) else { return false };
    let Ok(_place) = PLACES.acquire().await else { return false };
    tokio::task::spawn_blocking(move || hash.fits(&password)).await.unwrap_or(false) && known
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PasswordError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_hash_only() {
        let hash = PasswordHash::of("correct horse").unwrap();
        let read = PasswordHash::parse(&hash.to_string()).unwrap();
        assert!(hash.to_string().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify(Some(read.clone()), "correct horse".into()).await);
        assert!(!verify(Some(read), "correct hors".into()).await);
        // The very password of the hash that nobody has.
        assert!(!verify(None, String::new()).await);
        assert_ne!(PasswordHash::of("x").unwrap().to_string(), PasswordHash::of("x").unwrap().to_string());
    }

    #[test]
    fn what_is_no_argon2id_hash_is_refused() {
        for text in [
            "",
            "hunter2",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$2b$12$abc",
            "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        ] {
            assert!(PasswordHash::parse(text).is_err(), "{text}");
        }
    }
}
