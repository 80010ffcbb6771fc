//! When the settings are read again, and what of them can change while the process runs.

use file_events::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::Value;
use settings::{Loaded, Problems, Settings};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Editors and Kubernetes write in several steps: this long after the first it is read.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Settings as they were read, or everything that is wrong with them.
pub type Reloaded = Result<Loaded, Problems>;

/// Where newer settings come from: SIGHUP, and the file itself.
pub struct Reload {
    load: Box<dyn Fn() -> Reloaded + Send + Sync>,
    hang_up: Signal,
    changes: mpsc::Receiver<()>,
    /// What was read last, so that a file that was only touched is not news.
    last: Vec<Option<Vec<u8>>>,
    place: Option<PathBuf>,
    /// Held: its end is the end of the watching.
    _watcher: Option<RecommendedWatcher>,
}

impl Reload {
    /// Reads by `load` on SIGHUP and when `place` (a file, or a directory of them) changes. Fails when signals cannot
    /// be caught; where the place cannot be watched it says so in the log, and SIGHUP is left.
    pub fn new(load: impl Fn() -> Reloaded + Send + Sync + 'static, place: Option<PathBuf>) -> anyhow::Result<Self> {
        let hang_up = signal(SignalKind::hangup())?;
        let (send, changes) = mpsc::channel(1);
        let watch = |place| {
            let watcher = watch(place, send);
            watcher.inspect_err(|e| {
                tracing::warn!(error = %e, "the configuration is not watched; send SIGHUP after a change");
            })
        };
        let watcher = place.as_deref().and_then(|place| watch(place).ok());
        let last = contents(place.as_deref());
        Ok(Self { load: Box::new(load), hang_up, changes, last, place, _watcher: watcher })
    }

    /// Waits for a reason to read, and reads; says whether somebody asked for it. Not to be dropped half-way.
    async fn next(&mut self) -> (bool, Reloaded) {
        loop {
            let asked = tokio::select! {
                _ = self.hang_up.recv() => true,
                Some(()) = self.changes.recv() => false,
            };
            if !asked {
                tokio::time::sleep(DEBOUNCE).await;
                while self.changes.try_recv().is_ok() {}
            }
            let now = contents(self.place.as_deref());
            // Whoever writes in place makes a file empty first: the defaults are not what is meant.
            let begun = now.len() == self.last.len() && now.iter().zip(&self.last).any(|(n, l)| is_begun(n, l));
            if asked || (now != self.last && !begun) {
                self.last = now;
                return (asked, (self.load)());
            }
        }
    }
}

fn is_begun(now: &Option<Vec<u8>>, last: &Option<Vec<u8>>) -> bool {
    now.as_ref().is_some_and(Vec::is_empty) && last.as_ref().is_some_and(|last| !last.is_empty())
}

/// Newer settings as they come, and whether somebody asked for them.
pub(super) type Readings = mpsc::Receiver<(bool, Reloaded)>;

/// Waits for reasons to read in a task of its own, so that nothing else that happens makes one be forgotten.
pub(super) fn follow(reload: Option<Reload>) -> Readings {
    let (send, readings) = mpsc::channel(1);
    if let Some(mut reload) = reload {
        tokio::spawn(async move {
            loop {
                let read = tokio::select! {
                    read = reload.next() => read,
                    () = send.closed() => return,
                };
                if send.send(read).await.is_err() {
                    return;
                }
            }
        });
    }
    readings
}

/// The directory is watched, not the file: an editor puts a new file in the old one's place, and Kubernetes turns
/// a link (`..data`) that the file only leads through.
fn watch(place: &Path, told: mpsc::Sender<()>) -> file_events::Result<RecommendedWatcher> {
    let ours = place.to_owned();
    let mut watcher = file_events::recommended_watcher(move |event: file_events::Result<Event>| {
        // An error is that events were lost.
        if event.map_or(true, |event| concerns(&event, &ours)) {
            // One that waits is enough.
            let _ = told.try_send(());
        }
    })?;
    let parent = place.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    watcher.watch(parent, RecursiveMode::NonRecursive)?;
    if place.is_dir() {
        watcher.watch(place, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Whether an event may be one of ours: beside the file, others may be written to all the time.
fn concerns(event: &Event, place: &Path) -> bool {
    let ours = |path: &PathBuf| {
        let of_kubernetes = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".."));
        of_kubernetes || place.file_name() == path.file_name() || path.parent() == Some(place)
    };
    !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(ours)
}

/// What the file holds, or those of a directory.
fn contents(place: Option<&Path>) -> Vec<Option<Vec<u8>>> {
    let Some(place) = place else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(place) else { return vec![std::fs::read(place).ok()] };
    let mut inside: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    inside.sort();
    let files = inside.into_iter().filter(|path| path.is_file());
    files.flat_map(|path| [Some(path.as_os_str().as_encoded_bytes().to_vec()), std::fs::read(path).ok()]).collect()
}

/// Keys and sections that take effect at a start only: they are the socket, the directory, the connections and lanes of
/// the process, and the shape of its log.
const AT_START: [&str; 7] = ["server.listen", "server.data_dir", "store", "redis", "engine", "log.format", "secrets"];

/// The new settings as they can be in force now, and the keys that have to wait for the next start.
pub(super) fn in_force(old: &Settings, mut new: Settings) -> (Settings, Vec<String>) {
    let waiting = changed(old, &new).into_iter().filter(|key| is_within(key, &AT_START)).collect();
    new.server.listen = old.server.listen;
    new.server.data_dir.clone_from(&old.server.data_dir);
    new.store = old.store.clone();
    new.redis = old.redis.clone();
    new.engine = old.engine.clone();
    new.log.format = old.log.format;
    new.secrets = old.secrets.clone();
    (new, waiting)
}

/// Says what is in force now, and what has to wait.
pub(super) fn tell_in_force(changed: &[String], waiting: &[String]) {
    if !waiting.is_empty() {
        tracing::warn!(keys = waiting.join(", "), "changed and needs a restart; until then the old values stand");
    }
    tracing::info!(changed = changed.join(", "), "configuration read again and in force");
}

/// One line for each thing that is wrong, with its place.
pub(super) fn tell_refusal(e: &anyhow::Error) {
    match e.downcast_ref::<Problems>() {
        Some(problems) => {
            for problem in &problems.0 {
                tracing::error!(at = %problem.origin, key = problem.key, "configuration refused: {}", problem.message);
            }
        }
        None => tracing::error!("configuration refused: {e:#}"),
    }
    tracing::warn!("the configuration in force stays as it is");
}

/// Whether no part has to be made anew for a key: what the configuration keeps in the database, and the log.
pub(super) fn is_kept_or_log(key: &str) -> bool {
    is_within(key, &["market.ips", "accounts.list", "channels", "log.level"])
}

fn is_within(key: &str, places: &[&str]) -> bool {
    places.iter().any(|place| key == *place || key.strip_prefix(place).is_some_and(|rest| rest.starts_with('.')))
}

/// The keys whose values differ.
pub(super) fn changed(old: &Settings, new: &Settings) -> Vec<String> {
    let mut keys = Vec::new();
    let shown = |settings| serde_json::to_value(settings).unwrap_or(Value::Null);
    differences("", &shown(old), &shown(new), &mut keys);
    // Secrets look all alike from outside.
    for (key, same) in [
        ("store.url", old.store.url == new.store.url),
        ("redis", old.redis == new.redis),
        ("auth", old.auth == new.auth),
        ("secrets", old.secrets == new.secrets),
        ("accounts.list", old.accounts.list == new.accounts.list),
        ("accounts", old.accounts == new.accounts),
        ("market.proxy", old.market.proxy == new.market.proxy),
        ("notify", old.notify == new.notify),
        ("channels", old.channels == new.channels),
    ] {
        if !same && !keys.iter().any(|known| is_within(known, &[key])) {
            keys.push(key.to_owned());
        }
    }
    keys
}

fn differences(at: &str, old: &Value, new: &Value, keys: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                let key = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                differences(&key, old.get(name).unwrap_or(&Value::Null), value, keys);
            }
        }
        _ if old != new => keys.push(at.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::{Secret, SecretUrl};

    #[test]
    fn what_changed_is_named_also_when_it_is_secret() {
        let old = Settings::default();
        let mut new = old.clone();
        assert_eq!(changed(&old, &new), Vec::<String>::new());
        new.log.level = "debug".into();
        new.market.ips.push(serde_json::from_value(serde_json::json!({ "name": "x" })).unwrap());
        assert!(changed(&old, &new).iter().all(|key| is_kept_or_log(key)));
        new.market.pages_sold += 1;
        new.auth.admin_key = Secret::new("one");
        let mut other = new.clone();
        other.auth.admin_key = Secret::new("two");
        assert_eq!(changed(&new, &other), ["auth"]);
        other.store.url = SecretUrl::new("postgres://u:p@db/x");
        other.server.listen = "127.0.0.1:1".parse().unwrap();
        let (in_force, waiting) = in_force(&new, other.clone());
        assert_eq!(waiting, ["server.listen", "store.url"]);
        assert_eq!((in_force.store, in_force.server.listen), (new.store, new.server.listen));
        assert_eq!(in_force.auth, other.auth);
    }
}
