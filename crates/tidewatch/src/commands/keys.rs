//! `tidewatch keys import|list|export|delete|refresh`.

mod import;

pub use import::ImportArgs;

use crate::app::{self, Accounts, database, secrets};
use crate::cli::{Common, Outcome};
use crate::terminal::{Align, Progress, Table, fit};
use accounts::keys::{KeyFilter, Selection};
use accounts::store::keys::{
    KeyQuery, KeyRow, count_by_status, delete_keys, ids_after, keys_after, list_keys, sealed_after,
};
use accounts::store::refreshes;
use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use model::{Clock, SystemClock, WatchKind};
use settings::Settings;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;
use store::{AuditEntry, Store};

/// What to do with the pool of keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Add keys of a file or of stdin: one in a line, CSV `name,key`, or JSON.
    Import(ImportArgs),
    /// Print keys, masked.
    List(ListArgs),
    /// Print keys as CSV or JSON, with --secrets in full.
    Export(ExportArgs),
    /// Delete the keys that match.
    Delete(DeleteArgs),
    /// Look at the keys that match now; a running server does the looking.
    Refresh(RefreshArgs),
}

/// Which keys.
#[derive(Args, Debug, Default)]
pub struct Which {
    /// All keys.
    #[arg(long)]
    all: bool,
    /// A part of the name or of the masked key.
    #[arg(long, short = 'q')]
    search: Option<String>,
    /// A label.
    #[arg(long)]
    tag: Option<String>,
    /// ok, unauthorized, forbidden, limited, unreachable, malformed, unsupported, new or failed.
    #[arg(long)]
    status: Option<String>,
    /// At least so much is left.
    #[arg(long, value_name = "AMOUNT")]
    min: Option<f64>,
    /// At most so much is left.
    #[arg(long, value_name = "AMOUNT")]
    max: Option<f64>,
}

impl Which {
    fn filter(&self) -> KeyFilter {
        KeyFilter {
            q: self.search.clone(),
            tag: self.tag.clone(),
            status: self.status.clone(),
            remaining_min: self.min,
            remaining_max: self.max,
            ..KeyFilter::default()
        }
    }

    /// What is meant; nothing said means nothing, not everything.
    fn selection(&self) -> anyhow::Result<Selection> {
        let filter = self.filter();
        match (self.all, filter.is_empty()) {
            (true, true) => Ok(Selection::All),
            (false, false) => Selection::of(None, Some(filter), None).map_err(|e| anyhow!(e)),
            (true, false) => bail!("give --all or a filter, not both"),
            (false, true) => bail!("say which keys: --search, --tag, --status, --min, --max, or --all"),
        }
    }

    fn or_all(&self) -> anyhow::Result<Selection> {
        if !self.all && self.filter().is_empty() { Ok(Selection::All) } else { self.selection() }
    }
}

/// What `keys list` takes.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
    /// Keys printed at most.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What `keys export` takes.
#[derive(Args, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
    /// With the keys in full; written to the audit log.
    #[arg(long)]
    secrets: bool,
    /// As JSON lines instead of CSV.
    #[arg(long)]
    json: bool,
}

/// What `keys delete` takes.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

/// What `keys refresh` takes.
#[derive(Args, Debug)]
pub struct RefreshArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    which: Which,
    /// Do not wait for the end.
    #[arg(long)]
    no_wait: bool,
}

const ACTOR: &str = "cli";

impl Keys {
    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        match self {
            Self::Import(args) => args.run(out).await,
            Self::List(args) => args.run(out).await,
            Self::Export(args) => args.run(out).await,
            Self::Delete(args) => args.run(out).await,
            Self::Refresh(args) => args.run(out).await,
        }
    }
}

async fn open(settings: &Settings) -> anyhow::Result<(Store, Accounts)> {
    if database::file(settings).is_some() {
        app::make_dir(&settings.server.data_dir)?;
    }
    let keyring = Arc::new(secrets::keyring(&settings.secrets, &settings.server.data_dir, true)?);
    let store = database::open_migrated(settings, SystemClock.now()).await?;
    let accounts = Accounts::open(settings, (keyring, None), Arc::new(SystemClock), &Default::default(), None)?;
    Ok((store, accounts))
}

impl ListArgs {
    async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let store = database::open_to_read(&settings).await?;
        let filter = self.which.filter().checked().map_err(|e| anyhow!(e))?;
        let query = KeyQuery { filter, limit: self.limit, ..KeyQuery::default() };
        let (keys, total) = list_keys(&store, &query).await?;
        store.close().await;
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&keys.iter().map(shown).collect::<Vec<_>>())?)?;
            return Ok(Outcome::Good);
        }
        let mut table = Table::new([
            ("id", Align::Right),
            ("name", Align::Left),
            ("key", Align::Left),
            ("left", Align::Right),
            ("", Align::Left),
            ("status", Align::Left),
        ]);
        for key in &keys {
            let reading = key.reading.clone().unwrap_or_default();
            let left = reading.remaining.map_or_else(
                || accounts::judge::percent_left(&reading).map_or("?".into(), |p| format!("{} %", p.round_dp(1))),
                |left| left.normalize().to_string(),
            );
            table.row([
                key.id.to_string(),
                fit(&key.name, 24),
                key.mask.clone(),
                left,
                reading.unit.unwrap_or_default(),
                key.status.clone(),
            ]);
        }
        write!(out, "{table}")?;
        writeln!(out, "{} of {total} keys", keys.len())?;
        Ok(Outcome::Good)
    }
}

fn shown(key: &KeyRow) -> serde_json::Value {
    serde_json::json!({
        "id": key.id, "name": key.name, "key": key.mask, "provider": key.provider, "tags": key.tags, "org": key.org,
        "status": key.status, "error": key.error, "reading": key.reading, "checked_at": key.checked_at,
        "good_at": key.good_at,
    })
}

async fn audit(store: &Store, action: &str, subject: String) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let entry = AuditEntry { at: SystemClock.now(), actor: ACTOR.to_owned(), action: action.to_owned(), subject };
    store::audit(&mut tx, &entry).await?;
    Ok(tx.commit().await?)
}

/// Rows of one step.
const STEP: usize = 1000;

impl ExportArgs {
    async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let (store, accounts) = open(&settings).await?;
        let selection = self.which.or_all()?;
        if self.secrets {
            audit(&store, "key.export", selection.described()).await?;
        }
        if !self.json {
            writeln!(out, "name,key,status,remaining,unit")?;
        }
        let mut after = 0;
        loop {
            let keys = keys_after(&store, &selection, after, STEP).await?;
            let Some(last) = keys.last().map(|key| key.id) else { break };
            let sealed = match self.secrets {
                true => sealed_after(&store, &selection, after, STEP).await?.into_iter().collect(),
                false => std::collections::HashMap::new(),
            };
            for key in &keys {
                let text = match sealed.get(&key.id) {
                    Some(sealed) => accounts.keyring.open(sealed)?,
                    None => key.mask.clone(),
                };
                self.write(out, key, &text)?;
            }
            after = last;
        }
        store.close().await;
        Ok(Outcome::Good)
    }

    fn write(&self, out: &mut (dyn Write + Send), key: &KeyRow, text: &str) -> anyhow::Result<()> {
        let reading = key.reading.clone().unwrap_or_default();
        if self.json {
            let mut row = shown(key);
            row["key"] = text.into();
            return Ok(writeln!(out, "{row}")?);
        }
        let left = reading.remaining.map(|left| left.to_string()).unwrap_or_default();
        let unit = reading.unit.unwrap_or_default();
        let cells = [key.name.as_str(), text, key.status.as_str(), left.as_str(), unit.as_str()];
        let line: Vec<String> = cells.iter().map(|cell| accounts::keys::csv::cell(cell).into_owned()).collect();
        Ok(writeln!(out, "{}", line.join(","))?)
    }
}

impl DeleteArgs {
    async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let (store, _) = open(&settings).await?;
        let selection = self.which.selection()?;
        let counts = count_by_status(&store, &selection).await?;
        let total = counts.iter().map(|(_, count)| count.unsigned_abs()).sum();
        if !self.yes && !confirmed(total)? {
            bail!("nothing deleted");
        }
        audit(&store, "key.delete", selection.described()).await?;
        let mut progress = Progress::quiet("deleting", total);
        let mut deleted = 0;
        let mut after = 0;
        loop {
            let mut tx = store.begin().await?;
            let ids = ids_after(&mut tx, &selection, after, STEP).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            deleted += delete_keys(&mut tx, &ids, SystemClock.now()).await?;
            tx.commit().await?;
            progress.at(deleted, || format!("{deleted} keys"));
        }
        progress.done();
        store.close().await;
        writeln!(out, "{deleted} keys deleted")?;
        Ok(Outcome::Good)
    }
}

fn confirmed(total: u64) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("{total} keys would be deleted; say --yes where nobody can be asked");
    }
    write!(io::stderr(), "Delete {total} keys? [y/N] ")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

impl RefreshArgs {
    async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let (store, _) = open(&settings).await?;
        let selection = self.which.or_all()?;
        let now = SystemClock.now();
        let mut tx = store.begin().await?;
        let mut refresh = refreshes::start(&mut tx, WatchKind::Key, &selection, ACTOR, now).await?;
        tx.commit().await?;
        let mut progress = Progress::new("refreshing", refresh.total.unsigned_abs());
        let mut idle = 0;
        while !self.no_wait && refresh.finished_at.is_none() && refresh.done < refresh.total {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let Some(seen) = refreshes::get(&store, refresh.id).await? else { break };
            idle = if seen.done > refresh.done { 0 } else { idle + 1 };
            refresh = seen;
            progress.at(refresh.done.unsigned_abs(), || format!("{} read, {} not", refresh.ok, refresh.failed));
            if idle > 200 {
                bail!("nothing was looked at for a minute: is `tidewatch serve` running on this database?");
            }
        }
        progress.done();
        store.close().await;
        writeln!(
            out,
            "{} of {} keys looked at: {} read, {} not",
            refresh.done, refresh.total, refresh.ok, refresh.failed
        )?;
        Ok(if refresh.failed == 0 { Outcome::Good } else { Outcome::Finding })
    }
}
