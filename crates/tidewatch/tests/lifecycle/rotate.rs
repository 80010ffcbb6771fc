//! The encryption key is exchanged, and a rotation that was cut off goes on.

use super::fill::{NOW, all, fill, open, sqlite};
use super::product::{finished, tidewatch};
use std::fs;
use std::process::Stdio;
use std::time::Duration;
use store::portable::Table;
use store::{Keyring, Store, args};
use tidewatch::app::database::migrations;

/// Enough for several transactions of the rotation.
const SECRETS: i64 = 6_000;

async fn sealed(store: &Store) -> Vec<(i64, String)> {
    let rows = store.query("SELECT id, secret FROM accounts ORDER BY id", args![]).await.unwrap();
    rows.iter().map(|r| (r.int(0).unwrap(), r.text(1).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_killed_again_and_again_ends_with_every_row_under_the_new_key() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let file = data.join("encryption-key");
    let old = store::new_key().unwrap();
    fs::write(&file, format!("{old}\n")).unwrap();
    let store = open(&sqlite(&data, "tidewatch.db")).await;
    store.migrate(&migrations(), NOW).await.unwrap();
    let accounts: Vec<Table> = all().into_iter().filter(|t| t.name == "accounts").collect();
    fill(&store, &accounts, SECRETS).await;
    let ring = Keyring::parse(&old).unwrap();
    let mut tx = store.begin().await.unwrap();
    for id in 1..=SECRETS {
        let (secret, sql) = (format!("sk-{id}"), "UPDATE accounts SET secret = ?, secret_hash = ? WHERE id = ?");
        let args = args![ring.seal(&secret).unwrap(), ring.fingerprint(&secret).unwrap(), id];
        tx.exec(sql, args).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (mut half, mut ended) = (0, false);
    for round in 0..200_u64 {
        let mut child = tidewatch(dir.path(), &["rotate-key", "--data-dir", "data"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        match tokio::time::timeout(Duration::from_millis(10 + 5 * round), child.wait()).await {
            Ok(status) => {
                assert!(status.unwrap().success());
                ended = true;
                break;
            }
            Err(_) => child.kill().await.unwrap(),
        }
        // Whatever the moment, the keys in the file open everything.
        let text = fs::read_to_string(&file).unwrap();
        let keys = Keyring::parse(&text).unwrap();
        let rows = sealed(&store).await;
        for (id, text) in &rows {
            assert_eq!(keys.open(text).unwrap(), format!("sk-{id}"));
        }
        let new = rows.iter().filter(|(_, text)| keys.is_current(text)).count();
        half += u32::from(keys.len() == 2 && new > 0 && new < rows.len());
    }
    assert!(half > 0, "none was killed in the middle");
    if !ended {
        let (code, _, err) = finished(tidewatch(dir.path(), &["rotate-key", "--data-dir", "data"])).await;
        assert_eq!(code, 0, "{err}");
    }
    let text = fs::read_to_string(&file).unwrap();
    let new = Keyring::parse(&text).unwrap();
    assert!(new.len() == 1 && text.trim() != old, "the old key is gone");
    let rows = sealed(&store).await;
    assert_eq!(rows.len(), SECRETS as usize);
    for (id, text) in rows {
        assert_eq!(new.open(&text).unwrap(), format!("sk-{id}"));
    }
    let hash = store.query_one("SELECT secret_hash FROM accounts WHERE id = 7", args![]).await.unwrap().unwrap();
    assert_eq!(hash.text(0).unwrap(), new.fingerprint("sk-7").unwrap());
}
