//! Items a second through detect and record, from an empty database to two million items, beside a plain bulk upsert
//! of the same rows into an equal table in another file.

use crate::figure::{quantile, rate};
use crate::synthetic::{ROWS, Stock};
use crate::{Failure, Options};
use engine::{Engine, EngineOptions, deliver};
use market::fetch::stream::{Crawl, SearchPages};
use market::fetch::wire::RowStatus;
use market::store::{Ip, known_on_sale, known_rows, write_hours, write_items};
use market::{MarketOptions, MarketWatch, detect};
use model::{Clock, Timestamp, WatchKind};
use sim::{MarketConfig, Profile};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Claim, ENGINE_MIGRATIONS, OnConflict, OpenOptions, Outcome, Set, Store, StoreError, Task, Value, args};
use testkit::{Figures, World, WorldOptions};

const COMMAND: &str = "make bench";
const IPS: usize = 200;
const WINDOW: u64 = 250_000;
/// Crawls recorded, then upserted, in turn.
const SLICE: usize = 50;
/// Every so many slices the plain side goes row by row.
const ROW_BY_ROW: usize = 10;
const LEASE: Duration = Duration::from_secs(900);
const KINDS: &[WatchKind] = &[WatchKind::Market];

/// What one stretch of 250,000 stored items cost.
#[derive(Default)]
struct Stretch {
    items: u64,
    crawls: u64,
    recorded: Duration,
    records: Vec<Duration>,
    plain_crawls: u64,
    plain: Duration,
    single_crawls: u64,
    single: Duration,
}

/// Fills the database and reports.
pub async fn run(options: &Options) -> Result<(), Failure> {
    let target = options.number("items", 2_000_000)?;
    let folder = tempfile::tempdir()?;
    let file = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    let bench = Bench::open(file("record.db"), file("plain.db")).await?;
    let mut stocks: Vec<Stock> = (1..=IPS as u64).map(Stock::new).collect();
    let mut figures = Figures::new("record", COMMAND);
    let mut stretches: Vec<Stretch> = vec![Stretch::default()];
    let (mut stored, mut slices) = (0, 0);
    while stored < target {
        slices += 1;
        let slice = bench.claim(&mut stocks, slices).await?;
        let last = stretches.len() - 1;
        let stretch = &mut stretches[last];
        bench.record(&slice, stretch).await?;
        bench.plain(&slice, slices % ROW_BY_ROW == 0, stretch).await?;
        stored = stocks.iter().map(Stock::shown).sum();
        stretch.items = stored;
        if stored / WINDOW > last as u64 && stored < target {
            print(stretch);
            stretches.push(Stretch::default());
        }
    }
    report(&mut figures, &mut stretches);
    bench.parts(&mut stocks, slices, &mut figures).await?;
    figures.save()?;
    Ok(())
}

fn print(s: &Stretch) {
    let (ours, plain) = (rate(s.crawls * ROWS, s.recorded), rate(s.plain_crawls * ROWS, s.plain));
    eprintln!("{:>9} items stored: record {ours:>9.0} rows/s, plain {plain:>9.0} rows/s", s.items);
}

fn report(f: &mut Figures, stretches: &mut [Stretch]) {
    let mut rates = Vec::new();
    for s in stretches.iter_mut() {
        let ours = rate(s.crawls * ROWS, s.recorded);
        let plain = rate(s.plain_crawls * ROWS, s.plain);
        let upto = format!("up to {} items stored", s.items);
        f.add(
            &format!("record, {upto}"),
            ours,
            "rows/s",
            &format!("plain bulk upsert {plain:.0}: ratio {:.2}", ours / plain),
        );
        if s.single_crawls > 0 {
            let single = rate(s.single_crawls * ROWS, s.single);
            f.add("  plain, row by row, prepared", single, "rows/s", &format!("record / this = {:.2}", ours / single));
        }
        f.add("  record of 1,200 rows, median", quantile(&mut s.records, 0.5), "ms", "");
        f.add("  record of 1,200 rows, p99", quantile(&mut s.records, 0.99), "ms", "");
        rates.push((ours, plain));
    }
    let sum = |of: fn(&Stretch) -> Duration| stretches.iter().map(of).sum::<Duration>();
    let (crawls, plain_crawls) =
        (stretches.iter().map(|s| s.crawls).sum::<u64>(), stretches.iter().map(|s| s.plain_crawls).sum::<u64>());
    let ours = rate(crawls * ROWS, sum(|s| s.recorded));
    let plain = rate(plain_crawls * ROWS, sum(|s| s.plain));
    f.add("record, whole run", ours, "rows/s", "detect + record, one transaction a crawl");
    f.add("plain bulk upsert, whole run", plain, "rows/s", "the same rows, one transaction a crawl");
    f.add("record / plain, whole run", ours / plain, "ratio", "aim >= 0.5");
    if let (Some(first), Some(last)) = (rates.get(1), rates.last()) {
        // The first stretch holds the first crawls of all IPs, which are all new: it is no measure for the others.
        f.add("record, last stretch / second", last.0 / first.0, "ratio", "flatness: 1 is flat");
        f.add("plain, last stretch / second", last.1 / first.1, "ratio", "the same of the plain upsert");
    }
}

struct Bench {
    world: World,
    watch: MarketWatch,
    plain: Store,
}

impl Bench {
    async fn open(url: String, plain: String) -> Result<Self, Failure> {
        let begins = Timestamp::parse("2026-11-02T00:00:00+09:00").unwrap_or_default();
        let profiles = (0..IPS).map(|i| Profile::named(&format!("作品{i:03}"), 1.0, 0.4)).collect();
        let options = MarketOptions::default();
        let market = MarketConfig::new(1, profiles, begins.millis());
        let engine = EngineOptions::default();
        let world = World::open(WorldOptions { market, options: options.clone(), engine, url }).await?;
        let watch = MarketWatch::new(Arc::clone(&world.pages) as Arc<dyn SearchPages>, options);
        let plain = Store::open(&OpenOptions::new(plain)).await?;
        plain.migrate(ENGINE_MIGRATIONS, begins).await?;
        plain.migrate(market::MIGRATIONS, begins).await?;
        Ok(Self { world, watch, plain })
    }

    fn engine(&self) -> &Engine {
        &self.world.engine
    }

    /// Claims what is due next, at the instant it is due, and makes its crawls.
    async fn claim(&self, stocks: &mut [Stock], slice: usize) -> Result<Vec<(Task, Crawl)>, Failure> {
        let due = store::earliest_claimable(self.world.store(), KINDS).await?.ok_or("nothing is scheduled")?;
        let now = self.world.clock.now().max(due);
        self.world.clock.set(now);
        let token = format!("slice-{slice}");
        let claim = Claim { kinds: KINDS, limit: SLICE, lease: LEASE, token: &token };
        let tasks = store::claim(self.world.store(), &claim, now).await?;
        let crawls = tasks.into_iter().map(|task| {
            let place = self.world.ips.iter().position(|(id, _)| *id == task.ref_id);
            let stock = place.and_then(|i| stocks.get_mut(i)).ok_or("an IP nobody made")?;
            let crawl = stock.crawl(now);
            Ok((task, crawl))
        });
        crawls.collect()
    }

    async fn record(&self, slice: &[(Task, Crawl)], stretch: &mut Stretch) -> Result<(), StoreError> {
        let seen_at = self.world.clock.now();
        for (task, crawl) in slice {
            let begun = Instant::now();
            deliver(self.engine(), &self.watch, task, crawl, seen_at).await?;
            let took = begun.elapsed();
            stretch.recorded += took;
            stretch.records.push(took);
            stretch.crawls += 1;
        }
        Ok(())
    }

    async fn plain(&self, slice: &[(Task, Crawl)], single: bool, stretch: &mut Stretch) -> Result<(), StoreError> {
        let seen_at = self.world.clock.now();
        for (task, crawl) in slice {
            let begun = Instant::now();
            let rows = values(task.ref_id, crawl, seen_at);
            let mut tx = self.plain.begin().await?;
            if single {
                for row in rows {
                    tx.exec(UPSERT, row).await?;
                }
            } else {
                let conflict = OnConflict::Update(&["ip_id", "source_id"], UPDATED);
                tx.insert_many("items", COLUMNS, rows, conflict).await?;
            }
            tx.commit().await?;
            let took = begun.elapsed();
            let (n, time) = match single {
                true => (&mut stretch.single_crawls, &mut stretch.single),
                false => (&mut stretch.plain_crawls, &mut stretch.plain),
            };
            *n += 1;
            *time += took;
        }
        Ok(())
    }

    /// The same record taken apart, at the end of the run, to see what costs what.
    async fn parts(&self, stocks: &mut [Stock], slices: usize, f: &mut Figures) -> Result<(), Failure> {
        let mut parts: Vec<(&str, Duration)> = Vec::new();
        let mut crawls = 0;
        for n in 1..=4 {
            let slice = self.claim(stocks, slices + n).await?;
            crawls += slice.len();
            for (task, crawl) in &slice {
                self.dissect(task, crawl, &mut parts).await?;
            }
        }
        for (name, span) in parts {
            f.add(
                &format!("part: {name}"),
                span.as_secs_f64() * 1000.0 / crawls.max(1) as f64,
                "ms",
                "mean of a record",
            );
        }
        Ok(())
    }

    async fn dissect(
        &self,
        task: &Task,
        crawl: &Crawl,
        parts: &mut Vec<(&'static str, Duration)>,
    ) -> Result<(), Failure> {
        let now = self.world.clock.now();
        let mut lap = Lap { at: Instant::now(), next: 0, parts };
        let mut tx = self.world.store().begin().await?;
        lap.ends("begin");
        let ip = Ip::load(&mut tx, task.ref_id).await?.ok_or("no such IP")?;
        lap.ends("load the IP");
        let ids: Vec<&str> = crawl.merge().into_iter().map(|r| r.source_id.as_str()).collect();
        let known = known_rows(&mut tx, ip.id, &ids).await?;
        lap.ends("read the 1,200 known rows");
        let options = self.watch.options();
        let on_sale = known_on_sale(&mut tx, ip.id, now - options.item_ttl_available).await?;
        lap.ends("count what is on sale");
        let changes = detect::detect(&known, &ip.tracking(on_sale), crawl, now, now, options);
        lap.ends("detect");
        write_items(&mut tx, ip.id, &changes.transitions, &[], now).await?;
        lap.ends("upsert the 480 changed items");
        write_items(&mut tx, ip.id, &[], &changes.unchanged, now).await?;
        lap.ends("last sight of the 720 others");
        write_hours(&mut tx, ip.id, &changes).await?;
        lap.ends("sales, hours and their prices");
        market::store::write_tracking(&mut tx, ip.id, &changes, now, 1.0).await?;
        let outcome = Outcome::Success { next_due: now + task.interval, interval: task.interval };
        store::settle(&mut tx, task, &outcome, now).await?;
        lap.ends("tracking and settle");
        tx.commit().await?;
        lap.ends("commit");
        Ok(())
    }
}

struct Lap<'a> {
    at: Instant,
    next: usize,
    parts: &'a mut Vec<(&'static str, Duration)>,
}

impl Lap<'_> {
    fn ends(&mut self, name: &'static str) {
        let took = self.at.elapsed();
        match self.parts.get_mut(self.next) {
            Some((_, sum)) => *sum += took,
            None => self.parts.push((name, took)),
        }
        self.next += 1;
        self.at = Instant::now();
    }
}

const COLUMNS: &[&str] = &[
    "ip_id",
    "source_id",
    "title",
    "price",
    "status",
    "kind",
    "image_url",
    "item_url",
    "first_seen_at",
    "last_seen_at",
    "listed_at",
    "sold_at",
    "price_changed",
];

const UPDATED: &[Set] = &[
    Set::To("title"),
    Set::To("price"),
    Set::To("status"),
    Set::To("image_url"),
    Set::To("last_seen_at"),
    Set::To("sold_at"),
    Set::Plus("price_changed"),
];

const UPSERT: &str = "INSERT INTO items (ip_id,source_id,title,price,status,kind,image_url,item_url,first_seen_at,\
     last_seen_at,listed_at,sold_at,price_changed) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) \
     ON CONFLICT (ip_id,source_id) DO UPDATE SET title=excluded.title,price=excluded.price,status=excluded.status,\
     image_url=excluded.image_url,last_seen_at=excluded.last_seen_at,sold_at=excluded.sold_at,\
     price_changed=items.price_changed+excluded.price_changed";

fn values(ip_id: i64, crawl: &Crawl, seen_at: Timestamp) -> Vec<Vec<Value>> {
    let row = |row: &market::fetch::wire::Row| {
        let sold = row.status != RowStatus::OnSale;
        args![
            ip_id,
            &row.source_id,
            &row.title,
            row.price,
            if sold { "sold" } else { "on_sale" },
            "personal",
            row.image_url.as_deref(),
            &row.item_url,
            seen_at,
            seen_at,
            row.created,
            row.updated.filter(|_| sold),
            false,
        ]
    };
    crawl.merge().into_iter().map(row).collect()
}
