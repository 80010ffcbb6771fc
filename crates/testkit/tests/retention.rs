//! What is old goes on every database, and no table is read for what stays.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use market::MarketOptions;
use model::Timestamp;
use servers::{MariaDb, Postgres};
use sim::{MarketConfig, profiles};
use std::time::Duration;
use store::{OnConflict, Store, Value, args};
use testkit::{World, WorldOptions};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const STATUSES: [&str; 2] = ["on_sale", "sold"];
const IPS: i64 = 3;
/// Of each IP and status: more than two batches.
const OLD: i64 = 1_100;
const YOUNG: i64 = 1_000;
const COLUMNS: [&str; 11] = [
    "ip_id",
    "source_id",
    "title",
    "price",
    "status",
    "kind",
    "item_url",
    "first_seen_at",
    "last_seen_at",
    "sold_at",
    "price_changed",
];

async fn filled(url: &str) -> Store {
    let options = WorldOptions {
        market: MarketConfig::new(1, profiles::spread(IPS as usize), NOW.millis()),
        options: MarketOptions::default(),
        engine: engine::EngineOptions::default(),
        url: url.to_owned(),
    };
    let store = World::open(options).await.unwrap().store().clone();
    let mut tx = store.begin().await.unwrap();
    for ip in 1..=IPS {
        let (mut items, mut sales) = (Vec::new(), Vec::new());
        for (n, status) in (0..OLD + YOUNG).flat_map(|n| STATUSES.map(|status| (n, status))) {
            let age = Duration::from_secs(86_400 * if n < OLD { 91 } else { 89 });
            let (id, at) = (format!("m{status}{n}"), NOW - age);
            let none = Value::NullInt;
            items.push(args![ip, &id, "t", none.clone(), status, "personal", "u", at, at, none, 0_i64]);
            if status == "sold" {
                sales.push(args![ip, at, id, "t", 0_i64, "u"]);
            }
        }
        tx.insert_many("items", &COLUMNS, items, OnConflict::Fail).await.unwrap();
        let columns = ["ip_id", "sold_at", "source_id", "title", "shops", "item_url"];
        tx.insert_many("sales", &columns, sales, OnConflict::Fail).await.unwrap();
    }
    tx.commit().await.unwrap();
    store
}

async fn swept(url: &str) -> Store {
    let (store, options) = (filled(url).await, MarketOptions::default().retention);
    let gone = market::store::sweep(&store, &options, NOW).await.unwrap();
    assert_eq!(gone, (IPS * OLD * 3) as u64);
    for (table, of_each) in [("items", 2), ("sales", 1)] {
        let left = store.query_one(&format!("SELECT COUNT(*) FROM {table}"), args![]).await.unwrap().unwrap();
        assert_eq!(left.int(0).unwrap(), IPS * YOUNG * of_each, "{table}");
    }
    assert_eq!(market::store::sweep(&store, &options, NOW).await.unwrap(), 0);
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    swept(&format!("sqlite://{}", folder.path().join("t.db").display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(server) = Postgres::start() else { return };
    swept(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_reads_no_table_for_what_stays() {
    let Some(server) = MariaDb::start() else { return };
    let store = swept(&server.url()).await;
    let before = read(&store).await;
    market::store::sweep(&store, &MarketOptions::default().retention, NOW).await.unwrap();
    let rows = read(&store).await - before;
    assert!(rows < 3_000, "{rows} rows read of {}", IPS * YOUNG * 3);
}

/// Rows the server has read one after the other, by its own count.
async fn read(store: &Store) -> i64 {
    let sql = "SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) FROM information_schema.GLOBAL_STATUS \
         WHERE VARIABLE_NAME IN ('HANDLER_READ_RND_NEXT', 'HANDLER_READ_NEXT')";
    store.query_one(sql, args![]).await.unwrap().unwrap().int(0).unwrap()
}
