//! `tidewatch keys import`.

use super::{ACTOR, open};
use crate::cli::{Common, Outcome};
use crate::terminal::Progress;
use accounts::keys::{Import, ImportOptions, parse_json};
use anyhow::{Context, anyhow};
use clap::Args;
use model::{Clock, SystemClock};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// What `keys import` takes.
#[derive(Args, Debug)]
pub struct ImportArgs {
    #[command(flatten)]
    common: Common,
    /// The file; - is stdin.
    file: PathBuf,
    /// Whose keys they are.
    #[arg(long, default_value = "factory")]
    provider: String,
    /// Labels, between commas.
    #[arg(long, value_delimiter = ',')]
    tags: Vec<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl ImportArgs {
    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        let (store, accounts) = open(&settings).await?;
        let provider = accounts.providers.get(&self.provider, &Default::default()).map_err(|e| anyhow!("{e}"))?;
        let options = ImportOptions {
            provider: self.provider.clone(),
            amount: provider.kind.as_str().to_owned(),
            tags: self.tags.iter().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect(),
            params: Default::default(),
            interval: accounts.options.key_interval,
            now: SystemClock.now(),
            actor: ACTOR.to_owned(),
        };
        let import = Import::new(&store, &accounts.keyring, options);
        let report = read(&self.file, import).await?;
        store.close().await;
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            for error in &report.errors {
                writeln!(out, "line {}: {}", error.line, error.error)?;
            }
            let accounts::keys::ImportReport { success, duplicates, failed, total, .. } = &report;
            writeln!(out, "{success} added, {duplicates} already there, {failed} failed, of {total}")?;
        }
        Ok(if report.failed == 0 { Outcome::Good } else { Outcome::Finding })
    }
}

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

async fn read(file: &Path, mut import: Import<'_>) -> anyhow::Result<accounts::keys::ImportReport> {
    let shown = file.display();
    let from: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(|| format!("{shown} cannot be read"))?)
    };
    let size = std::fs::metadata(file).map_or(0, |m| m.len());
    let mut progress = Progress::quiet("importing", size);
    let mut from = BufReader::with_capacity(CHUNK, from);
    let mut chunk = vec![0; CHUNK];
    let mut done = 0;
    let mut first = true;
    loop {
        let n = from.read(&mut chunk).with_context(|| format!("{shown} cannot be read"))?;
        if n == 0 {
            break;
        }
        if first && matches!(chunk[..n].trim_ascii_start().first(), Some(b'[' | b'{')) {
            let mut whole = chunk[..n].to_vec();
            from.read_to_end(&mut whole).with_context(|| format!("{shown} cannot be read"))?;
            import.add(parse_json(&whole).map_err(|e| anyhow!("{shown}: {e}"))?).await?;
            break;
        }
        first = false;
        import.push(&chunk[..n]).await.map_err(|e| anyhow!("{shown}: {e}"))?;
        done += n as u64;
        let report = import.report();
        progress.at(done, || format!("{} added, {} already there", report.success, report.duplicates));
    }
    let report = import.finish().await.map_err(|e| anyhow!("{shown}: {e}"))?;
    progress.done();
    Ok(report)
}
