//! `tidewatch copy-store`: moving over to another database.

use crate::app::{Place, database};
use crate::cli::{Common, Outcome};
use crate::terminal::{Align, Progress, Table, grouped};
use anyhow::{Context, bail};
use api::Mode;
use clap::Args;
use model::{Clock, SystemClock};
use settings::{SecretUrl, Settings};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use store::portable::{Copied, copy};

/// What `copy-store` takes.
#[derive(Args, Debug)]
pub struct CopyStore {
    #[command(flatten)]
    common: Common,
    /// The database to copy to: sqlite://, mysql://, mariadb:// or postgres://, without a password.
    #[arg(long, value_name = "URL", required_unless_present = "to_file")]
    to: Option<String>,
    /// The URL is in this file, and may have a password; - for stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_file: Option<PathBuf>,
}

impl CopyStore {
    /// Runs it; data goes to `out`. No server may run on either of the databases.
    pub async fn run(self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let mut target = settings.clone();
        target.store.url = self.target()?;
        if database::url(&settings) == database::url(&target) {
            bail!("--to names the database that is to be copied");
        }
        let _ours = Place::take(&settings, Mode::Live)?;
        let _theirs = database::file(&target).map(|_| Place::take(&target, Mode::Live)).transpose()?;
        let from = database::open_to_write(&settings).await?;
        let to = database::open(&target).await?;
        let mut bar = Progress::new("copying", 100);
        let mut told = |table: &str, done: u64, total: u64| {
            bar.at(done * 100 / total.max(1), || format!("{} rows, {table}", grouped(done.cast_signed())));
        };
        let copied = copy(&from, &to, &database::migrations(), SystemClock.now(), &mut told).await;
        bar.done();
        from.close().await;
        to.close().await;
        report(&copied?, &target, out)?;
        Ok(Outcome::Good)
    }

    fn target(&self) -> anyhow::Result<SecretUrl> {
        if let Some(url) = &self.to {
            let password = url::Url::parse(url).ok().is_some_and(|url| url.password().is_some());
            if password {
                bail!(
                    "a password on the command line is read by everybody; put the URL into a file: --to-file FILE, or - for stdin"
                );
            }
            return Ok(SecretUrl::new(url.as_str()));
        }
        let file = self.to_file.as_deref().unwrap_or(Path::new("-"));
        let mut text = String::new();
        if file == Path::new("-") {
            std::io::stdin().take(4096).read_to_string(&mut text).context("the URL cannot be read from stdin")?;
        } else {
            text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        }
        if text.trim().is_empty() {
            bail!("there is no URL in {}", file.display());
        }
        Ok(SecretUrl::new(text.trim()))
    }
}

fn report(copied: &[Copied], target: &Settings, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut table =
        Table::new([("table", Align::Left), ("rows", Align::Right), ("digest", Align::Left), ("", Align::Left)]);
    for one in copied {
        let rows = grouped(one.digest.rows.cast_signed());
        let digest: String = one.digest.to_string().chars().take(16).collect();
        let resumed = match one.resumed {
            0 => String::new(),
            n => format!("{} were there", grouped(n.cast_signed())),
        };
        table.row([one.table.clone(), rows, digest, resumed]);
    }
    write!(out, "{table}")?;
    let rows: u64 = copied.iter().map(|one| one.digest.rows).sum();
    writeln!(out, "{} rows copied and compared", grouped(rows.cast_signed()))?;
    writeln!(
        out,
        "set store.url to {} and keep the encryption key; the old database stays as it is",
        database::shown(target)
    )?;
    Ok(())
}
