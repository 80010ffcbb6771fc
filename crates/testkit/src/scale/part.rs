//! One process of the run.

use super::Failure;
use crate::alarms::Pace;
use serde::{Deserialize, Serialize};
use settings::{Secret, SecretUrl, Settings, Span};
use sim::Profile;
use std::path::PathBuf;
use std::sync::Arc;
use tidewatch::app::{Config, run, worker};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Schedules, hands out, records.
    Serve,
    /// Crawls.
    Worker,
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
    /// Its data directory.
    pub data_dir: PathBuf,
    /// The key that seals secrets, the same in every process.
    pub encryption_key: String,
    /// The clock of all.
    pub pace: Pace,
}

/// Lives until it is killed.
pub async fn live(part: &Part) -> Result<(), Failure> {
    let (settings, clock) = (part.settings(), Arc::new(part.pace));
    let ended = match part.role {
        Role::Worker => worker::run(settings, None, clock, CancellationToken::new()).await,
        Role::Serve => {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let config = Config { hand_out: true, ..Config::live(settings) };
            run(config, listener, clock, CancellationToken::new()).await
        }
    };
    ended.map_err(|e| format!("{e:#}").into())
}

impl Part {
    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.server.data_dir.clone_from(&self.data_dir);
        settings.auth.admin_key = Secret::new("an-admin-key-of-a-drill");
        settings.store.url = SecretUrl::new(&self.database);
        settings.secrets.encryption_key = Secret::new(&self.encryption_key);
        settings.redis.url = SecretUrl::new(&self.redis);
        settings.redis.orphan_after = Span::seconds(5);
        // The clock runs fast and these are its hours: a few seconds of the machine.
        settings.engine.lease = Span::hours(4);
        settings.engine.task_timeout = Span::hours(3);
        settings.engine.shutdown_grace = Span::seconds(5);
        settings.accounts.enabled = false;
        settings.keys.enabled = false;
        let market = &mut settings.market;
        market.base_url.clone_from(&self.market);
        market.rate.per_second = 10_000.0;
        market.rate.burst = 1_000;
        market.browser.enabled = false;
        market.ips = tidewatch::demo::ips_of(&self.profiles);
        settings
    }
}
