//! `tidewatch import FILE`.

use crate::app::{self, database, options};
use crate::cli::{Common, Outcome};
use crate::terminal::{Align, Table, fit};
use anyhow::{Context, anyhow};
use clap::Args;
use market::import::{Entries, ImportOptions, ImportReport, import, parse_csv, parse_json};
use model::{Clock, SystemClock};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What `import` takes.
#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    common: Common,
    /// JSON ({"ips":[…]} or a list) or CSV with a header row; - is stdin.
    file: PathBuf,
    /// Leave IPs that are there already as they are.
    #[arg(long)]
    no_upsert: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Import {
    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let name = self.file.display();
        let Entries { entries, upsert } = parse(&self.file).map_err(|e| anyhow!("{name}: {e}"))?;
        if database::file(&settings).is_some() {
            app::make_dir(&settings.server.data_dir)?;
        }
        let now = SystemClock.now();
        let store = database::open_migrated(&settings, now).await?;
        let schedule = options::market(&settings).schedule;
        let upsert = !self.no_upsert && upsert.unwrap_or(true);
        let report = import(&store, entries, &ImportOptions { upsert, schedule: &schedule, now, actor: "cli" }).await;
        store.close().await;
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            print(&report, out)?;
        }
        Ok(if report.failed == 0 { Outcome::Good } else { Outcome::Finding })
    }
}

fn parse(file: &Path) -> Result<Entries, String> {
    let bytes = read(file).map_err(|e| format!("{e:#}"))?;
    let named = |end: &str| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end));
    let looks_like_json = || matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if named("json") || (!named("csv") && looks_like_json()) { parse_json(&bytes) } else { parse_csv(&bytes) }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).context("stdin")?;
        return Ok(bytes);
    }
    std::fs::read(file).context("cannot be read")
}

fn print(report: &ImportReport, out: &mut dyn Write) -> io::Result<()> {
    let mut table =
        Table::new([("status", Align::Left), ("id", Align::Right), ("name", Align::Left), ("", Align::Left)]);
    for detail in &report.details {
        table.row([
            detail.status.to_owned(),
            detail.id.map(|id| id.to_string()).unwrap_or_default(),
            fit(detail.name.as_deref().unwrap_or("-"), 40),
            detail.error.clone().unwrap_or_default(),
        ]);
    }
    if !report.details.is_empty() {
        writeln!(out, "{table}")?;
    }
    let ImportReport { created, updated, skipped, failed, .. } = report;
    writeln!(out, "{created} created, {updated} updated, {skipped} skipped, {failed} failed")
}
