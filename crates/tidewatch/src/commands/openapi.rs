//! `tidewatch openapi`: the description of every route.

use crate::app;
use crate::cli::Outcome;
use std::io::Write;

/// Prints the OpenAPI 3.1 document, as `/api/openapi.json` answers it.
pub async fn run(out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
    let dir = tempfile::tempdir()?;
    let document = app::openapi(dir.path()).await?;
    writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
    Ok(Outcome::Good)
}
