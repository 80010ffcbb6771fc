//! What a pool of 100,000 costs. Prints figures, judges none: `cargo test -p accounts --test keys --release -- --ignored
//! --nocapture pace`.

use crate::world::{World, secret};
use accounts::keys::{KeyFilter, Selection};
use accounts::store::keys::{KeyOrder, KeyQuery, count_by_status, list_keys, tally};
use accounts::store::refreshes;
use accounts::store::{Account, write_good};
use accounts::{Reading, Window};
use model::WatchKind;
use rust_decimal::Decimal;
use std::time::Instant;

const KEYS: usize = 100_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn pace() {
    let w = World::new().await;
    let text: String = (0..KEYS).map(|n| format!("key {n},{}\n", secret(n))).collect();
    let begun = Instant::now();
    let report = w.import(&text).await;
    println!("import of {}: {:?}", report.success, begun.elapsed());
    let begun = Instant::now();
    println!("again: {} duplicates in {:?}", w.import(&text).await.duplicates, begun.elapsed());
    readings(&w).await;
    for filter in [
        KeyFilter::default(),
        KeyFilter { q: Some("key 99".into()), ..KeyFilter::default() },
        KeyFilter { q: Some("nothing".into()), ..KeyFilter::default() },
        KeyFilter { remaining_max: Some(100.0), ..KeyFilter::default() },
        KeyFilter { status: Some("new".into()), ..KeyFilter::default() },
    ] {
        println!("filter by {:?}", filter.asked());
        for (word, order) in KeyOrder::WORDS {
            pages(&w, word, order, &filter).await;
        }
    }
    let begun = Instant::now();
    count_by_status(&w.store, &Selection::All).await.unwrap();
    println!("statuses: {:?}", begun.elapsed());
    let begun = Instant::now();
    let (totals, ..) = tally(&w.store, &Selection::All).await.unwrap();
    println!("tally of {} organisations: {:?}", totals.orgs, begun.elapsed());
    let begun = Instant::now();
    let mut tx = w.store.begin().await.unwrap();
    let refresh = refreshes::start(&mut tx, WatchKind::Key, &Selection::All, "admin", w.now()).await.unwrap();
    tx.commit().await.unwrap();
    println!("start of a refresh of {}: {:?}", refresh.total, begun.elapsed());
    let begun = Instant::now();
    refreshes::get(&w.store, refresh.id).await.unwrap();
    println!("its progress: {:?}", begun.elapsed());
    for (path, body) in [
        ("/api/v1/keys/export", serde_json::json!({"all": true, "format": "csv", "secrets": true})),
        ("/api/v1/keys/copy", serde_json::json!({"all": true})),
        ("/api/v1/keys/tag", serde_json::json!({"all": true, "add": ["pool"]})),
        ("/api/v1/keys/delete", serde_json::json!({"all": true})),
    ] {
        let begun = Instant::now();
        let (status, _) = w.post(path, body).await;
        println!("{path}: {status} {:?}", begun.elapsed());
    }
}

/// Nine in ten have numbers; a hundred share an organisation.
async fn readings(w: &World) {
    let ids = w.ids().await;
    for some in ids.chunks(5000) {
        let mut tx = w.store.begin().await.unwrap();
        for id in some.iter().filter(|id| *id % 10 != 0) {
            let reading = Reading {
                total: Some(Decimal::from(20_000_000)),
                used: Some(Decimal::from((id * 7919) % 20_000_000)),
                unit: Some("tokens".into()),
                org: Some(format!("org_{}", id / 100)),
                windows: vec![Window { name: "monthly".into(), used_ratio: Decimal::ONE, resets_at: None }],
                ..Reading::default()
            };
            let account = Account::load(&mut tx, *id).await.unwrap().unwrap();
            let at = w.now().plus(id % 977);
            write_good(&mut tx, &account, &reading.complete(), None, (at, at)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

async fn pages(w: &World, word: &str, order: KeyOrder, filter: &KeyFilter) {
    let mut slowest = std::time::Duration::ZERO;
    let mut total = 0;
    let mut all = Vec::new();
    for page in [0, 1, 10, 1000, 2500, 4999] {
        for descending in [false, true] {
            let query = KeyQuery { filter: filter.clone(), order, descending, offset: page * 20, limit: 20 };
            let begun = Instant::now();
            total = list_keys(&w.store, &query).await.unwrap().1;
            all.push(begun.elapsed());
            slowest = slowest.max(begun.elapsed());
        }
    }
    all.sort();
    println!("  {total} by {word}: median {:?}, slowest {slowest:?}", all[all.len() / 2]);
}

/// The page of the system that is replaced, with 5,000 keys, asked for by 16 at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn pace_of_data() {
    let w = std::sync::Arc::new(World::new().await);
    w.fill(5000).await;
    for id in w.ids().await {
        w.good(id, Some(id), None).await;
    }
    let etag = w.admin("GET", "/api/data").send().await.unwrap().headers()["etag"].to_str().unwrap().to_owned();
    for tag in [String::new(), etag] {
        let begun = Instant::now();
        let clients = (0..16).map(|_| {
            let (w, tag) = (w.clone(), tag.clone());
            tokio::spawn(async move {
                for _ in 0..100 {
                    let request = w.admin("GET", "/api/data").header("if-none-match", &tag);
                    request.send().await.unwrap().bytes().await.unwrap();
                }
            })
        });
        futures::future::join_all(clients).await;
        println!("/api/data {tag:?}: {:.0} requests/s", 1600.0 / begun.elapsed().as_secs_f64());
    }
}
