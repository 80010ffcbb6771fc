//! `tidewatch backup`.

use crate::app::{database, secrets};
use crate::archive::{Archive, Keys, Passphrase, Totals, write};
use crate::cli::{Common, Outcome};
use crate::demo::marker;
use crate::terminal::{Progress, grouped};
use anyhow::{Context, bail};
use clap::Args;
use model::{Clock, SystemClock};
use settings::Settings;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use store::{Sealed, Store};

/// What `backup` takes.
#[derive(Args, Debug)]
pub struct Backup {
    #[command(flatten)]
    common: Common,
    /// The file to write; - for stdout.
    file: PathBuf,
    /// Seal the backup with the passphrase in this file; - for stdin.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Put the encryption key and the hash of the admin key into it: who reads the backup then reads every secret.
    #[arg(long)]
    with_key: bool,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
}

/// The columns of sealed texts.
pub fn sealed() -> Vec<Sealed> {
    [accounts::store::SEALED, notify::SEALED, reminders::store::SEALED].concat()
}

impl Backup {
    /// Runs it, while a server may run; the backup itself may go to `out`.
    pub async fn run(self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let dir = &settings.server.data_dir;
        if marker::is_in(dir) {
            bail!("{} holds the simulated data of a demo, of which there is no backup", dir.display());
        }
        let to_stdout = self.file == Path::new("-");
        if to_stdout && io::stdout().is_terminal() {
            bail!("a backup is no text for a terminal; name a file, or send it on: tidewatch backup - > FILE");
        }
        if !to_stdout && self.file.exists() && !self.force {
            bail!("{} is there already; name another file, or give --force", self.file.display());
        }
        let passphrase = self.passphrase_file.as_deref().map(Passphrase::read).transpose()?;
        let keys = self.with_key.then(|| keys(&settings)).transpose()?;
        let store = database::open_to_read(&settings).await?;
        let totals = if to_stdout {
            let totals = self.write(&store, &mut *out, (passphrase.as_ref(), keys)).await?.1;
            out.flush()?;
            totals
        } else {
            self.to_file(&store, passphrase, keys).await?
        };
        store.close().await;
        self.tell(&settings, totals);
        Ok(Outcome::Good)
    }

    async fn write<W: Write + Send>(
        &self,
        store: &Store,
        to: W,
        (passphrase, keys): (Option<&Passphrase>, Option<Keys>),
    ) -> anyhow::Result<(W, Totals)> {
        let mut bar = Progress::new("backing up", 100);
        let mut told = |done: u64, total: u64| {
            bar.at(done * 100 / total.max(1), || format!("{} rows", grouped(done.cast_signed())));
        };
        let written =
            write(store, &database::migrations(), (to, passphrase, keys), SystemClock.now(), &mut told).await?;
        bar.done();
        Ok(written)
    }

    /// Writes beside the file, reads it all back, and only then gives it its name.
    async fn to_file(
        &self,
        store: &Store,
        passphrase: Option<Passphrase>,
        keys: Option<Keys>,
    ) -> anyhow::Result<Totals> {
        let part = part_of(&self.file);
        let shown = || format!("{} cannot be written", part.display());
        let file: File =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).with_context(shown)?;
        let done = async {
            let (to, totals) = self.write(store, BufWriter::new(file), (passphrase.as_ref(), keys)).await?;
            to.into_inner().map_err(|e| e.into_error()).and_then(|file| file.sync_all()).with_context(shown)?;
            let read = Archive::open(&part, passphrase, &database::migrations(), &sealed());
            let read = read.context("the backup, read again,")?;
            anyhow::ensure!(read.contents.totals == totals, "the backup, read again, is not what was written");
            fs::rename(&part, &self.file).with_context(|| format!("{} cannot be written", self.file.display()))?;
            Ok(totals)
        };
        let done = done.await;
        if done.is_err() {
            let _ = fs::remove_file(&part);
        }
        done
    }

    fn tell(&self, settings: &Settings, totals: Totals) {
        let mut err = io::stderr();
        let rows = grouped(totals.rows.cast_signed());
        let _ = writeln!(err, "{rows} rows of {} tables backed up", totals.tables);
        let _ = match (self.with_key, self.passphrase_file.is_some()) {
            (true, true) => {
                writeln!(err, "the keys are in it: keep its passphrase elsewhere than the backup")
            }
            (true, false) => writeln!(
                err,
                "WARNING: the encryption key is in it and it is not sealed: whoever reads this file reads every stored secret"
            ),
            (false, _) => match secrets::file(&settings.secrets, &settings.server.data_dir) {
                Some(file) => writeln!(
                    err,
                    "the encryption key is not in it: keep a copy of {} elsewhere, without it the stored secrets are lost",
                    file.display()
                ),
                None => writeln!(
                    err,
                    "the encryption key (secrets.encryption_key) is not in it: keep a copy of it elsewhere, without it the stored secrets are lost"
                ),
            },
        };
    }
}

fn part_of(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".part");
    PathBuf::from(name)
}

/// The keys of this installation.
fn keys(settings: &Settings) -> anyhow::Result<Keys> {
    let dir = &settings.server.data_dir;
    let ring = secrets::keyring(&settings.secrets, dir, false)?;
    let admin_hash = match fs::read_to_string(dir.join("admin-key")) {
        Ok(text) => Some(text.trim().to_owned()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e).context("the hash of the admin key"),
    };
    Ok(Keys { encryption: ring.to_lines(), admin_hash })
}
