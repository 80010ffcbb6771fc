//! The admin key of this installation.

use anyhow::Context;
use api::AdminKey;
use settings::AuthSettings;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

/// A configured key shorter than this can be guessed.
const SHORTEST: usize = 16;

/// The configured key, or the one whose hash is in the data directory. When there is none yet, makes one and prints
/// it, this once, on stderr. Without a key that can be used nothing listens, least of all beyond this machine.
pub fn admin_key(auth: &AuthSettings, data_dir: &Path, address: SocketAddr) -> anyhow::Result<AdminKey> {
    let beyond = !address.ip().to_canonical().is_loopback();
    let configured = auth.admin_key.reveal();
    let key = if configured.trim().is_empty() {
        let (key, new) = AdminKey::load_or_create(data_dir).context("no admin key")?;
        if let Some(new) = new {
            print_once(&new.reveal());
        }
        key
    } else {
        if configured.len() < SHORTEST {
            tracing::warn!("auth.admin_key has less than {SHORTEST} characters and can be guessed");
        }
        AdminKey::of(configured)
    };
    if beyond {
        tracing::warn!(%address, "listening beyond this machine; changes need the admin key");
    }
    Ok(key)
}

fn print_once(key: &str) {
    // Without stderr nobody would ever learn the key; then it is better to go on than to fail half-way.
    let _ =
        writeln!(io::stderr(), "\n  Admin key, shown only now: {key}\n  Send it as X-API-Key to change anything.\n");
}
