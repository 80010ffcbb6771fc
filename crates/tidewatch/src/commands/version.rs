//! `tidewatch version`.

use crate::cli::Outcome;
use std::io::Write;

/// Prints name and version.
pub fn run(out: &mut dyn Write) -> anyhow::Result<Outcome> {
    writeln!(out, "tidewatch {}", env!("CARGO_PKG_VERSION"))?;
    Ok(Outcome::Good)
}
