//! A connection that is cut off without a word: a firewall forgot it, a host vanished. Nothing is waited for for ever.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use servers::{MariaDb, Postgres, Wire};
use std::time::Duration;
use store::{ENGINE_MIGRATIONS, OpenOptions, Store, args};

/// More than there are connections.
const QUESTIONS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    let Some(server) = MariaDb::start() else { return };
    let wire = Wire::to(server.port()).await.unwrap();
    cut_and_mended(&server.url().replace(&port(server.port()), &port(wire.port())), &wire).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(server) = Postgres::start() else { return };
    let wire = Wire::to(server.port()).await.unwrap();
    cut_and_mended(&server.url().replace(&port(server.port()), &port(wire.port())), &wire).await;
}

async fn cut_and_mended(url: &str, wire: &Wire) {
    let (busy_timeout, statement_timeout) = (Duration::from_secs(5), Duration::from_secs(1));
    let options = OpenOptions { busy_timeout, statement_timeout, ..OpenOptions::new(url) };
    let store = Store::open(&options).await.unwrap();
    store.migrate(ENGINE_MIGRATIONS, model::Timestamp(1)).await.unwrap();
    // Every connection is in a transaction or has just been used when it is cut.
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(store.begin().await.unwrap());
    }
    assert!(ask(&store).await.iter().all(|answered| *answered));
    wire.cut();
    let (_, answered) = tokio::join!(ask(&store), statements(&mut held));
    assert!(answered.iter().all(|answered| !answered), "a statement on a cut connection ends with an error");
    drop(held);
    wire.mend();
    let until = tokio::time::Instant::now() + Duration::from_secs(30);
    while !ask(&store).await.iter().all(|answered| *answered) {
        assert!(tokio::time::Instant::now() < until, "the store does not find its way back");
    }
    let mut tx = store.begin().await.unwrap();
    tx.exec("UPDATE targets SET ref_id = ref_id", args![]).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
}

async fn ask(store: &Store) -> Vec<bool> {
    let asked: Vec<_> = (0..QUESTIONS)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.query("SELECT COUNT(*) FROM targets", args![]).await.is_ok() })
        })
        .collect();
    let mut answered = Vec::new();
    for one in asked {
        answered.push(one.await.unwrap());
    }
    answered
}

async fn statements(held: &mut [store::Tx]) -> Vec<bool> {
    let mut answered = Vec::new();
    for tx in held {
        answered.push(tx.query("SELECT COUNT(*) FROM targets", args![]).await.is_ok());
    }
    answered
}

fn port(port: u16) -> String {
    format!(":{port}/")
}
