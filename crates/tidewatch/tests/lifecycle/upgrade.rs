//! Upgrades: an older database is brought up to date, and what was interrupted goes on.

use super::fill::{NOW, all, digests, fill, open, servers, sqlite};
use super::product::{finished, tidewatch};
use std::fs;
use std::time::Duration;
use store::portable::{Table, tables};
use store::{Migration, Store, args};
use tidewatch::app::database::migrations;

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_is_upgraded_and_keeps_every_row() {
    let dir = tempfile::tempdir().unwrap();
    let mut places = vec![("sqlite", sqlite(dir.path(), "old.db"), None)];
    places.extend(servers().into_iter().map(|(name, url, server)| (name, url, Some(server))));
    for (name, url, _server) in places {
        let place = dir.path().join(name);
        fs::create_dir(&place).unwrap();
        fs::write(place.join("tidewatch.yaml"), format!("store:\n  url: {url}\n")).unwrap();
        let store = open(&url).await;
        let first = &migrations()[..3];
        store.migrate(first, NOW).await.unwrap();
        let old: Vec<Table> = tables(first).unwrap();
        fill(&store, &old, 60).await;
        let expected = digests(&store, &old).await;
        store.close().await;
        let rest: Vec<&str> = migrations()[3..].iter().map(|m| m.name).collect();
        let (code, out, err) = finished(tidewatch(&place, &["migrate", "--dry-run"])).await;
        assert_eq!(code, 1, "{name}: {err}");
        assert_eq!(out, rest.iter().map(|m| format!("would apply {m}\n")).collect::<String>(), "{name}");
        let (code, out, err) = finished(tidewatch(&place, &["migrate"])).await;
        assert_eq!((code, out), (0, rest.iter().map(|m| format!("applied {m}\n")).collect()), "{name}: {err}");
        assert_eq!(finished(tidewatch(&place, &["migrate", "--dry-run"])).await.0, 0, "{name}");
        let store = open(&url).await;
        assert_eq!(digests(&store, &old).await, expected, "{name}");
    }
}

/// Where the structure of a database has no transactions, what was cut off between any two statements goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_cut_off_anywhere_goes_on() {
    let later = Migration {
        name: "later/001-notes",
        sql: "CREATE TABLE IF NOT EXISTS later (\n id @ID@,\n name VARCHAR(64) NOT NULL\n) @TABLE@;\n\
              CREATE INDEX @INE@ later_name ON later (name);\n\
              ALTER TABLE later ADD COLUMN note @TEXT@;\n\
              UPDATE later SET note = name WHERE note IS NULL;\n",
    };
    let migrations = [migrations(), vec![later]].concat();
    let dir = tempfile::tempdir().unwrap();
    let mut places = vec![("sqlite", sqlite(dir.path(), "t.db"), None)];
    places.extend(servers().into_iter().map(|(name, url, server)| (name, url, Some(server))));
    for (name, url, _server) in places {
        let store = open(&url).await;
        for at in 0..migrations.len() {
            let (statements, before) = (statements(&migrations[at]), tables(&migrations[..at]).unwrap());
            // What changes an earlier table needs all of them anew; else those of before stay, and are met again.
            let of = |s: &str, t: &Table| [" TABLE ", " ON "].iter().any(|w| s.contains(&format!("{w}{} ", t.name)));
            let anew = statements.iter().any(|s| before.iter().any(|t| of(s, t)));
            let touched = |all: Vec<Table>| -> Vec<Table> {
                all.into_iter().filter(|t| anew || before.iter().all(|b| b.name != t.name)).collect()
            };
            for cut in 0..=statements.len() {
                let all = touched(tables(&migrations).unwrap());
                store::portable::drop_tables(&store, &all).await.unwrap();
                store.migrate(&migrations[..at], NOW).await.unwrap();
                cut_off(&store, &statements[..cut]).await;
                let applied = store.migrate(&migrations[..=at], NOW).await;
                assert!(applied.is_ok(), "{name}: {} after {cut} statements: {applied:?}", migrations[at].name);
                if cut == statements.len() || cut % 5 == 0 {
                    fill(&store, &touched(tables(&migrations[..=at]).unwrap()), 2).await;
                }
            }
        }
    }
}

/// What stays of a migration that was ended after these statements.
async fn cut_off(store: &Store, statements: &[&str]) {
    if store.dialect() == store::Dialect::MySql {
        // Each of these is final by itself there; elsewhere they go with their transaction.
        for statement in statements {
            let mut tx = store.begin().await.unwrap();
            tx.exec(statement, args![]).await.unwrap();
            drop(tx);
        }
        return;
    }
    let mut tx = store.begin().await.unwrap();
    for statement in statements {
        tx.exec(statement, args![]).await.unwrap();
    }
    tx.rollback().await.unwrap();
}

fn statements(migration: &Migration) -> Vec<&'static str> {
    migration.sql.split(";\n").map(str::trim).filter(|s| !s.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_that_is_killed_again_and_again_ends_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut places = vec![("sqlite", sqlite(dir.path(), "t.db"), None)];
    places.extend(servers().into_iter().map(|(name, url, server)| (name, url, Some(server))));
    for (name, url, _server) in places {
        let place = dir.path().join(name);
        fs::create_dir(&place).unwrap();
        fs::write(place.join("tidewatch.yaml"), format!("store:\n  url: {url}\n")).unwrap();
        let mut killed = 0;
        for round in 0..40_u64 {
            let mut child = tidewatch(&place, &["migrate"]).stdout(std::process::Stdio::null()).spawn().unwrap();
            let ended = tokio::time::timeout(Duration::from_millis(10 + 4 * round), child.wait()).await;
            match ended {
                Ok(status) => assert!(status.unwrap().success(), "{name}: round {round}"),
                Err(_) => {
                    child.kill().await.unwrap();
                    killed += 1;
                }
            }
        }
        let (code, _, err) = finished(tidewatch(&place, &["migrate"])).await;
        assert_eq!(code, 0, "{name}: {err}");
        assert!(killed > 0, "{name}: none was killed");
        let store: Store = open(&url).await;
        fill(&store, &all(), 5).await;
        assert!(store::pending(&store, &migrations()).await.unwrap().is_empty(), "{name}");
    }
}
