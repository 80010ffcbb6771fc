//! Where a process keeps its files, and that it is alone there.

use super::database;
use crate::demo::marker;
use anyhow::{Context, bail};
use api::Mode;
use settings::Settings;
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A data directory that is this process's own as long as this lives.
#[derive(Debug)]
pub struct Place {
    dir: PathBuf,
    /// Held beside an SQLite file; the system lets it go when the process ends, however it ends.
    lock: Option<File>,
}

impl Place {
    /// Makes the directory if it is missing, and locks the SQLite file in it. Fails when another process has it, or
    /// when it holds simulated data and the mode is live.
    pub fn take(settings: &Settings, mode: Mode) -> anyhow::Result<Self> {
        let dir = settings.server.data_dir.clone();
        make(&dir)?;
        if mode == Mode::Live && marker::is_in(&dir) {
            bail!("{} holds the simulated data of a demo; name another --data-dir", dir.display());
        }
        let lock = database::file(settings).map(|file| lock(&file)).transpose()?;
        Ok(Self { dir, lock })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether nobody else works on the database.
    pub const fn is_alone(&self) -> bool {
        self.lock.is_some()
    }
}

/// Makes a directory that only its owner may look into.
pub fn make(dir: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("data directory {} cannot be made", dir.display()))
}

fn lock(database: &Path) -> anyhow::Result<File> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let options = || File::options().create(true).truncate(false).write(true).open(&path);
    let file = options().with_context(|| format!("lock file {} cannot be made", path.display()))?;
    let dir = database.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another tidewatch is running on {}; stop it, or give this one another --data-dir", dir.display())
        }
        Err(TryLockError::Error(e)) => Err(e).with_context(|| format!("{} cannot be locked", path.display())),
    }
}
