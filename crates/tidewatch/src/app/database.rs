//! Which database, and opening it.

use anyhow::{Context, bail};
use model::Timestamp;
use settings::Settings;
use std::path::{Path, PathBuf};
use store::{ENGINE_MIGRATIONS, Migration, OpenOptions, Store};

/// The file of the database when none is configured.
pub const FILE: &str = "tidewatch.db";

/// Every migration of the product, in order.
pub fn migrations() -> Vec<Migration> {
    [ENGINE_MIGRATIONS, notify::MIGRATIONS, market::MIGRATIONS, accounts::MIGRATIONS, reminders::MIGRATIONS].concat()
}

/// The URL of the database; `tidewatch.db` in the data directory when none is configured.
pub fn url(settings: &Settings) -> String {
    let configured = settings.store.url.reveal();
    if configured.is_empty() { of_file(&settings.server.data_dir.join(FILE)) } else { configured.to_owned() }
}

/// The URL of an SQLite file; `%` and `?` mean something in a URL.
pub fn of_file(file: &Path) -> String {
    format!("sqlite://{}", file.display().to_string().replace('%', "%25").replace('?', "%3F"))
}

/// The database as it may be shown: without a password.
pub fn shown(settings: &Settings) -> String {
    let configured = &settings.store.url;
    if configured.is_empty() {
        settings.server.data_dir.join(FILE).display().to_string()
    } else {
        configured.to_string()
    }
}

/// The file of an SQLite database; `None` for a server or a database in memory.
pub fn file(settings: &Settings) -> Option<PathBuf> {
    let configured = settings.store.url.reveal();
    if configured.is_empty() {
        return Some(settings.server.data_dir.join(FILE));
    }
    let rest = configured.strip_prefix("sqlite://").or_else(|| configured.strip_prefix("sqlite:"))?;
    let path = rest.split('?').next().unwrap_or(rest);
    let path = path.replace("%3F", "?").replace("%25", "%");
    (!path.contains(":memory:")).then(|| PathBuf::from(path))
}

/// Opens the database, making an SQLite file that is not there yet.
pub async fn open(settings: &Settings) -> anyhow::Result<Store> {
    open_url(settings, url(settings)).await
}

/// Opens the database and brings its tables up to date.
pub async fn open_migrated(settings: &Settings, now: Timestamp) -> anyhow::Result<Store> {
    let store = open(settings).await?;
    if let Some(what) = store::portable::unfinished(&store).await? {
        bail!("{} is not whole: {what} was begun with it and not ended; run that again first", shown(settings));
    }
    let applied = store.migrate(&migrations(), now).await.with_context(|| shown(settings))?;
    if !applied.is_empty() {
        tracing::info!(migrations = applied.join(", "), "tables brought up to date");
    }
    Ok(store)
}

/// Opens a database that is there, for writing; fails when an SQLite file is not.
pub async fn open_to_write(settings: &Settings) -> anyhow::Result<Store> {
    if let Some(file) = file(settings).filter(|file| !file.exists()) {
        bail!("no database at {}; `tidewatch serve` makes it, or name another --data-dir", file.display());
    }
    open(settings).await
}

/// Opens a database for reading; fails when an SQLite file is not there.
pub async fn open_to_read(settings: &Settings) -> anyhow::Result<Store> {
    let mut url = url(settings);
    if let Some(file) = file(settings) {
        if !file.exists() {
            bail!("no database at {}; `tidewatch serve` makes it, or name another --data-dir", file.display());
        }
        url.push_str(if url.contains('?') { "&mode=ro" } else { "?mode=ro" });
    }
    open_url(settings, url).await
}

async fn open_url(settings: &Settings, url: String) -> anyhow::Result<Store> {
    let stated = &settings.store;
    let options = OpenOptions {
        url,
        max_connections: stated.max_connections,
        busy_timeout: stated.busy_timeout.into(),
        statement_timeout: stated.statement_timeout.into(),
    };
    Store::open(&options).await.with_context(|| format!("database {} cannot be opened", shown(settings)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::SecretUrl;

    fn with(url: &str) -> Settings {
        let mut settings = Settings::default();
        settings.store.url = SecretUrl::new(url);
        settings.server.data_dir = "data".into();
        settings
    }

    #[test]
    fn the_file_of_a_database_is_found_in_its_url() {
        for (configured, expected) in [
            ("", Some("data/tidewatch.db")),
            ("sqlite:///var/x.db?mode=rwc", Some("/var/x.db")),
            ("sqlite:x.db", Some("x.db")),
            ("sqlite::memory:", None),
            ("postgres://db/tidewatch", None),
        ] {
            assert_eq!(file(&with(configured)), expected.map(PathBuf::from), "{configured}");
        }
    }

    #[tokio::test]
    async fn a_directory_with_odd_characters_is_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = with("");
        settings.server.data_dir = dir.path().join("50% ? おん");
        std::fs::create_dir(&settings.server.data_dir).unwrap();
        open(&settings).await.unwrap().close().await;
        assert!(settings.server.data_dir.join(FILE).exists());
        assert!(open_to_read(&settings).await.is_ok());
    }

    #[tokio::test]
    async fn reading_makes_no_database() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = with("");
        settings.server.data_dir = dir.path().to_owned();
        let e = open_to_read(&settings).await.err().unwrap().to_string();
        assert!(e.starts_with("no database at "), "{e}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
