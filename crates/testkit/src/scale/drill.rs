//! The run: processes, faults one after the other, and what the database says at the end.

use super::{Failure, Part, Role};
use crate::alarms::Pace;
use crate::truth::{CrawlLog, IpTruth, compare};
use crate::world::{World, WorldOptions};
use market::MarketOptions;
use model::{Clock, Timestamp};
use servers::{MariaDb, Redis};
use sim::{MarketConfig, RunningSim, SimConfig, SimServer, profiles};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{OpenOptions, Store};
use tokio::process::{Child, Command};

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
    /// How many times faster than the machine's the clock runs.
    pub speed: f64,
    /// Time between two faults, of the machine.
    pub calm: Duration,
    /// Faults, in order; none is an undisturbed run.
    pub faults: Vec<Fault>,
    /// How long the run goes on, of the machine.
    pub lasts: Duration,
    /// Seed of the market.
    pub seed: u64,
}

/// What is done to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to one that schedules and records.
    KillServe,
    /// SIGKILL to two that crawl.
    KillWorkers,
    /// Redis forgets everything.
    FlushRedis,
    /// Redis is killed and is back, empty, after three seconds.
    KillRedis,
    /// SIGKILL to the database, which is back after three seconds.
    KillDatabase,
    /// One that crawls hangs for ten seconds (SIGSTOP), then goes on with what it held.
    HangWorker,
    /// SIGKILL to all that schedule and record.
    KillAllServes,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 7] = [
        Self::KillServe,
        Self::KillWorkers,
        Self::FlushRedis,
        Self::KillRedis,
        Self::KillDatabase,
        Self::HangWorker,
        Self::KillAllServes,
    ];

    /// In a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillServe => "kill one serve",
            Self::KillWorkers => "kill two workers",
            Self::FlushRedis => "flush Redis",
            Self::KillRedis => "kill Redis, back after 3 s",
            Self::KillDatabase => "kill MariaDB, back after 3 s",
            Self::HangWorker => "hang one worker for 10 s",
            Self::KillAllServes => "kill every serve",
        }
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The truth of each IP.
    pub truth: Vec<IpTruth>,
    /// Each fault, and the time until crawls were recorded again.
    pub recovered: Vec<(Fault, Duration)>,
    /// Requests the market answered.
    pub requests: u64,
    /// Processes that ended by themselves.
    pub deaths: usize,
}

struct Run {
    plan: Plan,
    parts: Vec<(Part, Child)>,
    store: Store,
    redis: Redis,
    database: MariaDb,
    pace: Pace,
    deaths: usize,
}

/// Runs a plan; `None` where MariaDB or Redis is not installed.
pub async fn drill(plan: &Plan) -> Result<Option<Outcome>, Failure> {
    let (Some(redis), Some(database)) = (Redis::start(), MariaDb::start()) else { return Ok(None) };
    let start = Timestamp::parse("2026-11-02T00:03:20+09:00").unwrap_or_default();
    let mut market = MarketConfig::new(plan.seed, profiles::spread(plan.ips), start.millis());
    market.quirks.index_lag_ms = (60_000, 60_000);
    // What is deleted between two crawls nobody can see, and crawls are not where they were in another run.
    market.behaviour.delete_share = 0.0;
    let pace = Pace::new(start, plan.speed);
    let sim = SimServer::start(SimConfig::new(market.clone(), Arc::new(move || pace.now().millis()))).await?;
    let folder = tempfile::tempdir()?;
    let store = first_run(&database.url(), &market).await?;
    let mut run = Run { plan: plan.clone(), parts: Vec::new(), store, redis, database, pace, deaths: 0 };
    run.populate(&sim, &market, folder.path())?;
    let begun = Instant::now();
    let mut recovered = Vec::new();
    for fault in plan.faults.clone() {
        tokio::time::sleep(plan.calm).await;
        run.check()?;
        let took = run.suffer(fault).await?;
        eprintln!("  {:<32} recorded again after {:.1} s", fault.name(), took.as_secs_f64());
        recovered.push((fault, took));
    }
    let left = plan.lasts.saturating_sub(begun.elapsed()).max(plan.calm);
    tokio::time::sleep(left).await;
    run.check()?;
    run.end().await;
    let requests = sim.counters().requests;
    let truth = look(&run, &market).await?;
    Ok(Some(Outcome { truth, recovered, requests, deaths: run.deaths }))
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

async fn look(run: &Run, market: &MarketConfig) -> Result<Vec<IpTruth>, Failure> {
    let world = World::open(options(&run.database.url(), market)).await?;
    Ok(compare(&world, &CrawlLog::new()).await?)
}

impl Run {
    fn populate(&mut self, sim: &RunningSim, market: &MarketConfig, folder: &std::path::Path) -> Result<(), Failure> {
        let key = store::new_key()?;
        let roles = std::iter::repeat_n(Role::Serve, self.plan.serves)
            .chain(std::iter::repeat_n(Role::Worker, self.plan.workers));
        for (n, role) in roles.enumerate() {
            let part = Part {
                role,
                database: self.database.url(),
                redis: self.redis.url(),
                market: sim.base_url(),
                profiles: market.profiles.clone(),
                data_dir: folder.join(n.to_string()),
                encryption_key: key.clone(),
                pace: self.pace,
            };
            let child = spawn(&self.plan.program, &part)?;
            self.parts.push((part, child));
        }
        Ok(())
    }

    /// Starts again what ended by itself, as a supervisor would, and counts it.
    fn check(&mut self) -> Result<(), Failure> {
        for (part, child) in &mut self.parts {
            if let Some(status) = child.try_wait()? {
                eprintln!("  a {:?} ended by itself: {status}", part.role);
                self.deaths += 1;
                *child = spawn(&self.plan.program, part)?;
            }
        }
        Ok(())
    }

    async fn kill(&mut self, role: Role, count: usize) -> Result<(), Failure> {
        let program = self.plan.program.clone();
        for (part, child) in self.parts.iter_mut().filter(|(part, _)| part.role == role).take(count) {
            child.kill().await?;
            *child = spawn(&program, part)?;
        }
        Ok(())
    }

    /// Does it, and waits until crawls begun after it are recorded.
    async fn suffer(&mut self, fault: Fault) -> Result<Duration, Failure> {
        let (serves, begun, at) = (self.plan.serves, Instant::now(), self.pace.now());
        match fault {
            Fault::KillServe => self.kill(Role::Serve, 1).await?,
            Fault::KillAllServes => self.kill(Role::Serve, serves).await?,
            Fault::KillWorkers => self.kill(Role::Worker, 2).await?,
            Fault::FlushRedis => flush(&self.redis.url()).await?,
            Fault::KillRedis => {
                self.redis.kill();
                tokio::time::sleep(Duration::from_secs(3)).await;
                self.redis.restart();
            }
            Fault::KillDatabase => {
                self.database.kill();
                tokio::time::sleep(Duration::from_secs(3)).await;
                self.database.restart();
            }
            Fault::HangWorker => {
                let pid = self.parts.iter().find(|(part, _)| part.role == Role::Worker).and_then(|(_, c)| c.id());
                let pid = pid.ok_or("no worker")?.to_string();
                Command::new("kill").args(["-STOP", &pid]).status().await?;
                tokio::time::sleep(Duration::from_secs(10)).await;
                Command::new("kill").args(["-CONT", &pid]).status().await?;
            }
        }
        while self.recorded_since(at).await < 3 {
            if begun.elapsed() > Duration::from_secs(60) {
                return Err(format!("after \"{}\" nothing is recorded any more", fault.name()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(begun.elapsed())
    }

    /// IPs whose last good crawl began after this instant.
    async fn recorded_since(&self, at: Timestamp) -> usize {
        let all = store::list_schedule(&self.store, model::WatchKind::Market, 10_000).await;
        all.map_or(0, |all| all.iter().filter(|t| t.last_success.is_some_and(|done| done > at)).count())
    }

    async fn end(&mut self) {
        for (_, child) in &mut self.parts {
            let _ = child.kill().await;
        }
    }
}

async fn flush(url: &str) -> Result<(), Failure> {
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    Ok(redis::cmd("FLUSHALL").query_async(&mut connection).await?)
}

fn spawn(program: &PathBuf, part: &Part) -> Result<Child, Failure> {
    let mut command = Command::new(program);
    command.arg("--child").arg(serde_json::to_string(part)?);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(command.spawn()?)
}
