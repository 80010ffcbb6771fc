//! Tidewatch: watches how goods move on Mercari Japan and what API accounts have left.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tidewatch::cli::main().await
}
