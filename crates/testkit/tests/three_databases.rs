//! The same simulated days give the same numbers on SQLite, MariaDB and PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use market::MarketOptions;
use model::{HOUR, Timestamp};
use servers::{MariaDb, Postgres};
use sim::{MarketConfig, profiles};
use store::{Store, Value, args};
use testkit::{World, WorldOptions};

const START: &str = "2026-11-02T00:03:20+09:00";

/// Longer runs by hand: HOURS=336 IPS=30 cargo test --release -p testkit --test three_databases
fn setting(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

async fn digest(url: String) -> Vec<String> {
    let start = Timestamp::parse(START).unwrap();
    let (hours, ips) = (setting("HOURS", 50), setting("IPS", 9));
    let mut all = profiles::spread(ips as usize);
    if ips == 9 {
        // The two hottest are most of the work.
        all.truncate(7);
    }
    let options = WorldOptions {
        market: MarketConfig::new(7, all, start.millis()),
        options: MarketOptions::default(),
        engine: engine::EngineOptions::default(),
        url,
    };
    let world = World::open(options).await.unwrap();
    let done = world.run(start.plus(hours * HOUR), |_, _| {}).await.unwrap();
    assert!(done.recorded > 100 && done.failed == 0, "{done:?}");
    let mut lines = Vec::new();
    for (table, columns) in TABLES {
        lines.extend(rows(world.store(), table, columns).await);
    }
    world.store().close().await;
    lines
}

/// Everything but numbers the databases give out themselves.
const TABLES: [(&str, &str); 6] = [
    (
        "hours",
        "ip_id, hour, inflow, outflow, shops_inflow, shops_outflow, inflow_gaps, outflow_gaps, active_count, samples, min_price, max_price",
    ),
    (
        "items",
        "ip_id, source_id, title, price, status, kind, first_seen_at, last_seen_at, listed_at, sold_at, price_changed",
    ),
    ("sales", "ip_id, sold_at, source_id, title, price, shops"),
    ("rollups", "ip_id, period, starts_at, inflow, outflow, hours, samples, min_price, max_price"),
    ("alerts", "ref_id, alert_type, status, failures, successes, opened_at, told_at, resolved_at, title, message"),
    ("outbox", "notice, severity, title, message, created_at"),
];

async fn rows(store: &Store, table: &str, columns: &str) -> Vec<String> {
    let none: Vec<Value> = args![];
    let sql = format!("SELECT {columns} FROM {table} ORDER BY {columns}");
    let width = columns.split(',').count();
    let rows = store.query(&sql, none).await.unwrap();
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cell = |i| match row.opt_int(i) {
                Ok(number) => format!("{number:?}"),
                Err(_) => format!("{:?}", row.opt_text(i).unwrap()),
            };
            format!("{table}: {}", (0..width).map(cell).collect::<Vec<_>>().join(" "))
        })
        .collect();
    // Databases order text differently.
    lines.sort_unstable();
    lines
}

fn same(ours: &[String], theirs: &[String], what: &str) {
    let differing: Vec<_> = ours.iter().zip(theirs).filter(|(a, b)| a != b).take(3).collect();
    assert!(
        differing.is_empty() && ours.len() == theirs.len(),
        "{what}: {} against {} rows, {differing:#?}",
        ours.len(),
        theirs.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_the_same_on_all_three() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = digest(format!("sqlite://{}", folder.path().join("t.db").display())).await;
    assert!(sqlite.len() > 2_000, "only {} rows", sqlite.len());
    if let Some(server) = MariaDb::start() {
        same(&sqlite, &digest(server.url()).await, "MariaDB");
    }
    if let Some(server) = Postgres::start() {
        same(&sqlite, &digest(server.url()).await, "PostgreSQL");
    }
}
