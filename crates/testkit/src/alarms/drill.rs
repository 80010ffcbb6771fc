//! The run itself: processes are started, killed at random moments and started again, then what waits is delivered and
//! everything is compared.

use super::Failure;
use super::compare::{Kill, Told, told};
use super::process::Process;
use super::receiver::Receiver;
use super::rows::{Lives, Slack, lives, notices, unsent, waiting};
use super::scene::{Pace, SWINGS, Scene, accounts};
use crate::dice::Dice;
use model::{Clock, Timestamp};
use sim::accounts::{AccountsConfig, AccountsServer, RunningAccounts};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use store::{OpenOptions, Store};
use tokio::net::TcpListener;

/// Time runs so much faster while what waits is delivered: the waits between tries grow to hours.
const SETTLING_SPEED: f64 = 2_400.0;
/// Longest time until the first look, and for the settling.
const PATIENCE: Duration = Duration::from_secs(240);

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that becomes the product when it is started with `--child SCENE`.
    pub program: PathBuf,
    /// URL of the database; empty is an SQLite file.
    pub database: String,
    /// Processes on it.
    pub processes: usize,
    /// Accounts.
    pub accounts: usize,
    /// Kills.
    pub kills: usize,
    /// Time before the first kill.
    pub calm: Duration,
    /// Tries before a message is given up.
    pub attempts: u32,
    /// How many times faster than real time it runs.
    pub speed: f64,
    /// Seed of the kills and of what goes wrong at the receiver.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Kills that hit a running process.
    pub kills: usize,
    /// What people were told.
    pub told: Told,
    /// The lives of the alerts.
    pub lives: Lives,
    /// Messages the database does not call sent.
    pub unsent: i64,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// What must not be, in words; none when all is well.
    pub fn faults(&self) -> Vec<String> {
        let told = &self.told;
        let mut faults = Vec::new();
        let named =
            [("told twice", &told.doubled), ("never told", &told.never), ("not in the database", &told.unheard)];
        named.iter().for_each(|(what, ids)| faults.extend(ids.iter().map(|id| format!("{what}: {id}"))));
        faults.extend(self.lives.wrong.iter().cloned());
        if self.unsent > 0 {
            faults.push(format!("{} messages are not sent", self.unsent));
        }
        if told.notices == 0 {
            faults.push("there was nothing to tell".to_owned());
        }
        faults
    }
}

/// Runs a plan to its end.
pub async fn drill(plan: &Plan) -> Result<Outcome, Failure> {
    let began = Instant::now();
    let folder = tempfile::tempdir()?;
    let pace = Pace::new(Timestamp::parse("2026-11-02T00:03:20Z").unwrap_or_default(), plan.speed);
    let mut config = AccountsConfig::new(std::sync::Arc::new(move || pace.now().millis()));
    config.accounts = accounts(plan.accounts, Timestamp(pace.start), SWINGS);
    let providers = AccountsServer::start(TcpListener::bind("127.0.0.1:0").await?, config)?;
    let receiver = Receiver::start(plan.seed).await?;
    let scene = |n: usize| Scene {
        database: plan.database.clone(),
        data_dir: folder.path().join(n.to_string()),
        encryption_key: "QUxBUk1TQUxBUk1TQUxBUk1TQUxBUk1TQUxBUk1TQUw=".to_owned(),
        providers: providers.base_url(),
        receiver: receiver.url().to_owned(),
        accounts: plan.accounts,
        watching: true,
        attempts: plan.attempts,
        pace,
    };
    let mut kills = lived(plan, &scene, &providers, &receiver).await?;
    let struck = kills.len();
    let store = open(plan, folder.path()).await?;
    let settling = Scene { watching: false, pace: Pace::new(pace.now(), SETTLING_SPEED), ..scene(0) };
    kills.push(settle(plan, settling, &store).await?);
    let notices = notices(&store).await?;
    let outcome = Outcome {
        kills: struck,
        told: told(&notices, &receiver.posts(), &kills),
        lives: lives(&store, providers.accounts(), &notices, plan.accounts, Slack::default()).await?,
        unsent: unsent(&store).await?,
        took: began.elapsed(),
    };
    store.close().await;
    providers.shutdown().await;
    Ok(outcome)
}

/// Kills one of the processes over and over; in the end all of them.
async fn lived(
    plan: &Plan,
    scene: &impl Fn(usize) -> Scene,
    providers: &RunningAccounts,
    receiver: &Receiver,
) -> Result<Vec<Kill>, Failure> {
    let mut dice = Dice::new(plan.seed ^ 0x616c_6172);
    let mut processes = vec![Process::start(plan.program.clone(), scene(0))?];
    let until = Instant::now() + PATIENCE;
    // The first makes the tables and the accounts; from then on all are alike.
    while providers.counters().requests == 0 {
        processes[0].check()?;
        if Instant::now() > until {
            return Err("no look at any account".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for n in 1..plan.processes {
        processes.push(Process::start(plan.program.clone(), scene(n))?);
    }
    tokio::time::sleep(plan.calm).await;
    let mut kills = Vec::new();
    for _ in 0..plan.kills {
        moment(&mut dice, receiver).await;
        for process in &mut processes {
            process.check()?;
        }
        let victim = dice.below(processes.len() as u64) as usize;
        kills.push(processes[victim].kill().await?);
        processes[victim].again()?;
    }
    moment(&mut dice, receiver).await;
    for process in &mut processes {
        kills.push(process.kill().await?);
    }
    Ok(kills)
}

/// Waits for a random moment: by the clock, which also hits the opening and the looks, or by the messages, which hits
/// what is being sent.
async fn moment(dice: &mut Dice, receiver: &Receiver) {
    if dice.below(2) == 0 {
        tokio::time::sleep(Duration::from_millis(20 + dice.below(2_500))).await;
        return;
    }
    let (messages, span) = (1 + dice.below(6), Duration::from_micros(dice.below(60_000)));
    let mut arrivals = receiver.arrivals();
    let wanted = *arrivals.borrow() + messages;
    let came = arrivals.wait_for(|n| *n >= wanted);
    // When there is nothing to send this is a moment by the clock.
    if tokio::time::timeout(Duration::from_secs(4), came).await.is_ok() {
        tokio::time::sleep(span).await;
    }
}

/// Delivers what waits, without new looks; the process is killed at the end.
async fn settle(plan: &Plan, scene: Scene, store: &Store) -> Result<Kill, Failure> {
    let mut process = Process::start(plan.program.clone(), scene)?;
    let until = Instant::now() + PATIENCE;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        process.check()?;
        let left = waiting(store).await?;
        if left == 0 {
            return process.kill().await;
        }
        if Instant::now() > until {
            return Err(format!("{left} messages still wait").into());
        }
    }
}

async fn open(plan: &Plan, folder: &Path) -> Result<Store, Failure> {
    let file = tidewatch::app::database::of_file(&folder.join("0").join(tidewatch::app::database::FILE));
    let url = if plan.database.is_empty() { file } else { plan.database.clone() };
    Ok(Store::open(&OpenOptions::new(url)).await?)
}
