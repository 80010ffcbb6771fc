//! `tidewatch migrate`.

use crate::app::{self, database};
use crate::cli::{Common, Outcome};
use clap::Args;
use model::{Clock, SystemClock};
use settings::Settings;
use std::io::Write;

/// What `migrate` takes.
#[derive(Args, Debug)]
pub struct Migrate {
    #[command(flatten)]
    common: Common,
    /// Only print what would be applied: exit code 1 if anything.
    #[arg(long)]
    dry_run: bool,
}

impl Migrate {
    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        if self.dry_run {
            return dry_run(&settings, out).await;
        }
        if database::file(&settings).is_some() {
            app::make_dir(&settings.server.data_dir)?;
        }
        let store = database::open(&settings).await?;
        let applied = store.migrate(&database::migrations(), SystemClock.now()).await?;
        store.close().await;
        for name in &applied {
            writeln!(out, "applied {name}")?;
        }
        if applied.is_empty() {
            writeln!(out, "{} is up to date", database::shown(&settings))?;
        }
        Ok(Outcome::Good)
    }
}

async fn dry_run(settings: &Settings, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let names = pending(settings).await?;
    for name in &names {
        writeln!(out, "would apply {name}")?;
    }
    if names.is_empty() {
        writeln!(out, "{} is up to date", database::shown(settings))?;
        return Ok(Outcome::Good);
    }
    Ok(Outcome::Finding)
}

/// What is pending; everything when the SQLite file is not there, which it still is not afterwards.
async fn pending(settings: &Settings) -> anyhow::Result<Vec<&'static str>> {
    let migrations = database::migrations();
    if database::file(settings).is_some_and(|file| !file.exists()) {
        return Ok(migrations.iter().map(|migration| migration.name).collect());
    }
    let store = database::open_to_read(settings).await?;
    let names = store::pending(&store, &migrations).await?;
    store.close().await;
    Ok(names)
}
