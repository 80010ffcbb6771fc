//! What tells the data directory of a demo from a real one, and lets a kept one go on.

use crate::app::{Place, database};
use anyhow::{Context, bail};
use api::Mode;
use serde::{Deserialize, Serialize};
use settings::Settings;
use std::io::ErrorKind;
use std::path::Path;
use std::{fs, io};

const FILE: &str = "demo.json";
/// What a fresh start takes away, and nothing else.
const OWN: [&str; 7] = [
    FILE,
    "admin-key",
    "encryption-key",
    database::FILE,
    "tidewatch.db-wal",
    "tidewatch.db-shm",
    "tidewatch.db-journal",
];

/// The market of a demo: the same again gives the same market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The seed of all chance.
    pub seed: u64,
    /// When the simulated history begins, epoch ms.
    pub start_ms: i64,
    /// Made-up IPs; `None` for the well-known titles.
    pub targets: Option<usize>,
    /// Recorded pages instead of a made-up market.
    pub replay: bool,
}

/// Whether the directory holds simulated data.
pub fn is_in(dir: &Path) -> bool {
    dir.join(FILE).exists()
}

/// Makes the directory ready for a demo: with `keep`, the demo that is there goes on; else what a demo left is taken
/// away. Fails on a directory that holds a real database, or another process's demo.
pub fn prepare(settings: &Settings, wanted: Marker, keep: bool) -> anyhow::Result<(Marker, bool)> {
    let dir = &settings.server.data_dir;
    let _ours = Place::take(settings, Mode::Demo)?;
    if dir.join(database::FILE).exists() && !is_in(dir) {
        bail!("{} holds a database that no demo made; name another --data-dir", dir.display());
    }
    if keep && is_in(dir) {
        let kept = read(dir)?;
        if kept.replay != wanted.replay {
            bail!("the demo in {} is of another kind; start it without --keep", dir.display());
        }
        return Ok((kept, true));
    }
    for name in OWN {
        take_away(&dir.join(name)).with_context(|| format!("{} cannot be emptied", dir.display()))?;
    }
    let text = serde_json::to_string_pretty(&wanted)?;
    fs::write(dir.join(FILE), text).with_context(|| format!("{} cannot be written to", dir.display()))?;
    Ok((wanted, false))
}

fn read(dir: &Path) -> anyhow::Result<Marker> {
    let file = dir.join(FILE);
    let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}: not understood", file.display()))
}

fn take_away(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(seed: u64) -> Marker {
        Marker { seed, start_ms: 0, targets: None, replay: false }
    }

    #[test]
    fn a_demo_starts_fresh_or_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.server.data_dir = dir.path().to_owned();
        assert_eq!(prepare(&settings, wanted(1), true).unwrap(), (wanted(1), false));
        fs::write(dir.path().join(database::FILE), "x").unwrap();
        assert_eq!(prepare(&settings, wanted(2), true).unwrap(), (wanted(1), true));
        assert!(dir.path().join(database::FILE).exists());
        assert_eq!(prepare(&settings, wanted(3), false).unwrap(), (wanted(3), false));
        assert!(!dir.path().join(database::FILE).exists());
        let e = Place::take(&settings, Mode::Live).unwrap_err().to_string();
        assert!(e.contains("simulated data"), "{e}");
    }

    #[test]
    fn a_real_database_is_never_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.server.data_dir = dir.path().to_owned();
        fs::write(dir.path().join(database::FILE), "x").unwrap();
        for keep in [true, false] {
            let e = prepare(&settings, wanted(1), keep).unwrap_err().to_string();
            assert!(e.contains("no demo made"), "{e}");
        }
        assert!(dir.path().join(database::FILE).exists() && !is_in(dir.path()));
    }
}
