//! `make bench`: what the product costs, beside what the machine can do, in the same run.
//!
//! `bench [record|leaderboard|claim|process|fleet|all] [--items N] [--stored N] [--targets N] [--seconds N] [--bin PATH]`; every part is
//! bounded in count and time.

mod claim;
mod figure;
mod fleet;
mod leaderboard;
mod process;
mod record;
mod synthetic;
mod wire;

use std::collections::HashMap;
use std::path::PathBuf;

/// What may go wrong while measuring: everything ends the run.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The command line.
pub struct Options(HashMap<String, String>);

impl Options {
    /// A number, or what it is without one.
    pub fn number(&self, name: &str, default: u64) -> Result<u64, Failure> {
        let given = self.0.get(name);
        given.map_or(Ok(default), |v| v.parse().map_err(|_| format!("--{name} {v}: not a number").into()))
    }

    /// A path, if one was given.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(name).map(PathBuf::from)
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1).peekable();
    let part = words.next_if(|w| !w.starts_with("--")).unwrap_or_else(|| "all".to_owned());
    let mut given = HashMap::new();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").ok_or_else(|| format!("{word}: not an option"))?;
        given.insert(name.to_owned(), words.next().ok_or_else(|| format!("--{name}: no value"))?);
    }
    let options = Options(given);
    match part.as_str() {
        "record" => record::run(&options).await,
        "claim" => claim::run(&options).await,
        "leaderboard" => leaderboard::run(&options).await,
        "process" => process::run(&options).await,
        "fleet" => fleet::run(&options).await,
        "all" => {
            record::run(&options).await?;
            claim::run(&options).await?;
            leaderboard::run(&options).await?;
            process::run(&options).await
        }
        other => Err(format!("{other}: no such part; record, claim, leaderboard, process, fleet or all").into()),
    }
}
