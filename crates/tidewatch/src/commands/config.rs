//! `tidewatch config check|show|schema|example`.

use crate::cli::{Common, Outcome};
use anyhow::bail;
use clap::Subcommand;
use settings::{Loaded, Origin, Sources};
use std::collections::BTreeSet;
use std::io::Write;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check it and tell everything that is wrong (exit code 2).
    Check(Common),
    /// Show every key with its effective value and where it comes from; secrets are ***.
    Show {
        #[command(flatten)]
        common: Common,
        /// As JSON: settings, provenance, notices.
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema, for editors.
    Schema,
    /// Print a commented configuration with every key and its default.
    Example,
}

impl Config {
    /// Runs it; data goes to `out`.
    pub fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        match self {
            Self::Check(common) => check(&common.sources()?, out)?,
            Self::Show { common, json: true } => writeln!(out, "{:#}", common.load()?.to_json())?,
            Self::Show { common, json: false } => show(&common.load()?, out)?,
            Self::Schema => writeln!(out, "{:#}", settings::json_schema())?,
            Self::Example => out.write_all(settings::example().as_bytes())?,
        }
        Ok(Outcome::Good)
    }
}

/// The problems are what was asked for, so they are data; the failure only counts them.
fn check(sources: &Sources, out: &mut dyn Write) -> anyhow::Result<()> {
    match settings::load(sources) {
        Ok(loaded) => {
            writeln!(out, "ok: {}", what_was_read(sources, &loaded))?;
            notices(&loaded, out)
        }
        Err(problems) => {
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            match problems.len() {
                1 => bail!("1 problem"),
                n => bail!("{n} problems"),
            }
        }
    }
}

fn what_was_read(sources: &Sources, loaded: &Loaded) -> String {
    let mut parts: Vec<String> = sources.files.iter().map(|file| file.name.clone()).collect();
    if parts.is_empty() {
        parts.push("no file".to_owned());
    }
    let named = |origin: &Origin| match origin {
        Origin::Variable(name) | Origin::Flag(name) => Some(name.clone()),
        _ => None,
    };
    let set: BTreeSet<String> = loaded.provenance.values().filter_map(named).collect();
    parts.into_iter().chain(set).collect::<Vec<_>>().join(", ")
}

fn show(loaded: &Loaded, out: &mut dyn Write) -> anyhow::Result<()> {
    let rows = loaded.rows();
    let width = |of: fn(&settings::Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (keys, values) = (width(|row| &row.key), width(|row| &row.value).min(40));
    for row in &rows {
        writeln!(out, "{:keys$}  {:values$}  {}", row.key, row.value, row.origin)?;
    }
    notices(loaded, out)
}

fn notices(loaded: &Loaded, out: &mut dyn Write) -> anyhow::Result<()> {
    for notice in &loaded.notices {
        writeln!(out, "note: {notice}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::SourceFile;

    fn sources(text: &str) -> Sources {
        let files = vec![SourceFile { name: "tidewatch.yaml".into(), text: text.into() }];
        let environment = [("APP_RATE_BURST", "4"), ("QUEUE_SIZE", "9")];
        let environment = environment.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Sources { files, environment, ..Sources::default() }
    }

    fn printed(run: impl Fn(&mut dyn Write) -> anyhow::Result<()>) -> (String, Option<String>) {
        let mut out = Vec::new();
        let error = run(&mut out).err().map(|error| error.to_string());
        (String::from_utf8(out).unwrap(), error)
    }

    #[test]
    fn check_says_what_was_read_or_all_that_is_wrong() {
        let (text, error) = printed(|out| check(&sources(&settings::example()), out));
        assert_eq!(
            (text.as_str(), error),
            (
                "ok: tidewatch.yaml, APP_RATE_BURST\nnote: QUEUE_SIZE: recognised, not used: the schedule is the queue and \
                 has no size\n",
                None
            )
        );
        let (text, error) = printed(|out| check(&sources("log: {level: loud, fromat: text}\n"), out));
        assert_eq!((text.lines().count(), error.as_deref()), (2, Some("2 problems")), "{text}");
    }

    #[test]
    fn show_is_a_table_with_origins_and_without_secrets() {
        let loaded = settings::load(&sources("auth: {admin_key: hunter2}\n")).unwrap();
        let (text, _) = printed(|out| show(&loaded, out));
        assert!(!text.contains("hunter2"));
        let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap().split_whitespace().collect();
        let key: Vec<&str> = line("auth.admin_key ");
        assert_eq!(key, ["auth.admin_key", "***", "tidewatch.yaml:1:19"]);
        let burst: Vec<&str> = line("market.rate.burst ");
        assert_eq!(burst, ["market.rate.burst", "4", "APP_RATE_BURST"]);
    }
}
