//! IPs of the market.

use super::Import;
use crate::app::{self, database, options};
use crate::cli::Outcome;
use crate::terminal::{Align, Table, fit};
use anyhow::anyhow;
use market::import::{Entries, ImportOptions, ImportReport, import, parse_csv, parse_json};
use model::{Clock, SystemClock};
use settings::Settings;
use std::io::{self, Write};
use std::path::Path;

impl Import {
    pub(super) async fn ips(
        &self,
        settings: &Settings,
        (name, bytes): (&Path, &[u8]),
        out: &mut (dyn Write + Send),
    ) -> anyhow::Result<Outcome> {
        let Entries { entries, upsert } = parse(name, bytes).map_err(|e| anyhow!("{}: {e}", name.display()))?;
        if database::file(settings).is_some() {
            app::make_dir(&settings.server.data_dir)?;
        }
        let now = SystemClock.now();
        let store = database::open_migrated(settings, now).await?;
        let schedule = options::market(settings).schedule;
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

fn parse(file: &Path, bytes: &[u8]) -> Result<Entries, String> {
    let named = |end: &str| file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end));
    let looks_like_json = || matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if named("json") || (!named("csv") && looks_like_json()) { parse_json(bytes) } else { parse_csv(bytes) }
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
