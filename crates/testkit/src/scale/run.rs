//! The processes of a run and what they suffer.

use super::drill::{Plan, Scene};
use super::{Failure, Fault, Part, Role};
use crate::alarms::{Kill, Pace, waiting};
use model::{Clock, Timestamp};
use servers::{Disk, MariaDb, Redis, Wire};
use std::process::Stdio;
use std::time::{Duration, Instant};
use store::Store;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Time runs so much faster while what waits is told: the waits between tries grow to hours.
const SETTLING_SPEED: f64 = 2_400.0;
/// Longest time until something is recorded again, and for the settling.
const PATIENCE: Duration = Duration::from_secs(240);

/// Files grow in large steps: so long may it take until a full disk is met.
const UNTIL_FULL: Duration = Duration::from_secs(90);

/// One process, and its own wires.
struct Member {
    part: Part,
    child: Child,
    wires: [Wire; 2],
}

/// A run under way.
pub(super) struct Run {
    plan: Plan,
    members: Vec<Member>,
    pub(super) store: Store,
    redis: Redis,
    pub(super) database: MariaDb,
    disk: Option<Disk>,
    pace: Pace,
    pub(super) kills: Vec<Kill>,
    pub(super) deaths: usize,
    pub(super) refusals: usize,
}

impl Run {
    pub(super) async fn begin(
        plan: &Plan,
        scene: &Scene,
        store: Store,
        redis: Redis,
        database: MariaDb,
        disk: Option<Disk>,
    ) -> Result<Self, Failure> {
        let (plan, pace) = (plan.clone(), scene.pace);
        let mut run = Self {
            plan,
            members: Vec::new(),
            store,
            redis,
            database,
            disk,
            pace,
            kills: Vec::new(),
            deaths: 0,
            refusals: 0,
        };
        let key = store::new_key()?;
        let roles = std::iter::repeat_n(Role::Serve, run.plan.serves)
            .chain(std::iter::repeat_n(Role::Worker, run.plan.workers));
        for (n, role) in roles.enumerate() {
            let wires = [Wire::to(run.database.port()).await?, Wire::to(run.redis.port()).await?];
            let part = Part {
                role,
                database: by(&wires[0], &run.database.url())?,
                redis: by(&wires[1], &run.redis.url())?,
                market: scene.sim.base_url(),
                profiles: scene.market.profiles.clone(),
                providers: scene.providers.base_url(),
                accounts: run.plan.accounts,
                receiver: scene.receiver.url().to_owned(),
                data_dir: scene.folder.path().join(n.to_string()),
                encryption_key: key.clone(),
                pace: run.pace,
            };
            let child = spawn(&run.plan, &part)?;
            run.members.push(Member { part, child, wires });
        }
        Ok(run)
    }

    /// Starts again what ended by itself, as a supervisor would, and counts it.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        for member in &mut self.members {
            if let Some(status) = member.child.try_wait()? {
                eprintln!("  a {:?} ended by itself: {status}", member.part.role);
                self.deaths += 1;
                member.child = spawn(&self.plan, &member.part)?;
            }
        }
        Ok(())
    }

    /// Lets it go on for so long, with a word now and then.
    pub(super) async fn wait(&mut self, lasts: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        while let Some(left) = lasts.checked_sub(begun.elapsed()) {
            tokio::time::sleep(left.min(Duration::from_secs(60))).await;
            self.check()?;
            eprintln!("  it is {}, {} s to go", self.pace.now(), lasts.saturating_sub(begun.elapsed()).as_secs());
        }
        Ok(())
    }

    async fn kill(&mut self, role: Role, count: usize) -> Result<(), Failure> {
        for member in self.members.iter_mut().filter(|m| m.part.role == role).take(count) {
            self.kills.push(killed(&mut member.child).await?);
            member.child = spawn(&self.plan, &member.part)?;
        }
        Ok(())
    }

    /// Does it, and waits until crawls begun after it are recorded; `None` where it cannot be done.
    pub(super) async fn suffer(&mut self, fault: Fault) -> Result<Option<Duration>, Failure> {
        let (serves, mut begun, mut at) = (self.plan.serves, Instant::now(), self.pace.now());
        match fault {
            Fault::KillServe => self.kill(Role::Serve, 1).await?,
            Fault::KillAllServes => self.kill(Role::Serve, serves).await?,
            Fault::KillWorkers => self.kill(Role::Worker, 2).await?,
            Fault::FlushRedis => flush(&self.redis.url()).await?,
            Fault::KillRedis => {
                self.redis.kill();
                pause(3).await;
                self.redis.restart();
            }
            Fault::KillDatabase => {
                self.database.kill();
                pause(3).await;
                self.database.restart();
            }
            Fault::HangWorker => {
                let worker = self.first(Role::Worker)?;
                let pid = worker.child.id().ok_or("no worker")?.to_string();
                Command::new("kill").args(["-STOP", &pid]).status().await?;
                pause(10).await;
                Command::new("kill").args(["-CONT", &pid]).status().await?;
            }
            Fault::CutSome => self.cut(1, 2, 10).await,
            Fault::CutAll => self.cut(usize::MAX, usize::MAX, 5).await,
            Fault::FillDisk => {
                let Some(disk) = self.disk.as_ref().filter(|disk| disk.fill()) else {
                    eprintln!("  {:<34} left out: no disk may be mounted here", fault.name());
                    return Ok(None);
                };
                let before = self.database.refusals();
                let bites = || self.database.refusals() > before;
                while !bites() && begun.elapsed() < UNTIL_FULL {
                    pause(1).await;
                }
                if !bites() {
                    eprintln!("  the database's disk was full for {} s and it wrote nothing", UNTIL_FULL.as_secs());
                }
                (begun, at) = (Instant::now(), self.pace.now());
                pause(5).await;
                self.refusals += self.database.refusals() - before;
                disk.free();
            }
            Fault::JumpWorkerClock => self.jump(Role::Worker, 3_600_000).await?,
            Fault::JumpServeClock => self.jump(Role::Serve, 600_000).await?,
        }
        while self.recorded_since(at).await < 3 {
            if begun.elapsed() > PATIENCE {
                return Err(format!("after \"{}\" nothing is recorded any more", fault.name()).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Some(begun.elapsed()))
    }

    fn first(&mut self, role: Role) -> Result<&mut Member, Failure> {
        self.members.iter_mut().find(|m| m.part.role == role).ok_or_else(|| format!("no {role:?}").into())
    }

    async fn cut(&self, serves: usize, workers: usize, seconds: u64) {
        let of = |role, count| self.members.iter().filter(move |m| m.part.role == role).take(count);
        let wires: Vec<&Wire> =
            of(Role::Serve, serves).chain(of(Role::Worker, workers)).flat_map(|m| m.wires.iter()).collect();
        wires.iter().for_each(|wire| wire.cut());
        pause(seconds).await;
        wires.iter().for_each(|wire| wire.mend());
    }

    async fn jump(&mut self, role: Role, ms: i64) -> Result<(), Failure> {
        for off in [ms, -ms, 0] {
            let input = self.first(role)?.child.stdin.as_mut().ok_or("no standard input")?;
            input.write_all(format!("{off}\n").as_bytes()).await?;
            input.flush().await?;
            if off != 0 {
                pause(5).await;
            }
        }
        Ok(())
    }

    /// IPs whose last good crawl began after this instant.
    async fn recorded_since(&self, at: Timestamp) -> usize {
        let all = store::list_schedule(&self.store, model::WatchKind::Market, 10_000).await;
        all.map_or(0, |all| all.iter().filter(|t| t.last_success.is_some_and(|done| done > at)).count())
    }

    /// Ends everybody, then lets one process tell what waits.
    pub(super) async fn settle(&mut self, scene: &Scene) -> Result<(), Failure> {
        for member in &mut self.members {
            self.kills.push(killed(&mut member.child).await?);
        }
        let mut part = self.first(Role::Serve)?.part.clone();
        part.role = Role::Settle;
        part.database = self.database.url();
        part.pace = Pace::new(scene.pace.now(), SETTLING_SPEED);
        let mut child = spawn(&self.plan, &part)?;
        let begun = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if let Some(status) = child.try_wait()? {
                return Err(format!("the one that settles ended: {status}").into());
            }
            let left = waiting(&self.store).await?;
            if left == 0 {
                break;
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{left} messages still wait").into());
            }
        }
        self.kills.push(killed(&mut child).await?);
        Ok(())
    }
}

/// The same URL, by a wire.
fn by(wire: &Wire, url: &str) -> Result<String, Failure> {
    let mut url = reqwest::Url::parse(url)?;
    url.set_port(Some(wire.port())).map_err(|()| "a URL without a port")?;
    Ok(url.into())
}

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

async fn killed(child: &mut Child) -> Result<Kill, Failure> {
    let from = Instant::now();
    child.kill().await?;
    Ok(Kill { from, to: Instant::now() })
}

async fn flush(url: &str) -> Result<(), Failure> {
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    Ok(redis::cmd("FLUSHALL").query_async(&mut connection).await?)
}

fn spawn(plan: &Plan, part: &Part) -> Result<Child, Failure> {
    let mut command = Command::new(&plan.program);
    command.arg("--child").arg(serde_json::to_string(part)?);
    if let Some(collector) = &plan.traces {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector).env("OTEL_BSP_SCHEDULE_DELAY", "100");
        command.env("DRILL_LOG", "error");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(command.spawn()?)
}
