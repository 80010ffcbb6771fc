//! The key that seals what is secret.

use anyhow::{Context, bail};
use settings::SecretsSettings;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use store::Keyring;

/// The file of the keys in the data directory.
const FILE: &str = "encryption-key";

/// Where the keys are kept, when they are kept in a file.
pub fn file(secrets: &SecretsSettings, data_dir: &Path) -> Option<PathBuf> {
    if !secrets.encryption_key.is_empty() {
        return None;
    }
    let configured = &secrets.encryption_key_file;
    Some(if configured.as_os_str().is_empty() { data_dir.join(FILE) } else { configured.clone() })
}

/// The configured keys, or those of the data directory; a new one is made when there is none yet and `make` allows it.
pub fn keyring(secrets: &SecretsSettings, data_dir: &Path, make: bool) -> anyhow::Result<Keyring> {
    let Some(file) = file(secrets, data_dir) else {
        return Keyring::parse(secrets.encryption_key.reveal()).context("secrets.encryption_key");
    };
    let shown = || file.display().to_string();
    match std::fs::read_to_string(&file) {
        Ok(text) => Keyring::parse(&text).with_context(shown),
        Err(e) if e.kind() == ErrorKind::NotFound && secrets.encryption_key_file.as_os_str().is_empty() && make => {
            let ring = Keyring::parse(&store::new_key()?)?;
            write(&file, &ring)?;
            Ok(ring)
        }
        Err(e) if e.kind() == ErrorKind::NotFound => {
            bail!("no encryption key at {}; `tidewatch serve` makes it, or name another --data-dir", file.display())
        }
        Err(e) => Err(e).with_context(shown),
    }
}

/// Writes the keys, readable by nobody else, whole or not at all.
pub fn write(file: &Path, ring: &Keyring) -> anyhow::Result<()> {
    write_private(file, ring.to_lines().as_bytes())
}

/// Writes a file that nobody else reads, whole or not at all.
pub fn write_private(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let new = file.with_extension("new");
    let written = (|| {
        let mut options = std::fs::OpenOptions::new();
        let mut to = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        to.write_all(text)?;
        to.sync_all()?;
        std::fs::rename(&new, file)
    })();
    written.with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Secret;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = SecretsSettings::default();
        assert!(keyring(&secrets, dir.path(), false).unwrap_err().to_string().starts_with("no encryption key at "));
        let sealed = keyring(&secrets, dir.path(), true).unwrap().seal("x").unwrap();
        assert_eq!(keyring(&secrets, dir.path(), false).unwrap().open(&sealed).unwrap(), "x");
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_configured_key_is_used_and_a_bad_one_named() {
        let dir = tempfile::tempdir().unwrap();
        let key = Secret::new(store::new_key().unwrap());
        let secrets = SecretsSettings { encryption_key: key, ..Default::default() };
        assert_eq!(keyring(&secrets, dir.path(), true).unwrap().len(), 1);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let bad = SecretsSettings { encryption_key: Secret::new("short"), ..Default::default() };
        let e = format!("{:#}", keyring(&bad, dir.path(), true).unwrap_err());
        assert!(e.starts_with("secrets.encryption_key: key 1: "), "{e}");
        let missing = SecretsSettings { encryption_key_file: dir.path().join("none"), ..Default::default() };
        assert!(keyring(&missing, dir.path(), true).is_err());
    }
}
