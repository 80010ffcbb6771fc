//! The same simulated days give the same numbers on SQLite, MariaDB and PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use engine::Simulated;
use market::MarketOptions;
use model::{HOUR, Timestamp};
use servers::{MariaDb, Postgres};
use sim::{MarketConfig, profiles};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;
use store::{Store, Value, args};
use testkit::{World, WorldOptions};

const START: &str = "2026-11-02T00:03:20+09:00";

/// Longer runs by hand: HOURS=336 IPS=30 cargo test --release -p testkit --test three_databases
fn setting(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

async fn digest(name: &'static str, url: String) -> Vec<String> {
    let begun = Instant::now();
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
    let mut day = 0;
    let shown = |now: Timestamp, _: &Simulated| {
        if now.since(start).as_secs() / 86_400 > day {
            day += 1;
            eprintln!("{name}: day {day} after {} s", begun.elapsed().as_secs());
        }
    };
    let done = world.run(start.plus(hours * HOUR), shown).await.unwrap();
    assert!(done.recorded > 100 && done.failed == 0, "{done:?}");
    let mut lines = Vec::new();
    for (table, columns) in TABLES {
        lines.extend(rows(world.store(), table, columns).await);
    }
    world.store().close().await;
    let mut hasher = DefaultHasher::new();
    lines.hash(&mut hasher);
    let (rows, looks, hash) = (lines.len(), done.recorded, hasher.finish());
    eprintln!("{name}: {rows} rows of {looks} looks, {:.0} s, digest {hash:016x}", begun.elapsed().as_secs_f64());
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
    let sqlite = tokio::spawn(digest("SQLite", format!("sqlite://{}", folder.path().join("t.db").display())));
    let (mariadb, postgres) = (MariaDb::start(), Postgres::start());
    let others =
        [("MariaDB", mariadb.as_ref().map(MariaDb::url)), ("PostgreSQL", postgres.as_ref().map(Postgres::url))];
    let others: Vec<_> =
        others.into_iter().filter_map(|(name, url)| Some((name, tokio::spawn(digest(name, url?))))).collect();
    let sqlite = sqlite.await.unwrap();
    assert!(sqlite.len() > 2_000, "only {} rows", sqlite.len());
    for (name, theirs) in others {
        same(&sqlite, &theirs.await.unwrap(), name);
    }
}
