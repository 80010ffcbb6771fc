//! The database.

use super::{Check, shown};
use crate::app::database;
use model::Timestamp;
use settings::Settings;

const NAME: &str = "database";

/// How the database is, and when the last crawl was that it knows of.
pub(super) async fn database(settings: &Settings) -> (Check, Option<Timestamp>) {
    let name = shown(settings);
    if database::file(settings).is_some_and(|file| !file.exists()) {
        return (Check::note(NAME, format!("{name} is not there yet; serve makes it")), None);
    }
    let store = match database::open_to_read(settings).await {
        Ok(store) => store,
        Err(e) => {
            let mend = "check store.url, that the server runs, and user and password";
            return (Check::bad(NAME, format!("{e:#}"), mend), None);
        }
    };
    let pending = store::pending(&store, &database::migrations()).await;
    let seen = market::store::overview(&store, 1).await;
    store.close().await;
    let check = match (pending, &seen) {
        (Err(e), _) => Check::bad(NAME, format!("{name}: {e}"), "the file may be no database; restore it"),
        (Ok(names), _) if !names.is_empty() => {
            Check::note(NAME, format!("{name}: pending: {}; serve applies them", names.join(", ")))
        }
        (Ok(_), Err(e)) => Check::bad(NAME, format!("{name}: {e}"), "the tables are damaged; restore a backup"),
        (Ok(_), Ok(seen)) => {
            Check::ok(NAME, format!("{name}: up to date, {} IPs active, {} paused", seen.active, seen.paused))
        }
    };
    (check, seen.ok().and_then(|seen| seen.last_crawled_at))
}
