//! The keys of a Droid key-usage server.

use super::{Import, is_there};
use crate::app::accounts::providers;
use crate::app::{self, database, options, secrets};
use crate::cli::Outcome;
use crate::moving::droid_redis::Walk;
use crate::terminal::Progress;
use accounts::keys::{ImportOptions, ImportReport};
use accounts::store::keys::known_fingerprints;
use anyhow::anyhow;
use model::{Clock, SystemClock};
use serde_json::json;
use settings::{SecretUrl, Settings};
use std::collections::HashSet;
use std::io::Write;

/// Whose keys such a server holds.
const PROVIDER: &str = "factory";

impl Import {
    pub(super) async fn droid(
        &self,
        settings: &Settings,
        url: &SecretUrl,
        out: &mut (dyn Write + Send),
    ) -> anyhow::Result<Outcome> {
        // Nothing is made here before it is known that there is something to read.
        let mut walk = Walk::begin(url).await?;
        let mut progress = Progress::quiet("importing", walk.progress().total);
        let report = if self.dry_run {
            tried(settings, &mut walk, &mut progress).await?
        } else {
            self.taken(settings, &mut walk, &mut progress).await?
        };
        progress.done();
        let passed_over = walk.progress().passed_over;
        if self.json {
            let mut shown = serde_json::to_value(&report)?;
            shown["passed_over"] = json!(passed_over);
            shown["dry_run"] = json!(self.dry_run);
            writeln!(out, "{}", serde_json::to_string_pretty(&shown)?)?;
        } else {
            for error in &report.errors {
                writeln!(out, "{}", error.error)?;
            }
            let ImportReport { success, duplicates, failed, total, .. } = &report;
            let dry = if self.dry_run { "nothing written; would be: " } else { "" };
            writeln!(
                out,
                "{dry}{success} added, {duplicates} already there, {failed} failed, of {total} keys; \
                 {passed_over} other entries passed over"
            )?;
        }
        Ok(if report.failed == 0 { Outcome::Good } else { Outcome::Finding })
    }

    async fn taken(
        &self,
        settings: &Settings,
        walk: &mut Walk,
        progress: &mut Progress,
    ) -> anyhow::Result<ImportReport> {
        if database::file(settings).is_some() {
            app::make_dir(&settings.server.data_dir)?;
        }
        let keyring = secrets::keyring(&settings.secrets, &settings.server.data_dir, true)?;
        let provider = providers(&settings.accounts)?.get(PROVIDER, &Default::default()).map_err(|e| anyhow!("{e}"))?;
        let store = database::open_migrated(settings, SystemClock.now()).await?;
        let options = ImportOptions {
            provider: PROVIDER.to_owned(),
            amount: provider.kind.as_str().to_owned(),
            tags: self.tags.iter().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect(),
            params: Default::default(),
            interval: options::accounts(settings).key_interval,
            now: SystemClock.now(),
            actor: "cli".to_owned(),
        };
        let mut import = accounts::keys::Import::new(&store, &keyring, options);
        while let Some(lines) = walk.next().await? {
            import.add(lines).await?;
            let report = import.report();
            progress
                .at(walk.progress().seen, || format!("{} added, {} already there", report.success, report.duplicates));
        }
        let report = import.finish().await?;
        store.close().await;
        Ok(report)
    }
}

/// What an import would come to.
async fn tried(settings: &Settings, walk: &mut Walk, progress: &mut Progress) -> anyhow::Result<ImportReport> {
    let mut known = HashSet::new();
    let mut report = ImportReport::default();
    let pool = if is_there(settings) {
        let keyring = secrets::keyring(&settings.secrets, &settings.server.data_dir, false)?;
        Some((database::open_to_read(settings).await?, keyring))
    } else {
        None
    };
    while let Some(lines) = walk.next().await? {
        report.total += lines.len() as u64;
        for line in lines {
            let key = match line {
                Ok(entry) => entry.key,
                Err(error) => {
                    report.failed += 1;
                    report.errors.push(error);
                    continue;
                }
            };
            let there = match &pool {
                Some((store, keyring)) => {
                    !known_fingerprints(store, &keyring.fingerprints(key.reveal())).await?.is_empty()
                }
                None => false,
            };
            let new = known.insert(key.reveal().to_owned()) && !there;
            *(if new { &mut report.success } else { &mut report.duplicates }) += 1;
        }
        progress.at(walk.progress().seen, String::new);
    }
    Ok(report)
}
