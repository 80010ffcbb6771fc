//! Backups as a person makes and restores them.

use super::fill::{NOW, all, digests, fill, filled, next_id, open, servers, sqlite};
use super::product::{Product, finished, tidewatch};
use sim::Profile;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::portable::{Table, tables};
use store::{Keyring, Store, args};
use tidewatch::app::database::migrations;

/// The tables of a backup: not who was logged in.
fn kept() -> Vec<Table> {
    all().into_iter().filter(|table| table.name != "sessions").collect()
}

/// Makes `dir` an installation on `url`.
fn configured(dir: &Path, url: &str) {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("tidewatch.yaml"), format!("store:\n  url: {url}\nserver:\n  data_dir: data\n")).unwrap();
}

async fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    finished(tidewatch(dir, args)).await
}

/// Writes a pair of rows in each transaction until it is told to stop.
async fn load_it(store: Store, stop: Arc<AtomicBool>) -> u64 {
    let mut n = 0_i64;
    while !stop.load(Ordering::Relaxed) {
        let mut tx = store.begin().await.unwrap();
        let sql = "INSERT INTO audit (at, actor, action, subject) VALUES (?, 'load', 'x', 'y')";
        tx.exec(sql, args![NOW]).await.unwrap();
        let sql = "INSERT INTO refreshes (kind, started_at, total, started_by) VALUES ('key', 1, ?, 'load')";
        tx.exec(sql, args![n]).await.unwrap();
        tx.commit().await.unwrap();
        n += 1;
    }
    n.cast_unsigned()
}

async fn count(store: &Store, sql: &str) -> i64 {
    store.query_one(sql, args![]).await.unwrap().unwrap().int(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_of_one_instant_and_restores_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("first/data");
    fs::create_dir_all(&data).unwrap();
    let mut places = vec![("sqlite", sqlite(&data, "tidewatch.db"), None)];
    places.extend(servers().into_iter().map(|(name, url, server)| (name, url, Some(server))));
    for (name, url, _) in &places {
        let store = filled(url, 3_000).await;
        let stop = Arc::new(AtomicBool::new(false));
        let load = tokio::spawn(load_it(store.clone(), Arc::clone(&stop)));
        let home = dir.path().join(name);
        configured(&home, url);
        let (code, _, err) = run(&home, &["backup", "../b.tidewatch", "--force"]).await;
        assert_eq!(code, 0, "{name}: {err}");
        assert!(err.contains("the encryption key is not in it"), "{err}");
        stop.store(true, Ordering::Relaxed);
        let written = load.await.unwrap();
        let file = dir.path().join("b.tidewatch");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        // Into a file of SQLite, whatever it is of.
        let target = dir.path().join(format!("restored-{name}"));
        fs::create_dir_all(&target).unwrap();
        let (code, out, err) = run(&target, &["restore", "../b.tidewatch", "--data-dir", "data"]).await;
        assert_eq!(code, 0, "{name}: {out} {err}");
        let restored = open(&sqlite(&target.join("data"), "tidewatch.db")).await;
        let pairs = (
            count(&restored, "SELECT COUNT(*) FROM audit WHERE actor = 'load'").await,
            count(&restored, "SELECT COUNT(*) FROM refreshes WHERE started_by = 'load'").await,
        );
        assert_eq!(pairs.0, pairs.1, "{name}: half a transaction is in it");
        assert!(pairs.0 > 0 && pairs.0.cast_unsigned() < written, "{name}: {} of {written}", pairs.0);
        // Everything else is what it was.
        let still: Vec<Table> =
            kept().into_iter().filter(|t| !["audit", "refreshes"].contains(&t.name.as_str())).collect();
        assert_eq!(digests(&restored, &still).await, digests(&store, &still).await, "{name}");
        restored.close().await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_into_every_database() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    fs::create_dir_all(home.join("data")).unwrap();
    let store = filled(&sqlite(&home.join("data"), "tidewatch.db"), 700).await;
    let expected = digests(&store, &kept()).await;
    store.close().await;
    let (code, _, err) = run(&home, &["backup", "../b", "--data-dir", "data"]).await;
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(&home, &["backup", "../b", "--data-dir", "data"]).await;
    assert!(code == 2 && err.contains("is there already"), "{err}");
    for (name, url, _server) in servers() {
        let place = dir.path().join(name);
        configured(&place, &url);
        for attempt in 0..2 {
            let mut args = vec!["restore", "../b"];
            if attempt == 1 {
                let (code, _, err) = run(&place, &args).await;
                assert!(code == 2 && err.contains("is not empty; give --replace"), "{name}: {err}");
                args.push("--replace");
            }
            let (code, out, err) = run(&place, &args).await;
            assert_eq!(code, 0, "{name}: {out} {err}");
            let restored = open(&url).await;
            assert_eq!(digests(&restored, &kept()).await, expected, "{name}");
            assert_eq!(next_id(&restored).await, 701, "{name}");
            restored.close().await;
        }
        // A restore that was cut off says so, and is begun anew without --replace.
        let restored = open(&url).await;
        store::portable::set_unfinished(&restored, tidewatch::archive::NOTE).await.unwrap();
        restored.close().await;
        let (code, _, err) = run(&place, &["serve", "--listen", "127.0.0.1:0"]).await;
        assert!(code == 2 && err.contains("is not whole: restore"), "{name}: {err}");
        let (code, _, err) = run(&place, &["restore", "../b"]).await;
        assert!(code == 0 && err.contains("begun anew"), "{name}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_replaced_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    let url = sqlite(&dir.path().join("data"), "tidewatch.db");
    filled(&url, 300).await.close().await;
    assert_eq!(run(dir.path(), &["backup", "b", "--data-dir", "data"]).await.0, 0);
    let store = open(&url).await;
    let mut tx = store.begin().await.unwrap();
    tx.exec("DELETE FROM items", args![]).await.unwrap();
    tx.commit().await.unwrap();
    let before = digests(&store, &all()).await;
    // The log of this connection stays beside the file, as after a crash.
    std::mem::forget(store);
    let mut broken = fs::read(dir.path().join("b")).unwrap();
    let middle = broken.len() / 2;
    broken[middle] ^= 4;
    fs::write(dir.path().join("broken"), broken).unwrap();
    for (args, said) in [
        (vec!["restore", "b", "--data-dir", "data"], "holds a database; give --replace"),
        (vec!["restore", "broken", "--data-dir", "data", "--replace"], "broken: is damaged or cut off"),
        (vec!["restore", "none", "--data-dir", "data", "--replace"], "none: "),
        (vec!["restore", "tidewatch", "--data-dir", "data", "--passphrase-file", "none"], "passphrase file none"),
    ] {
        let (code, _, err) = run(dir.path(), &args).await;
        assert!(code == 2 && err.contains(said), "{args:?}: {err}");
        let store = open(&url).await;
        assert_eq!(digests(&store, &all()).await, before, "{args:?}");
    }
    let (code, _, err) = run(dir.path(), &["restore", "b", "--data-dir", "data", "--force"]).await;
    assert_eq!(code, 0, "{err}");
    let store = open(&url).await;
    assert_eq!(count(&store, "SELECT COUNT(*) FROM items").await, 300);
    let mut names: Vec<String> =
        fs::read_dir(dir.path().join("data")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.contains("restoring"));
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_along_when_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let store = filled(&sqlite(&data, "tidewatch.db"), 5).await;
    let key = store::new_key().unwrap();
    fs::write(data.join("encryption-key"), format!("{key}\n")).unwrap();
    let hash = format!("sha256:{}", "ab".repeat(32));
    fs::write(data.join("admin-key"), format!("{hash}\n")).unwrap();
    let sealed = Keyring::parse(&key).unwrap().seal("sk-planted").unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.exec("UPDATE accounts SET secret = ? WHERE id = 2", args![&sealed]).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
    fs::write(dir.path().join("phrase"), "a long passphrase\n").unwrap();
    let with = ["--data-dir", "data", "--with-key"];
    let (code, _, err) = run(dir.path(), &[&["backup", "open"], &with[..]].concat()).await;
    assert!(code == 0 && err.contains("WARNING: the encryption key is in it"), "{err}");
    let (code, _, err) =
        run(dir.path(), &[&["backup", "sealed", "--passphrase-file", "phrase"], &with[..]].concat()).await;
    assert!(code == 0 && err.contains("keep its passphrase elsewhere"), "{err}");
    assert_eq!(run(dir.path(), &["backup", "without", "--data-dir", "data"]).await.0, 0);

    let (code, out, _) = run(dir.path(), &["restore", "without", "--data-dir", "new1"]).await;
    assert!(code == 1 && out.contains("which is not here: put the encryption key of the old place into"), "{out}");
    assert!(!dir.path().join("new1/encryption-key").exists());
    let (code, _, err) = run(dir.path(), &["restore", "sealed", "--data-dir", "new2"]).await;
    assert!(code == 2 && err.contains("--passphrase-file"), "{err}");
    let args = ["restore", "sealed", "--data-dir", "new2", "--passphrase-file", "phrase"];
    let (code, out, err) = run(dir.path(), &args).await;
    assert!(code == 0 && out.contains("the encryption key in place opens the stored secrets"), "{out} {err}");
    let new = dir.path().join("new2");
    assert_eq!(fs::read_to_string(new.join("encryption-key")).unwrap().trim(), key);
    assert_eq!(fs::read_to_string(new.join("admin-key")).unwrap().trim(), hash);
    for file in ["encryption-key", "admin-key"] {
        assert_eq!(fs::metadata(new.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Another key that is in place is not written over by the way.
    fs::create_dir(dir.path().join("new3")).unwrap();
    fs::write(dir.path().join("new3/encryption-key"), store::new_key().unwrap()).unwrap();
    let (code, _, err) = run(dir.path(), &["restore", "open", "--data-dir", "new3"]).await;
    assert!(code == 2 && err.contains("holds another key than the backup"), "{err}");
    assert!(!dir.path().join("new3/tidewatch.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_backup_is_restored_and_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    let store = open(&sqlite(&dir.path().join("data"), "tidewatch.db")).await;
    store.migrate(store::ENGINE_MIGRATIONS, NOW).await.unwrap();
    let old: Vec<Table> =
        tables(store::ENGINE_MIGRATIONS).unwrap().into_iter().filter(|t| t.name != "sessions").collect();
    fill(&store, &old, 50).await;
    let expected = digests(&store, &old).await;
    store.close().await;
    assert_eq!(run(dir.path(), &["backup", "b", "--data-dir", "data"]).await.0, 0);
    let mut places = vec![("sqlite", format!("sqlite://{}", dir.path().join("new.db").display()), None)];
    places.extend(servers().into_iter().map(|(name, url, server)| (name, url, Some(server))));
    for (name, url, _server) in places {
        let place = dir.path().join(name);
        configured(&place, &url);
        let (code, out, err) = run(&place, &["restore", "../b"]).await;
        assert!(code == 0 && out.contains("brought up to date: "), "{name}: {out} {err}");
        let restored = open(&url).await;
        assert_eq!(digests(&restored, &old).await, expected, "{name}");
        assert!(store::pending(&restored, &migrations()).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_product_is_backed_up_and_its_backup_serves() {
    let profiles = [Profile::named("初音ミク", 6.0, 0.6)];
    let (product, _clock) = Product::stepped(&profiles).await;
    product.crawled_since(1, super::product::START).await;
    let dir = product.dir.path().to_owned();
    let ips = product.get("/api/v1/ips").await;
    let (code, _, err) = run(&dir, &["backup", "b", "--data-dir", "data", "--with-key"]).await;
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(&dir, &["restore", "b", "--data-dir", "data", "--replace"]).await;
    assert!(code == 2 && err.contains("another tidewatch is running"), "{err}");
    let items = product.get("/api/v1/ips/1/items").await;
    assert!(items["data"].as_array().is_some_and(|items| !items.is_empty()), "{items}");
    let (dir, _) = product.end().await;
    let (code, out, err) = run(dir.path(), &["restore", "b", "--data-dir", "new"]).await;
    assert_eq!(code, 0, "{out} {err}");
    let one = open(&sqlite(&dir.path().join("data"), "tidewatch.db")).await;
    let two = open(&sqlite(&dir.path().join("new"), "tidewatch.db")).await;
    let market: Vec<Table> = kept()
        .into_iter()
        .filter(|t| ["ips", "items", "sales", "hours", "accounts", "channels"].contains(&t.name.as_str()))
        .collect();
    assert_eq!(digests(&one, &market).await, digests(&two, &market).await);
    assert!(ips["data"].as_array().is_some_and(|ips| ips.len() == 1));
}
