//! `tidewatch import FILE|URL`: IPs, or what the systems replaced have kept.

mod config;
mod droid;
mod ips;

use crate::cli::{Common, Outcome};
use crate::moving::{config_json, droid_redis};
use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use settings::{Problems, SecretUrl, Settings};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What `import` takes.
#[derive(Args, Debug)]
pub struct Import {
    #[command(flatten)]
    common: Common,
    /// A file, - for stdin, or redis://host:port/db.
    ///
    /// IPs as JSON ({"ips":[…]} or a list) or CSV with a header row; the config.json of balance-alert, whose ${VAR} are
    /// read from the environment; or the Redis of a Droid key-usage server, which is only read. A URL with a password is
    /// better kept off the command line: write it to stdin, or set TIDEWATCH_IMPORT_URL.
    #[arg(value_name = "FILE|URL")]
    source: Option<Source>,
    /// What it is; without it, what it looks like.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Leave what is there already as it is.
    #[arg(long)]
    no_upsert: bool,
    /// Only say what would happen (config, droid).
    #[arg(long)]
    dry_run: bool,
    /// Variables beside the environment's, as NAME=value lines (config).
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Labels for the keys, between commas (droid).
    #[arg(long, value_delimiter = ',')]
    tags: Vec<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// IPs of the market.
    Ips,
    /// balance-alert's config.json: accounts, subscriptions, mailboxes, a channel.
    Config,
    /// The keys of a Droid key-usage server.
    Droid,
}

/// Where it comes from. A URL is never printed with its password.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file, or `-`.
    File(PathBuf),
    /// A Redis.
    Redis(SecretUrl),
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if droid_redis::is_url(text) { Self::Redis(SecretUrl::new(text.trim())) } else { Self::File(text.into()) })
    }
}

/// What was read.
enum Given {
    Redis(SecretUrl),
    Text { name: PathBuf, bytes: Vec<u8> },
}

/// The variable of a Redis URL.
const VARIABLE: &str = "TIDEWATCH_IMPORT_URL";

impl Import {
    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let sources = self.common.sources()?;
        let settings = settings::load(&sources).map_err(Problems::from)?.settings;
        match self.given(sources.environment.get(VARIABLE))? {
            Given::Redis(_) if self.kind.is_some_and(|kind| kind != Kind::Droid) => {
                bail!("a Redis URL is of --kind droid")
            }
            Given::Redis(url) => self.droid(&settings, &url, out).await,
            Given::Text { name, bytes } => match self.kind.unwrap_or_else(|| recognised(&bytes)) {
                Kind::Droid => bail!("--kind droid takes a Redis URL: redis://host:port/db"),
                Kind::Config => {
                    let variables = self.variables(sources.environment)?;
                    self.config(&settings, (&name, &bytes), &variables, out).await
                }
                Kind::Ips if self.dry_run => bail!("--dry-run is for config and droid"),
                Kind::Ips => self.ips(&settings, (&name, &bytes), out).await,
            },
        }
    }

    fn given(&self, variable: Option<&String>) -> anyhow::Result<Given> {
        let source = self.source.clone();
        let source = source.or_else(|| Some(Source::Redis(SecretUrl::new(variable?.trim()))));
        match source.with_context(|| format!("name a file, - or redis://host:port/db, or set {VARIABLE}"))? {
            Source::Redis(url) => {
                if self.source.is_some() && droid_redis::has_password(&url) {
                    let hint = format!("a password on the command line can be seen by others; set {VARIABLE} instead");
                    // Without stderr nobody is left to tell.
                    let _ = writeln!(io::stderr(), "{hint}");
                }
                Ok(Given::Redis(url))
            }
            Source::File(name) => {
                let bytes = read(&name).with_context(|| name.display().to_string())?;
                match std::str::from_utf8(&bytes).ok().filter(|text| droid_redis::is_url(text)) {
                    Some(url) if name == Path::new("-") => Ok(Given::Redis(SecretUrl::new(url.trim()))),
                    _ => Ok(Given::Text { name, bytes }),
                }
            }
        }
    }

    /// The environment with the file's variables over it, as the system replaced has it.
    fn variables(&self, mut environment: BTreeMap<String, String>) -> anyhow::Result<BTreeMap<String, String>> {
        let Some(file) = &self.env_file else { return Ok(environment) };
        let shown = file.display();
        let text = std::fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
        for (i, line) in text.lines().map(str::trim).enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
            // Without the line, which may be a secret.
            let assigned = line.strip_prefix("export ").unwrap_or(line).split_once('=');
            let (name, value) = assigned.ok_or_else(|| anyhow!("{shown}:{}: not NAME=value", i + 1))?;
            let value = value.trim();
            let bare = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            environment.insert(name.trim().to_owned(), bare.unwrap_or(value).to_owned());
        }
        Ok(environment)
    }
}

/// What a file looks like.
fn recognised(bytes: &[u8]) -> Kind {
    match std::str::from_utf8(bytes) {
        Ok(text) if config_json::is_one(text.trim_start_matches('\u{feff}')) => Kind::Config,
        _ => Kind::Ips,
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).context("stdin")?;
        return Ok(bytes);
    }
    std::fs::read(file).context("cannot be read")
}

/// Whether the database is there; one that is not must not be made by a dry run.
fn is_there(settings: &Settings) -> bool {
    crate::app::database::file(settings).is_none_or(|file| file.exists())
}
