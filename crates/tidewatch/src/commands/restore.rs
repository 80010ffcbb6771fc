//! `tidewatch restore`.

use super::backup::sealed;
use crate::app::{Place, database, secrets};
use crate::archive::{Archive, Keys, NOTE, Passphrase, Restored, load_into};
use crate::cli::{Common, Outcome};
use crate::terminal::{Progress, grouped};
use anyhow::{Context, bail};
use api::Mode;
use clap::Args;
use model::{Clock, SystemClock};
use settings::Settings;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use store::portable::{drop_tables, is_empty, tables, unfinished};
use store::{Keyring, OpenOptions, Store};

/// What `restore` takes.
#[derive(Args, Debug)]
pub struct Restore {
    #[command(flatten)]
    common: Common,
    /// The backup.
    file: PathBuf,
    /// The passphrase of a sealed backup is in this file; - for stdin.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Take away what the database holds.
    #[arg(long, visible_alias = "force")]
    replace: bool,
}

impl Restore {
    /// Runs it; data goes to `out`. No server may run on the database.
    pub async fn run(self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let passphrase = self.passphrase_file.as_deref().map(Passphrase::read).transpose()?;
        let archive = Archive::open(&self.file, passphrase, &database::migrations(), &sealed())
            .with_context(|| self.file.display().to_string())?;
        // The lock is held to the end: no server starts meanwhile.
        let place = Place::take(&settings, Mode::Live)?;
        let keys = self.keys_to_write(&settings, archive.contents.keys.as_ref())?;
        let restored = match database::file(&settings) {
            Some(file) => self.take_place(&archive, &file).await?,
            None => self.fill_server(&archive, &settings).await?,
        };
        if let Some(keys) = keys {
            write_keys(&settings, place.dir(), keys)?;
        }
        let rows = grouped(restored.rows.cast_signed());
        writeln!(out, "{rows} rows of {} restored, as of {}", archive.header.database, archive.header.made_at)?;
        if !restored.upgraded.is_empty() {
            writeln!(out, "brought up to date: {}", restored.upgraded.join(", "))?;
        }
        tell_of_secrets(&settings, &archive, out)
    }

    /// The keys of the backup when they are to be written; fails when others are in place.
    fn keys_to_write<'a>(&self, settings: &Settings, keys: Option<&'a Keys>) -> anyhow::Result<Option<&'a Keys>> {
        let Some(keys) = keys else { return Ok(None) };
        Keyring::parse(&keys.encryption).context("the encryption key in the backup")?;
        let dir = &settings.server.data_dir;
        let Some(file) = secrets::file(&settings.secrets, dir) else {
            let configured = Keyring::parse(settings.secrets.encryption_key.reveal())?.to_lines();
            if configured == keys.encryption {
                return Ok(None);
            }
            bail!(
                "secrets.encryption_key is another key than the one in the backup; take it out of the configuration, so that the backup's can be written to the data directory"
            );
        };
        match fs::read_to_string(&file) {
            Ok(text) if Keyring::parse(&text).is_ok_and(|ring| ring.to_lines() == keys.encryption) => Ok(Some(keys)),
            Ok(_) if !self.replace => bail!(
                "{} holds another key than the backup; move it away, or give --replace to write the backup's over it",
                file.display()
            ),
            Err(e) if e.kind() != ErrorKind::NotFound => Err(e).with_context(|| file.display().to_string()),
            _ => Ok(Some(keys)),
        }
    }

    /// A new file that takes the old one's place when it is whole: there is always either of them.
    async fn take_place(&self, archive: &Archive, file: &Path) -> anyhow::Result<Restored> {
        let there = file.exists();
        if there && !self.replace {
            let store = Store::open(&OpenOptions::new(database::of_file(file))).await;
            let empty = match &store {
                Ok(store) => is_empty(store, &tables(&database::migrations())?).await.unwrap_or(false),
                Err(_) => false,
            };
            if let Ok(store) = store {
                store.close().await;
            }
            if !empty {
                bail!("{} holds a database; give --replace to take its place, or another --data-dir", file.display());
            }
        }
        let new = beside(file, ".restoring");
        take_away(&new)?;
        let store = Store::open(&OpenOptions::new(database::of_file(&new))).await?;
        let restored = load(archive, &store).await;
        store.close().await;
        let restored = restored.inspect_err(|_| {
            let _ = take_away(&new);
        })?;
        File::open(&new).and_then(|file| file.sync_all()).with_context(|| new.display().to_string())?;
        if there {
            fold(file).await;
        }
        fs::rename(&new, file).with_context(|| format!("{} cannot be written", file.display()))?;
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
        Ok(restored)
    }

    /// A server has no second database to fill first: what was begun says so until it is whole, and is begun anew.
    async fn fill_server(&self, archive: &Archive, settings: &Settings) -> anyhow::Result<Restored> {
        let store = database::open(settings).await?;
        let all = tables(&database::migrations())?;
        let begun = unfinished(&store).await?.is_some_and(|what| what == NOTE);
        if begun {
            writeln!(io::stderr(), "an earlier restore was cut off; it is begun anew")?;
        } else if !self.replace && !is_empty(&store, &all).await? {
            bail!("{} is not empty; give --replace to take away what it holds", database::shown(settings));
        }
        drop_tables(&store, &all).await?;
        let restored = load(archive, &store).await;
        store.close().await;
        restored
    }
}

async fn load(archive: &Archive, to: &Store) -> anyhow::Result<Restored> {
    let mut bar = Progress::new("restoring", 100);
    let mut told =
        |done: u64, all: u64| bar.at(done * 100 / all.max(1), || format!("{} rows", grouped(done.cast_signed())));
    let restored = load_into(archive, to, &database::migrations(), SystemClock.now(), &mut told).await;
    bar.done();
    restored
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn take_away(file: &Path) -> anyhow::Result<()> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(file, ending)) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("{} cannot be taken away", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Folds the log of the old file into it: a log that stayed would be taken for the new file's.
async fn fold(file: &Path) {
    if let Ok(store) = Store::open(&OpenOptions::new(database::of_file(file))).await {
        store.close().await;
    }
    for ending in ["-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(beside(file, ending));
    }
}

fn write_keys(settings: &Settings, dir: &Path, keys: &Keys) -> anyhow::Result<()> {
    if let Some(file) = secrets::file(&settings.secrets, dir) {
        secrets::write(&file, &Keyring::parse(&keys.encryption)?)?;
    }
    let Some(hash) = &keys.admin_hash else { return Ok(()) };
    anyhow::ensure!(api::AdminKey::stored(hash).is_some(), "the hash of the admin key in the backup is none");
    secrets::write_private(&dir.join("admin-key"), format!("{hash}\n").as_bytes())
}

/// Says whether the secrets that came along can be opened.
fn tell_of_secrets(settings: &Settings, archive: &Archive, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if archive.contents.sealed.is_empty() {
        return Ok(Outcome::Good);
    }
    let dir = &settings.server.data_dir;
    let ring = secrets::keyring(&settings.secrets, dir, false).ok();
    let opens = |sealed: &String| ring.as_ref().is_some_and(|ring| ring.knows(sealed));
    let missing: Vec<&str> =
        archive.contents.sealed.iter().filter(|(_, text)| !opens(text)).map(|(id, _)| id.as_str()).collect();
    if missing.is_empty() {
        writeln!(out, "the encryption key in place opens the stored secrets")?;
        return Ok(Outcome::Good);
    }
    let place = secrets::file(&settings.secrets, dir)
        .map_or("secrets.encryption_key".to_owned(), |file| file.display().to_string());
    writeln!(
        out,
        "the stored secrets are sealed with the key {}, which is not here: put the encryption key of the old place into {place} before the server starts",
        missing.join(", ")
    )?;
    Ok(Outcome::Finding)
}
