//! Results a second through one, two and three recorders over Redis on MariaDB and PostgreSQL, beside one process on
//! SQLite; what a result costs as the items table grows; and what a scaler that reads the stream would see.
//!
//! The recorders are those of the product with a database pool each, in this one process: on a machine with few cores
//! they share them with Redis and the database, so what counts is the ratio. The table grows by rows that the database
//! makes itself: sold long ago, of the same IPs, with the product's indexes and with numbers that rise as Mercari's do.
//! `--rows lean` leaves out titles and addresses, so that a hundred million fit a small disk: the indexes are as large as
//! they would be, the table itself is smaller.

use crate::figure::rate;
use crate::synthetic::{ROWS, Stock};
use crate::{Failure, Options};
use engine::{EngineOptions, Report, Travels, deliver};
use fleet::{Link, Queue, Recorder, Remote, record};
use market::fetch::stream::SearchPages;
use market::{MarketOptions, MarketWatch};
use model::{Clock, Timestamp, WatchKind};
use redis::Value as Reply;
use servers::{MariaDb, Postgres, Redis};
use sim::{MarketConfig, Profile};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Claim, Dialect, Store, Task, args};
use testkit::{Figures, World, WorldOptions};
use tokio_util::sync::CancellationToken;

const COMMAND: &str = "make bench-fleet";
const IPS: usize = 200;
/// Every IP has one result in a round.
const ROUNDS: usize = 3;
const MOST_RECORDERS: usize = 3;
/// Readings of the queue that are shown.
const SHOWN: usize = 12;
const LEASE: Duration = Duration::from_secs(900);
const KINDS: &[WatchKind] = &[WatchKind::Market];
/// Rows made by one statement.
const CHUNK: u64 = 500_000;

/// Measures everything; `--stored N` rows at most, `--rows full|lean`, `--only sqlite|mariadb|postgres` of the three.
pub async fn run(options: &Options) -> Result<(), Failure> {
    let rows = match options.path("rows").as_deref().map(|rows| rows.to_string_lossy()).as_deref() {
        None | Some("full") => FULL,
        Some("lean") => LEAN,
        Some(other) => return Err(format!("--rows {other}: full or lean").into()),
    };
    let most = Growth { stored: options.number("stored", 10_000_000)?, rows };
    let wanted = |name: &str| options.path("only").is_none_or(|only| only.to_string_lossy() == name);
    let mut figures = Figures::new("fleet", COMMAND);
    let folder = tempfile::tempdir()?;
    let mut alone = Field::open(&format!("sqlite://{}", folder.path().join("t.db").display())).await?;
    let single = alone.alone(ROUNDS).await?;
    figures.add(
        "SQLite, one process",
        single,
        "results/s",
        &format!("{ROWS} rows each: {:.0} rows/s", single * ROWS as f64),
    );
    if wanted("sqlite") {
        alone.grow("SQLite", most, None, &mut figures).await?;
    }
    drop((alone, folder));
    let Some(redis) = Redis::start() else { return Ok(()) };
    if wanted("mariadb")
        && let Some(server) = MariaDb::start_for_work()
    {
        on("MariaDB", &server.url(), &redis, (single, most), &mut figures).await?;
    }
    if wanted("postgres")
        && let Some(server) = Postgres::start_for_work()
    {
        on("PostgreSQL", &server.url(), &redis, (single, most), &mut figures).await?;
    }
    figures.save()?;
    Ok(())
}

async fn on(
    name: &str,
    url: &str,
    redis: &Redis,
    (single, most): (f64, Growth),
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut field = Field::open(url).await?;
    field.alone(1).await?;
    let mut first = 0.0;
    for recorders in 1..=MOST_RECORDERS {
        let (through, depths) = field.through(recorders, ROUNDS, redis).await?;
        if recorders == 1 {
            first = through;
            let some = depths.iter().step_by(depths.len().div_ceil(SHOWN).max(1));
            let named = some.map(|d| format!("{}+{}", d.lag, d.pending)).collect::<Vec<_>>().join(", ");
            let shown = format!("lag+pending of {} readings of XINFO GROUPS: {named}", depths.len());
            let most = depths.iter().map(|d| d.lag + d.pending).max().unwrap_or(0);
            figures.add(&format!("{name}: queue as a scaler reads it, at most"), most as f64, "results", &shown);
            let wrong = depths.iter().filter(|d| d.lag + d.pending != d.length).count();
            figures.add(&format!("{name}: readings that differ from the length"), wrong as f64, "readings", "aim 0");
        }
        let compared = format!("{:.2} of one recorder, {:.2} of SQLite alone", through / first, through / single);
        figures.add(&format!("{name}, {recorders} recorders"), through, "results/s", &compared);
    }
    field.grow(name, most, Some(redis), figures).await
}

/// How far the table grows.
#[derive(Clone, Copy)]
struct Growth {
    stored: u64,
    rows: [&'static str; 3],
}

/// Title, image and page of a made row.
const FULL: [&str; 3] = [
    "【新品未使用】作品 アクリルスタンド 限定 特典付き まとめ売り",
    "https://static.mercdn.net/thumb/item/webp/m00000000000_1.jpg?1762000000",
    "https://jp.mercari.com/item/m00000000000",
];
const LEAN: [&str; 3] = ["", "", ""];

/// A database with its worlds: one for each recorder.
struct Field {
    worlds: Vec<World>,
    stocks: Vec<Stock>,
    slices: usize,
    stored: u64,
}

/// What a scaler reads.
struct Depth {
    lag: u64,
    pending: u64,
    length: u64,
}

impl Field {
    async fn open(url: &str) -> Result<Self, Failure> {
        let begins = Timestamp::parse("2026-11-02T00:00:00+09:00").unwrap_or_default();
        let profiles: Vec<_> = (0..IPS).map(|i| Profile::named(&format!("作品{i:03}"), 1.0, 0.4)).collect();
        let mut worlds = Vec::new();
        let count = if url.starts_with("sqlite") { 1 } else { MOST_RECORDERS };
        for _ in 0..count {
            let options = WorldOptions {
                market: MarketConfig::new(1, profiles.clone(), begins.millis()),
                options: MarketOptions::default(),
                engine: EngineOptions::default(),
                url: url.to_owned(),
            };
            worlds.push(World::open(options).await?);
        }
        let stocks = (1..=IPS as u64).map(Stock::new).collect();
        Ok(Self { worlds, stocks, slices: 0, stored: 0 })
    }

    fn store(&self) -> &Store {
        self.worlds[0].store()
    }

    /// Claims every IP and makes its crawl.
    async fn round(&mut self) -> Result<Vec<(Task, market::fetch::stream::Crawl)>, Failure> {
        // Later than anybody is due.
        let now = self.worlds[0].clock.now() + Duration::from_secs(8 * 3_600);
        self.worlds.iter().for_each(|world| world.clock.set(now));
        let mut all = Vec::new();
        while all.len() < IPS {
            self.slices += 1;
            let token = format!("slice-{}", self.slices);
            let claim = Claim { kinds: KINDS, limit: 100, lease: LEASE, token: &token };
            let tasks = store::claim(self.store(), &claim, now).await?;
            if tasks.is_empty() {
                return Err("not every IP is due".into());
            }
            for task in tasks {
                let place = self.worlds[0].ips.iter().position(|(id, _)| *id == task.ref_id);
                let stock = place.and_then(|i| self.stocks.get_mut(i)).ok_or("an IP nobody made")?;
                let crawl = stock.crawl(now);
                all.push((task, crawl));
            }
        }
        Ok(all)
    }

    fn watch(&self, world: usize) -> MarketWatch {
        let pages = Arc::clone(&self.worlds[world].pages) as Arc<dyn SearchPages>;
        MarketWatch::new(pages, MarketOptions::default())
    }

    /// Results a second in one process, after a first round that is all new.
    async fn alone(&mut self, rounds: usize) -> Result<f64, Failure> {
        let watch = self.watch(0);
        let mut took = Duration::ZERO;
        for n in 0..=rounds {
            let crawls = self.round().await?;
            let seen_at = self.worlds[0].clock.now();
            let begun = Instant::now();
            for (task, crawl) in &crawls {
                deliver(&self.worlds[0].engine, &watch, task, crawl, seen_at).await?;
            }
            if n > 0 {
                took += begun.elapsed();
            }
        }
        Ok(rate((rounds * IPS) as u64, took))
    }

    /// Results a second through so many recorders, and what a scaler read meanwhile.
    async fn through(&mut self, recorders: usize, rounds: usize, redis: &Redis) -> Result<(f64, Vec<Depth>), Failure> {
        let link = Link::open(&redis.url(), "")?;
        let queue = Queue::results(&link);
        queue.ensure().await?;
        let client = redis::Client::open(redis.url())?;
        let mut eye = client.get_multiplexed_async_connection().await?;
        let (mut took, mut depths) = (Duration::ZERO, Vec::new());
        for _ in 0..rounds {
            let watch = self.watch(0);
            let seen_at = self.worlds[0].clock.now();
            for (task, crawl) in self.round().await? {
                let report = Report {
                    task_id: task.task_id.clone(),
                    ref_id: task.ref_id,
                    outcome: Ok(crawl),
                    handed_at: None,
                    seen_at: seen_at + Duration::from_secs(8 * 3_600),
                    origin: None,
                };
                queue.push(&watch.write_report(&report)).await?;
            }
            let stop = CancellationToken::new();
            let begun = Instant::now();
            let running: Vec<_> = (0..recorders)
                .map(|n| {
                    let remote = Arc::new(Remote::new(Arc::new(self.watch(n)), link.clone()));
                    let name = format!("recorder-{n}");
                    let recorder = Recorder { name, at_once: 4, orphan_after: Duration::from_secs(60) };
                    let engine = Arc::clone(&self.worlds[n].engine);
                    tokio::spawn(record(remote, engine, link.clone(), recorder, stop.clone()))
                })
                .collect();
            loop {
                let depth = depth(&mut eye).await?;
                let length = depth.length;
                depths.push(depth);
                if length == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(if length > 20 { 100 } else { 5 })).await;
            }
            took += begun.elapsed();
            stop.cancel();
            for one in running {
                one.await?;
            }
        }
        Ok((rate((rounds * IPS) as u64, took), depths))
    }

    /// Lets the table grow tenfold again and again, and measures a round each time.
    async fn grow(&mut self, name: &str, most: Growth, redis: Option<&Redis>, f: &mut Figures) -> Result<(), Failure> {
        let mut steps: Vec<u64> =
            std::iter::successors(Some(100_000), |n| Some(n * 10)).take_while(|n| *n < most.stored).collect();
        steps.push(most.stored);
        let mut first = 0.0;
        for stored in steps {
            while self.stored < stored {
                let upto = (self.stored + CHUNK).min(stored);
                self.make(self.stored, upto, most.rows).await?;
                self.stored = upto;
            }
            let rounds = 2;
            let each = 1_000.0
                / match redis {
                    Some(redis) => self.through(1, rounds, redis).await?.0,
                    None => self.alone(rounds).await?,
                };
            if first == 0.0 {
                first = each;
            }
            let compared = format!("{:.2} of that at the first size", each / first);
            f.add(&format!("{name}: a result with {stored} more items stored"), each, "ms", &compared);
        }
        Ok(())
    }

    /// Rows `from..to`, made by the database itself.
    async fn make(&self, from: u64, to: u64, [title, image, page]: [&str; 3]) -> Result<(), Failure> {
        let (numbers, id) = match self.store().dialect() {
            Dialect::Sqlite => (
                format!(
                    "(WITH RECURSIVE s(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT n FROM s) s",
                    to - 1
                ),
                "printf('m%011d', 10000000000 + n)",
            ),
            Dialect::MySql => (
                format!("(SELECT seq AS n FROM seq_{from}_to_{}) s", to - 1),
                "CONCAT('m', LPAD(10000000000 + n, 11, '0'))",
            ),
            Dialect::Postgres => (
                format!("generate_series({from}::bigint, {}) AS s(n)", to - 1),
                "'m' || lpad((10000000000 + n)::text, 11, '0')",
            ),
        };
        let ids: Vec<i64> = self.worlds[0].ips.iter().map(|(id, _)| *id).collect();
        let (least, count) = (ids.iter().min().copied().unwrap_or(1), ids.len());
        let sql = format!(
            "INSERT INTO items (ip_id, source_id, title, price, status, kind, image_url, item_url, first_seen_at, \
             last_seen_at, listed_at, sold_at, price_changed) SELECT {least} + n % {count}, {id}, \
             '{title}', 300 + n % 9000, 'sold', 'personal', '{image}', '{page}', \
             1700000000000 + n, 1700000000000 + n, 1700000000000, \
             1700000000000 + n, 0 FROM {numbers}"
        );
        let mut tx = self.store().patient().begin().await?;
        tx.exec(&sql, args![]).await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn depth(eye: &mut redis::aio::MultiplexedConnection) -> Result<Depth, Failure> {
    let mut both = redis::pipe();
    both.atomic().cmd("XLEN").arg("tidewatch:results").cmd("XINFO").arg(&["GROUPS", "tidewatch:results"]);
    let (length, groups): (u64, Vec<HashMap<String, Reply>>) = both.query_async(eye).await?;
    let group = groups.first().ok_or("the stream has no group")?;
    // A lag Redis cannot tell is nil; a scaler takes it as nothing.
    let number = |name: &str| group.get(name).and_then(|v| redis::from_redis_value_ref::<u64>(v).ok()).unwrap_or(0);
    Ok(Depth { lag: number("lag"), pending: number("pending"), length })
}
