//! Moving over.

use super::fill::{NOW, all, digests, fill, filled, next_id, open, servers, sqlite};
use super::product::{finished, tidewatch};
use std::fs;
use store::portable::{CopyError, copy, unfinished};
use store::{Store, args};
use tidewatch::app::database::migrations;
use tokio::sync::mpsc;

async fn copied(from: &Store, to: &Store) -> Result<Vec<store::portable::Copied>, CopyError> {
    copy(from, to, &migrations(), NOW, &mut |_, _, _| {}).await
}

/// Copies until so many rows are there, and is then dropped as a killed process is.
async fn cut_off(from: &Store, to: &Store, rows: u64) {
    let (send, mut heard) = mpsc::unbounded_channel();
    let mut told = |_: &str, done: u64, _: u64| {
        if done >= rows {
            let _ = send.send(());
        }
    };
    let migrations = migrations();
    tokio::select! {
        biased;
        _ = heard.recv() => {}
        ended = copy(from, to, &migrations, NOW, &mut told) => panic!("it ended first: {ended:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_from_each_database_to_the_next_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let first = filled(&sqlite(dir.path(), "first.db"), 2_500).await;
    let expected = digests(&first, &all()).await;
    assert!(expected.values().all(|digest| digest.rows == 2_500));
    let mut from = first;
    let mut running = Vec::new();
    let mut urls: Vec<String> = Vec::new();
    for (_, url, server) in servers() {
        urls.push(url);
        running.push(server);
    }
    urls.push(sqlite(dir.path(), "last.db"));
    for url in urls {
        let to = open(&url).await;
        let report = copied(&from, &to).await.unwrap();
        assert_eq!(report.len(), all().len());
        assert_eq!(digests(&to, &all()).await, expected, "{url}");
        assert_eq!(store::portable::applied(&to).await.unwrap(), store::portable::applied(&from).await.unwrap());
        assert_eq!(next_id(&to).await, 2_501, "{url}");
        assert_eq!(unfinished(&to).await.unwrap(), None);
        assert!(matches!(copied(&from, &to).await, Err(CopyError::Taken(_))), "a second copy would double everything");
        from = to;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_goes_on_if_it_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let from = filled(&sqlite(dir.path(), "from.db"), 3_500).await;
    let expected = digests(&from, &all()).await;
    let other = open(&sqlite(dir.path(), "other.db")).await;
    other.migrate(&migrations(), NOW.plus(1)).await.unwrap();
    let mut running = vec![(sqlite(dir.path(), "to.db"), None)];
    for (_, url, server) in servers() {
        running.push((url, Some(server)));
    }
    for (url, _server) in running {
        let to = open(&url).await;
        cut_off(&from, &to, 3_500 * 3 + 1_000).await;
        assert!(unfinished(&to).await.unwrap().unwrap().starts_with("copy-store from accounts/001-first at "), "{url}");
        assert!(matches!(copied(&to, &other).await, Err(CopyError::Half(_))), "half a copy is no source");
        assert!(matches!(copied(&other, &to).await, Err(CopyError::Taken(_))), "it is another's");
        // In a table that is whole already, a row is not what the source has.
        let mut tx = to.begin().await.unwrap();
        tx.exec("UPDATE targets SET failures = failures + 1 WHERE id = 17", args![]).await.unwrap();
        tx.commit().await.unwrap();
        let report = copied(&from, &to).await.unwrap();
        let resumed: Vec<&str> = report.iter().filter(|c| c.resumed > 0).map(|c| c.table.as_str()).collect();
        assert!(!resumed.contains(&"targets") && resumed.contains(&"alerts"), "{url}: {resumed:?}");
        let part = report.iter().filter(|c| c.resumed > 0 && c.resumed < 3_500).count();
        assert!(part <= 1, "one table at most was in the middle");
        assert_eq!(digests(&to, &all()).await, expected, "{url}");
        assert_eq!(next_id(&to).await, 3_501, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_copied_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let old = open(&sqlite(dir.path(), "old.db")).await;
    old.migrate(store::ENGINE_MIGRATIONS, NOW).await.unwrap();
    let empty = open(&sqlite(dir.path(), "empty.db")).await;
    assert!(matches!(copied(&old, &empty).await, Err(CopyError::Older(_))));
    assert!(matches!(copied(&empty, &old).await, Err(CopyError::Older(_))));
    let taken = open(&sqlite(dir.path(), "taken.db")).await;
    taken.migrate(&migrations(), NOW).await.unwrap();
    let from = open(&sqlite(dir.path(), "from.db")).await;
    from.migrate(&migrations(), NOW).await.unwrap();
    assert!(copied(&from, &taken).await.is_ok(), "tables without rows are no obstacle");
    fill(&taken, &all()[1..2], 1).await;
    assert!(matches!(copied(&from, &taken).await, Err(CopyError::Taken(_))));
    let mut tx = from.begin().await.unwrap();
    tx.exec("INSERT INTO schema_migrations (name, applied_at) VALUES ('future/001', 1)", args![]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(copied(&from, &empty).await, Err(CopyError::Newer("the source", _))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_moves_an_installation_over() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    filled(&sqlite(&dir.path().join("data"), "tidewatch.db"), 40).await.close().await;
    let run = async |args: &[&str]| finished(tidewatch(dir.path(), args)).await;
    let (code, _, err) = run(&["copy-store", "--data-dir", "data", "--to", "postgres://u:secret@127.0.0.1/x"]).await;
    assert!(code == 2 && err.contains("--to-file FILE") && !err.contains("secret"), "{err}");
    let same = format!("sqlite://{}", dir.path().join("data/tidewatch.db").display());
    let (code, _, err) = run(&["copy-store", "--data-dir", "data", "--to", &same]).await;
    assert!(code == 2, "{err}");
    for (name, url, _server) in servers() {
        fs::write(dir.path().join("url"), format!("{url}\n")).unwrap();
        let (code, out, err) = run(&["copy-store", "--data-dir", "data", "--to-file", "url"]).await;
        assert_eq!(code, 0, "{name}: {err}");
        assert!(out.contains("rows copied and compared") && !out.contains("private"), "{out}");
        let (code, _, err) = run(&["copy-store", "--data-dir", "data", "--to-file", "url"]).await;
        assert!(code == 2 && err.contains("the target is not empty"), "{err}");
        // And back, from a configuration that names the server.
        let config = format!("store:\n  url: {url}\nserver:\n  data_dir: back-{name}\n");
        fs::write(dir.path().join("tidewatch.yaml"), config).unwrap();
        let back = format!("sqlite://{}", dir.path().join(format!("back-{name}.db")).display());
        let (code, _, err) = run(&["copy-store", "--to", &back]).await;
        assert_eq!(code, 0, "{name}: {err}");
        fs::remove_file(dir.path().join("tidewatch.yaml")).unwrap();
        let (first, last) = (open(&same).await, open(&back).await);
        assert_eq!(digests(&first, &all()).await, digests(&last, &all()).await, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_starts_on_half_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let from = filled(&sqlite(dir.path(), "from.db"), 1_500).await;
    let to = open(&sqlite(&data, "tidewatch.db")).await;
    cut_off(&from, &to, 2_000).await;
    to.close().await;
    let (code, _, err) =
        finished(tidewatch(dir.path(), &["serve", "--data-dir", "data", "--listen", "127.0.0.1:0"])).await;
    assert!(code == 2 && err.contains("is not whole: copy-store from"), "{err}");
}
