//! `tidewatch doctor`.

use crate::cli::{Common, Outcome};
use crate::doctor::{Check, State, examine};
use clap::Args;
use model::SystemClock;
use std::io::{self, Write};

/// What `doctor` takes.
#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    common: Common,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let mut checks = Vec::new();
        match self.common.load() {
            Ok(loaded) => {
                checks.push(Check::ok("configuration", "holds"));
                checks.extend(loaded.notices.iter().map(|notice| Check::note("configuration", notice.to_string())));
                checks.extend(examine(&loaded.settings, &SystemClock).await);
            }
            Err(problems) => checks.extend(problems.0.iter().map(|problem| {
                Check::bad("configuration", problem.to_string(), "mend it; `tidewatch config example` shows every key")
            })),
        }
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&checks)?)?;
        } else {
            print(&checks, out)?;
        }
        Ok(if checks.iter().any(|check| check.state == State::Bad) { Outcome::Finding } else { Outcome::Good })
    }
}

fn print(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    for Check { name, state, detail, mend } in checks {
        let word = match state {
            State::Ok => "ok",
            State::Note => "note",
            State::Bad => "BAD",
        };
        writeln!(out, "{word:4}  {name:14}  {detail}")?;
        if !mend.is_empty() {
            writeln!(out, "{:22}→ {mend}", "")?;
        }
    }
    match checks.iter().filter(|check| check.state == State::Bad).count() {
        0 => writeln!(out, "\nnothing to mend"),
        1 => writeln!(out, "\n1 finding"),
        n => writeln!(out, "\n{n} findings"),
    }
}
