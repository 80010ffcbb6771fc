//! `tidewatch hash-password`: the hash of a password for `auth.users`.

use crate::cli::Outcome;
use anyhow::{Context, bail};
use api::PasswordHash;
use std::io::{self, BufRead, IsTerminal, Write};

/// Reads a password from stdin and prints its hash; the password is no argument, which others could see.
pub fn run(out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        write!(io::stderr(), "Password (shown while you type): ")?;
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("stdin")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("no password on stdin");
    }
    writeln!(out, "{}", PasswordHash::of(password)?)?;
    Ok(Outcome::Good)
}
