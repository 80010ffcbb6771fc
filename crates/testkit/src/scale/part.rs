//! One process of the run.

use super::Failure;
use crate::alarms::{Pace, tell, watch};
use model::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use settings::{LogSettings, Secret, SecretUrl, Settings, Span};
use sim::Profile;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tidewatch::app::{Config, run, worker};
use tidewatch::logs;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How often an account is looked at, by the clock of the run.
const LOOKS_EVERY: Span = Span::hours(3);
/// Tries before a message is given up: the receiver fails half of them.
const ATTEMPTS: u32 = 20;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Schedules, hands out, records, looks at accounts, tells.
    Serve,
    /// Crawls.
    Worker,
    /// Everything in one process on SQLite, without Redis.
    Alone,
    /// Tells what waits, nothing else.
    Settle,
}

/// What a process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// What it does.
    pub role: Role,
    /// URL of the database.
    pub database: String,
    /// URL of Redis.
    pub redis: String,
    /// The simulated market.
    pub market: String,
    /// The IPs.
    pub profiles: Vec<Profile>,
    /// The simulated providers.
    pub providers: String,
    /// How many accounts there are.
    pub accounts: usize,
    /// Who is told.
    pub receiver: String,
    /// Its data directory.
    pub data_dir: PathBuf,
    /// The key that seals secrets, the same in every process.
    pub encryption_key: String,
    /// The clock of all.
    pub pace: Pace,
}

/// The clock of one process, which may be set wrong.
#[derive(Debug)]
struct OwnClock {
    pace: Pace,
    off: Arc<AtomicI64>,
}

impl Clock for OwnClock {
    fn now(&self) -> Timestamp {
        self.pace.now().plus(self.off.load(Ordering::Relaxed))
    }

    fn real(&self, span: Duration) -> Duration {
        self.pace.real(span)
    }
}

/// Lives as the part that stands after `--child` on the command line; false where there is none.
pub async fn child() -> Result<bool, Failure> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("--child") {
        return Ok(false);
    }
    let part = arguments.next().ok_or("--child PART")?;
    live(&serde_json::from_str(&part)?).await?;
    Ok(true)
}

/// Lives until it is killed. Each line of standard input sets the clock wrong by so many ms; its end is the end.
async fn live(part: &Part) -> Result<(), Failure> {
    let off = Arc::new(AtomicI64::new(0));
    let (settings, clock) = (part.settings(), Arc::new(OwnClock { pace: part.pace, off: Arc::clone(&off) }));
    std::thread::spawn(move || listen(&off));
    let _log = match std::env::var("DRILL_LOG") {
        Ok(level) => Some(logs::start(&LogSettings { level, ..LogSettings::default() }).map_err(|e| format!("{e:#}"))?),
        Err(_) => None,
    };
    let ended = match part.role {
        Role::Worker => worker::run(settings, (None, None), clock, CancellationToken::new()).await,
        Role::Serve | Role::Alone | Role::Settle => {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let config = Config { hand_out: part.role == Role::Serve, ..Config::live(settings) };
            run(config, listener, clock, CancellationToken::new()).await
        }
    };
    ended.map_err(|e| format!("{e:#}").into())
}

fn listen(off: &AtomicI64) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if let Ok(ms) = line.trim().parse() {
            off.store(ms, Ordering::Relaxed);
        }
    }
    std::process::exit(1);
}

impl Part {
    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.server.data_dir.clone_from(&self.data_dir);
        settings.auth.admin_key = Secret::new("an-admin-key-of-a-drill");
        settings.store.url = SecretUrl::new(&self.database);
        // The machine's time, not the run's.
        settings.store.statement_timeout = Span::seconds(5);
        settings.secrets.encryption_key = Secret::new(&self.encryption_key);
        settings.redis.url = SecretUrl::new(&self.redis);
        settings.redis.orphan_after = Span::seconds(5);
        // The clock runs fast and these are its hours: a few seconds of the machine.
        settings.engine.lease = Span::hours(4);
        settings.engine.task_timeout = Span::hours(3);
        settings.engine.shutdown_grace = Span::seconds(5);
        settings.notify.lease = Span::hours(12);
        settings.notify.digest_window = Span::minutes(30);
        settings.keys.enabled = false;
        tell(&mut settings, &self.receiver, ATTEMPTS);
        watch(&mut settings, &self.providers, self.accounts, LOOKS_EVERY);
        let market = &mut settings.market;
        market.base_url.clone_from(&self.market);
        market.rate.per_second = 10_000.0;
        market.rate.burst = 1_000;
        market.browser.enabled = false;
        market.ips = tidewatch::demo::ips_of(&self.profiles);
        if self.role == Role::Alone {
            settings.redis.url = SecretUrl::default();
        }
        if self.role == Role::Settle {
            settings.market.enabled = false;
            settings.accounts.enabled = false;
            settings.redis.url = SecretUrl::default();
        }
        settings
    }
}
