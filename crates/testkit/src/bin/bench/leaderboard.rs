//! The leaderboard over HTTP beside a bare handler that answers as many bytes, and what it costs when it is not ready.

use crate::figure::quantile;
use crate::wire::{Load, Wire, load};
use crate::{Failure, Options};
use api::{AdminKey, ApiOptions, Auth, Parts};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use engine::{Engine, EngineMetrics, EngineOptions};
use market::MarketOptions;
use market::leaderboard::Leaderboard;
use market::routes::MarketState;
use model::{HOUR, SharedClock, SteppedClock, Timestamp};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use store::{ENGINE_MIGRATIONS, OnConflict, OpenOptions, Store, StoreError, Value, args};
use testkit::{Dice, Figures};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const COMMAND: &str = "make bench";
const IPS: i64 = 1_000;
const HOURS: i64 = 30 * 24;
const BOARD: &str = "/api/v1/leaderboard?type=hot&hours=24&limit=10";
const ROUNDS: usize = 3;

/// Serves both and loads them in turn.
pub async fn run(options: &Options) -> Result<(), Failure> {
    let seconds = options.number("seconds", 5)?;
    let folder = tempfile::tempdir()?;
    let end = Timestamp::parse("2026-12-02T00:00:00+09:00").unwrap_or_default();
    let store = filled(&format!("sqlite://{}", folder.path().join("board.db").display()), end).await?;
    let stop = CancellationToken::new();
    let (board, served) = serve_product(store, end, stop.clone()).await?;
    let mut figures = Figures::new("leaderboard", COMMAND);
    cold(&board, served, &mut figures).await?;
    let (status, length) = Wire::to(served).await?.get(BOARD).await?;
    if status != 200 {
        return Err(format!("{BOARD} answered {status}").into());
    }
    let bare = serve_bare(length).await?;
    let (mut ours, mut hello): (Vec<Load>, Vec<Load>) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        hello.push(load(bare, "/", seconds).await?);
        ours.push(load(served, BOARD, seconds).await?);
    }
    let middle = |loads: &mut Vec<Load>| {
        loads.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        loads[loads.len() / 2]
    };
    let (ours, hello) = (middle(&mut ours), middle(&mut hello));
    let median = format!("median of {ROUNDS} x {seconds} s, wrk -t1 -c64, {length} bytes");
    figures.add("leaderboard, cached", ours.rate, "req/s", &median);
    figures.add("leaderboard, cached, p99", ours.p99, "ms", "");
    figures.add("bare axum handler, as many bytes", hello.rate, "req/s", "in turn with the leaderboard");
    figures.add("bare axum handler, p99", hello.p99, "ms", "");
    figures.add("leaderboard / bare", ours.rate / hello.rate, "ratio", "aim >= 0.5");
    stop.cancel();
    figures.save()?;
    Ok(())
}

/// The answer when nothing is ready: sums over the hours of all IPs.
async fn cold(board: &Leaderboard, served: SocketAddr, f: &mut Figures) -> Result<(), Failure> {
    let mut wire = Wire::to(served).await?;
    for hours in [1, 24, 168] {
        let path = format!("/api/v1/leaderboard?type=hot&hours={hours}&limit=10");
        let mut spans = Vec::new();
        for _ in 0..7 {
            board.invalidate();
            let begun = Instant::now();
            wire.get(&path).await?;
            spans.push(begun.elapsed());
        }
        let name = format!("leaderboard, cold, hours={hours}");
        f.add(&name, quantile(&mut spans, 0.5), "ms", "median of 7; 1,000 IPs x 30 days of hours");
    }
    Ok(())
}

async fn serve_bare(length: usize) -> std::io::Result<SocketAddr> {
    let body = Bytes::from(format!("\"{}\"", "x".repeat(length.saturating_sub(2))));
    let hello = move || std::future::ready(([(CONTENT_TYPE, "application/json")], body.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(hello))).await });
    Ok(address)
}

async fn serve_product(
    store: Store,
    now: Timestamp,
    stop: CancellationToken,
) -> Result<(Leaderboard, SocketAddr), Failure> {
    let clock: SharedClock = Arc::new(SteppedClock::new(now));
    let registry = Arc::new(Mutex::new(prometheus_client::registry::Registry::default()));
    let metrics = {
        let mut registry = registry.lock().map_err(|_| "the registry is poisoned")?;
        Arc::new(EngineMetrics::new(&mut registry))
    };
    let tokens = Arc::new(|| "unused".to_owned());
    let engine = Arc::new(Engine::new(store.clone(), clock, EngineOptions::default(), metrics, tokens));
    let auth = Auth::new(AdminKey::of("measured only on this machine"), true);
    let board = Leaderboard::new(Arc::clone(&engine), false);
    let market = market::routes::router(MarketState {
        store,
        engine: Arc::clone(&engine),
        options: Arc::new(MarketOptions::default()),
        board: board.clone(),
        auth: auth.clone(),
        demo: false,
        plain_pages: true,
    });
    let options = ApiOptions::default();
    let parts =
        Parts { engine, auth, registry, probes: Vec::new(), limits: None, counts: None, options, stop: stop.clone() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(api::serve(listener, api::router(parts, market), stop, Duration::from_secs(1)));
    Ok((board, address))
}

/// A store with 1,000 IPs whose last 30 days are known to the hour.
async fn filled(url: &str, end: Timestamp) -> Result<Store, StoreError> {
    let start = end.plus(-HOURS * HOUR);
    let store = Store::open(&OpenOptions::new(url)).await?;
    store.migrate(ENGINE_MIGRATIONS, start).await?;
    store.migrate(market::MIGRATIONS, start).await?;
    let mut dice = Dice::new(11);
    let mut tx = store.begin().await?;
    for n in 0..IPS {
        let profile = sim::Profile::named(&format!("作品{n:04}"), 1.0, 0.4);
        let interval = Duration::from_secs(7_200);
        let id = market::store::add_ip(&mut tx, &testkit::draft_of(&profile), interval, start).await?;
        let rows = (0..HOURS).map(|h| hour(id, start.plus(h * HOUR), &mut dice)).collect();
        tx.insert_many("hours", COLUMNS, rows, OnConflict::Fail).await?;
    }
    tx.exec("UPDATE ips SET tracking_since = ?, crawled_at = ?, covered_until = ?", args![start, end, end]).await?;
    tx.commit().await?;
    Ok(store)
}

const COLUMNS: &[&str] = &[
    "ip_id",
    "hour",
    "inflow",
    "outflow",
    "shops_inflow",
    "shops_outflow",
    "inflow_gaps",
    "outflow_gaps",
    "active_count",
    "samples",
    "mean_price",
    "median_price",
    "min_price",
    "max_price",
    "price_stddev",
    "min_item",
    "max_item",
];

fn hour(ip_id: i64, hour: Timestamp, dice: &mut Dice) -> Vec<Value> {
    let mut below = |n: u64| dice.below(n) as i64;
    let item = r#"{"source_id":"m40000000001","title":"アクリルスタンド 限定","price":1200,"item_url":"https://jp.mercari.com/item/m40000000001","image_url":null}"#;
    let (mean, median) = (1_000.0 + below(900) as f64, 900.0 + below(900) as f64);
    let (inflow, outflow, gaps) = (below(300), below(120), i64::from(below(20) == 0));
    args![
        ip_id,
        hour,
        inflow,
        outflow,
        0_i64,
        0_i64,
        gaps,
        0_i64,
        500 + below(500),
        outflow,
        mean,
        median,
        300_i64,
        9_000_i64,
        310.5,
        item,
        item
    ]
}
