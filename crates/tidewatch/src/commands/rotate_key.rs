//! `tidewatch rotate-key`: a new encryption key, and everything sealed with it.

use crate::app::{database, secrets};
use crate::cli::{Common, Outcome};
use crate::terminal::Progress;
use anyhow::{Context, bail};
use clap::Args;
use std::io::Write;
use store::Keyring;

/// What `rotate-key` takes.
#[derive(Args, Debug)]
pub struct RotateKey {
    #[command(flatten)]
    common: Common,
}

impl RotateKey {
    /// Runs it; a server that runs meanwhile must be restarted before, and reads both keys after.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let dir = &settings.server.data_dir;
        let Some(file) = secrets::file(&settings.secrets, dir) else {
            bail!(
                "the key is set by secrets.encryption_key; put a file with the new key in its first line and the old one below into secrets.encryption_key_file, and run this again"
            );
        };
        let before = secrets::keyring(&settings.secrets, dir, false)?;
        // A rotation that was interrupted left two keys: go on with the newer one instead of making a third.
        let both = match before.len() {
            1 => Keyring::parse(&format!("{}\n{}", store::new_key()?, before.to_lines()))?,
            _ => before,
        };
        secrets::write(&file, &both)?;
        let store = database::open_to_write(&settings).await?;
        let all = [accounts::store::SEALED, notify::SEALED, reminders::store::SEALED].concat();
        let mut total = 0;
        for sealed in &all {
            total += store::reseal_left(&store, &both, *sealed).await?;
        }
        let mut progress = Progress::new("sealing anew", total);
        let mut done = 0;
        for sealed in &all {
            loop {
                let step =
                    store::reseal(&store, &both, *sealed).await.context("the new key is kept, run this again")?;
                if step == 0 {
                    break;
                }
                done += step;
                progress.at(done, || format!("{done} secrets"));
            }
        }
        progress.done();
        store.close().await;
        let first = both.to_lines().lines().next().map(str::to_owned).unwrap_or_default();
        secrets::write(&file, &Keyring::parse(&first)?)?;
        writeln!(out, "{done} secrets are sealed with a new key")?;
        writeln!(out, "restart the servers that read {}", file.display())?;
        Ok(Outcome::Good)
    }
}
