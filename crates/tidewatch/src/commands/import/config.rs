//! The config.json of balance-alert.

use super::{Import, is_there};
use crate::app::accounts::providers;
use crate::app::{self, database, options, secrets};
use crate::cli::Outcome;
use crate::moving::config_json::{Moved, Reading, read};
use crate::moving::keep::{Place, Report, keep};
use crate::terminal::{Align, Table, fit};
use anyhow::{anyhow, bail};
use model::{Clock, SystemClock, Timestamp};
use notify::Rules;
use settings::Settings;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use store::{Keyring, Store};
use tempfile::TempDir;
use url::Url;

impl Import {
    pub(super) async fn config(
        &self,
        settings: &Settings,
        (name, bytes): (&Path, &[u8]),
        variables: &BTreeMap<String, String>,
        out: &mut (dyn Write + Send),
    ) -> anyhow::Result<Outcome> {
        let now = SystemClock.now();
        let moved = moved(bytes, variables, now).map_err(|e| anyhow!("{}: {e}", name.display()))?;
        let (store, keyring, _gone_afterwards) =
            if self.dry_run { to_try(settings, now).await? } else { to_keep(settings, now).await? };
        let apprise = Url::parse(&settings.notify.apprise).ok();
        let place = Place {
            store: &store,
            providers: &providers(&settings.accounts)?,
            keyring: &keyring,
            accounts: &options::accounts(settings),
            rules: Rules { sealer: &keyring, allow_private: settings.notify.allow_private, apprise: apprise.as_ref() },
            upsert: !self.no_upsert,
            dry_run: self.dry_run,
            now,
            actor: "cli",
        };
        let report = keep(&moved, &place).await?;
        store.close().await;
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            print(&report, out)?;
        }
        Ok(if report.failed == 0 { Outcome::Good } else { Outcome::Finding })
    }
}

fn moved(bytes: &[u8], variables: &BTreeMap<String, String>, now: Timestamp) -> Result<Moved, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let (subscriptions, mailboxes) = Default::default();
    let look_up = |name: &str| variables.get(name).cloned();
    read(text, &Reading { look_up: &look_up, subscriptions: &subscriptions, mailboxes: &mailboxes, now })
}

type Opened = (Store, Keyring, Option<TempDir>);

async fn to_keep(settings: &Settings, now: Timestamp) -> anyhow::Result<Opened> {
    if database::file(settings).is_some() {
        app::make_dir(&settings.server.data_dir)?;
    }
    let keyring = secrets::keyring(&settings.secrets, &settings.server.data_dir, true)?;
    Ok((database::open_migrated(settings, now).await?, keyring, None))
}

/// The database, if it is there, else an empty one that goes away; neither tables nor keys are made in the real place.
async fn to_try(settings: &Settings, now: Timestamp) -> anyhow::Result<Opened> {
    if is_there(settings) {
        let store = database::open_to_write(settings).await?;
        if !store::pending(&store, &database::migrations()).await?.is_empty() {
            bail!("the tables are not up to date; `tidewatch migrate` brings them there");
        }
        let keyring = secrets::keyring(&settings.secrets, &settings.server.data_dir, false)?;
        return Ok((store, keyring, None));
    }
    let dir = tempfile::tempdir()?;
    let mut elsewhere = settings.clone();
    elsewhere.store.url = Default::default();
    elsewhere.server.data_dir = dir.path().to_owned();
    let keyring = Keyring::parse(&store::new_key()?)?;
    Ok((database::open_migrated(&elsewhere, now).await?, keyring, Some(dir)))
}

fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let columns = [("status", Align::Left), ("", Align::Left), ("name", Align::Left), ("at", Align::Left)];
    let mut table = Table::new([columns[0], columns[1], columns[2], columns[3], ("", Align::Left)]);
    for detail in &report.details {
        table.row([
            detail.status.to_owned(),
            detail.what.to_owned(),
            fit(if detail.name.is_empty() { "-" } else { &detail.name }, 40),
            detail.at.clone(),
            detail.error.clone().unwrap_or_default(),
        ]);
    }
    if !report.details.is_empty() {
        writeln!(out, "{table}")?;
    }
    for note in &report.notes {
        writeln!(out, "{note}")?;
    }
    let Report { created, updated, unchanged, skipped, failed, .. } = report;
    let dry = if report.dry_run { "nothing written; would be: " } else { "" };
    writeln!(
        out,
        "{dry}{created} created, {updated} updated, {unchanged} unchanged, {skipped} skipped, {failed} failed"
    )
}
