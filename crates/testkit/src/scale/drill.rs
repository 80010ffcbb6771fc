//! The drill: a market, providers and a receiver, the processes between them, and what the database says at the end.

use super::run::Run;
use super::{Failure, Fault};
use crate::alarms::{Lives, Pace, Receiver, Slack, Told, accounts, lives, notices, told, unsent};
use crate::truth::{CrawlLog, IpTruth, compare};
use crate::world::{World, WorldOptions};
use market::MarketOptions;
use model::Timestamp;
use servers::{Disk, MariaDb, Redis};
use sim::accounts::{AccountsConfig, AccountsServer, RunningAccounts};
use sim::{MarketConfig, RunningSim, SimConfig, SimServer, profiles};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{OpenOptions, Store};
use tokio::net::TcpListener;

/// From top to bottom of an account's level in two days.
const SWING_DAYS: i64 = 2;
/// The database's disk.
const DISK: u64 = 8 << 30;

/// What is run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// This program, which is its own children.
    pub program: PathBuf,
    /// Processes that schedule and record.
    pub serves: usize,
    /// Processes that crawl.
    pub workers: usize,
    /// IPs watched.
    pub ips: usize,
    /// Listings an hour of the hottest.
    pub hottest: f64,
    /// Accounts watched.
    pub accounts: usize,
    /// How many times faster than the machine's the clock runs.
    pub speed: f64,
    /// Time between two faults, of the machine.
    pub calm: Duration,
    /// Faults, in order; none is an undisturbed run.
    pub faults: Vec<Fault>,
    /// How long the run goes on, of the machine.
    pub lasts: Duration,
    /// Seed of the market and of what goes wrong at the receiver.
    pub seed: u64,
    /// Where the processes send their traces, if anywhere.
    pub traces: Option<String>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The truth of each IP.
    pub truth: Vec<IpTruth>,
    /// What people were told.
    pub told: Told,
    /// The lives of the accounts' alerts.
    pub lives: Lives,
    /// Messages the database does not call sent.
    pub unsent: i64,
    /// Each fault, and the time until crawls were recorded again.
    pub recovered: Vec<(Fault, Duration)>,
    /// Requests the market answered.
    pub requests: u64,
    /// Processes that ended by themselves.
    pub deaths: usize,
    /// How often the database logged that its full disk took nothing.
    pub refusals: usize,
    /// How long it went on by the clock of the run.
    pub simulated: Duration,
}

/// Everything around the processes.
pub(super) struct Scene {
    pub(super) market: MarketConfig,
    pub(super) sim: RunningSim,
    pub(super) providers: RunningAccounts,
    pub(super) receiver: Receiver,
    pub(super) pace: Pace,
    pub(super) folder: tempfile::TempDir,
}

/// Runs a plan; `None` where MariaDB or Redis is not installed.
pub async fn drill(plan: &Plan) -> Result<Option<Outcome>, Failure> {
    let disk = Disk::mount(DISK);
    let (Some(redis), Some(database)) = (Redis::start(), MariaDb::start_on(disk.as_ref().map(Disk::path))) else {
        return Ok(None);
    };
    let scene = Scene::set(plan).await?;
    let store = first_run(&database.url(), &scene.market).await?;
    let mut run = Run::begin(plan, &scene, store, redis, database, disk).await?;
    let begun = Instant::now();
    let mut recovered = Vec::new();
    for fault in plan.faults.clone() {
        tokio::time::sleep(plan.calm).await;
        run.check()?;
        let Some(took) = run.suffer(fault).await? else { continue };
        eprintln!("  {:<34} recorded again after {:.1} s", fault.name(), took.as_secs_f64());
        recovered.push((fault, took));
    }
    let left = plan.lasts.saturating_sub(begun.elapsed()).max(plan.calm);
    run.wait(left).await?;
    let simulated = begun.elapsed().mul_f64(plan.speed);
    run.settle(&scene).await?;
    let world = World::open(options(&run.database.url(), &scene.market)).await?;
    let notices = notices(&run.store).await?;
    Ok(Some(Outcome {
        truth: compare(&world, &CrawlLog::new()).await?,
        told: told(&notices, &scene.receiver.posts(), &run.kills),
        lives: lives(&run.store, scene.providers.accounts(), &notices, plan.accounts, slack(plan)).await?,
        unsent: unsent(&run.store).await?,
        recovered,
        requests: scene.sim.counters().requests,
        deaths: run.deaths,
        refusals: run.refusals,
        simulated,
    }))
}

/// Six seconds of the machine until an answer, twelve until it is written down, and a clock ten minutes ahead.
fn slack(plan: &Plan) -> Slack {
    let seconds = |n: f64| (n * plan.speed * 1_000.0) as i64;
    Slack { ahead: 600_000, answered: seconds(6.0), recorded: seconds(12.0) }
}

impl Scene {
    pub(super) async fn set(plan: &Plan) -> Result<Self, Failure> {
        let start = Timestamp::parse("2026-11-02T00:03:20+09:00").unwrap_or_default();
        let mut profiles = profiles::spread(plan.ips);
        let hottest = profiles.iter().map(|p| p.listings_per_hour).fold(0.0, f64::max);
        profiles.iter_mut().for_each(|p| p.listings_per_hour *= plan.hottest / hottest);
        let mut market = MarketConfig::new(plan.seed, profiles, start.millis());
        market.quirks.index_lag_ms = (60_000, 60_000);
        // What is deleted between two crawls nobody can see, and crawls are not where they were in another run.
        market.behaviour.delete_share = 0.0;
        let pace = Pace::new(start, plan.speed);
        let now = move || model::Clock::now(&pace).millis();
        let sim = SimServer::start(SimConfig::new(market.clone(), Arc::new(now))).await?;
        let mut config = AccountsConfig::new(Arc::new(now));
        config.accounts = accounts(plan.accounts, start, SWING_DAYS);
        let providers = AccountsServer::start(TcpListener::bind("127.0.0.1:0").await?, config)?;
        let receiver = Receiver::start(plan.seed).await?;
        Ok(Self { market, sim, providers, receiver, pace, folder: tempfile::tempdir()? })
    }
}

/// The tables and the IPs, so that no process is the first.
async fn first_run(url: &str, market: &MarketConfig) -> Result<Store, Failure> {
    let world = World::open(options(url, market)).await?;
    world.store().close().await;
    Ok(Store::open(&OpenOptions::new(url.to_owned())).await?)
}

fn options(url: &str, market: &MarketConfig) -> WorldOptions {
    WorldOptions {
        market: market.clone(),
        options: MarketOptions::default(),
        engine: engine::EngineOptions::default(),
        url: url.to_owned(),
    }
}
