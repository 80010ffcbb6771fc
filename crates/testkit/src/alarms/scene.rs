//! What a process of the run is told, and the product it becomes: the same composition root as `tidewatch serve`.

use super::Failure;
use model::{Clock, SystemClock, Timestamp};
use serde::{Deserialize, Serialize};
use settings::{AccountSettings, ChannelSettings, Secret, SecretUrl, Settings, Span};
use sim::accounts::{Account, Amount, Burn, Course, Plan, Refill};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tidewatch::app::{Config, run};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Whom the accounts are at: one request each, no limit of their own.
pub(crate) const PROVIDERS: [&str; 4] = ["deepseek", "moonshot", "siliconflow", "stepfun"];
/// Below this people are told.
pub(crate) const THRESHOLD: i64 = 50;
const TOP: i64 = 100;
const BOTTOM: i64 = 20;
/// From top to bottom in ten minutes: three or four looks of ten are below.
pub(crate) const SWINGS: i64 = 144;
/// Everything of a message for machines; an item's `id` is the same however often it is sent.
const TEMPLATE: &str = r#"{"id":"{{id}}","items":{{items}}}"#;

/// A clock that all processes of a run share: it showed `start` when the machine's showed `origin`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Pace {
    /// The machine's clock at the beginning, epoch ms.
    pub origin: i64,
    /// This clock at the beginning, epoch ms.
    pub start: i64,
    /// How many times faster than the machine's it runs.
    pub speed: f64,
}

impl Pace {
    /// A clock that shows `start` now.
    pub fn new(start: Timestamp, speed: f64) -> Self {
        Self { origin: SystemClock.now().millis(), start: start.millis(), speed }
    }
}

impl Clock for Pace {
    fn now(&self) -> Timestamp {
        let passed = (SystemClock.now().millis() - self.origin) as f64 * self.speed;
        Timestamp(self.start).plus(passed as i64)
    }

    fn real(&self, span: Duration) -> Duration {
        span.div_f64(self.speed.max(0.001))
    }
}

/// What a process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scene {
    /// URL of the database; empty is a file in the data directory.
    pub database: String,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The key that seals secrets, the same in every process.
    pub encryption_key: String,
    /// Base URL of the simulated providers.
    pub providers: String,
    /// URL of the receiver.
    pub receiver: String,
    /// How many accounts there are.
    pub accounts: usize,
    /// Whether accounts are looked at; otherwise what waits is only delivered.
    pub watching: bool,
    /// Tries before a message is given up.
    pub attempts: u32,
    /// The clock.
    pub pace: Pace,
}

/// Name, provider and secret of an account of the run.
pub(crate) fn account(n: usize) -> (String, &'static str, String) {
    let provider = PROVIDERS[n % PROVIDERS.len()];
    (format!("{provider} {n:03}"), provider, format!("sk-simulated-{provider}-{n:03}"))
}

/// The simulated accounts: each a saw-tooth around the threshold, each at another point of it. A level goes from its top
/// to its bottom `swings` times a day.
pub(crate) fn accounts(count: usize, since: Timestamp, swings: i64) -> Vec<Account> {
    let one = |n: usize| {
        let (_, provider, secret) = account(n);
        let swing = TOP - BOTTOM;
        let start = Amount::whole(BOTTOM + 1 + (n as i64 * 37) % swing);
        let refill = Some(Refill { below: Amount::whole(BOTTOM), add: Amount::whole(swing) });
        let course = Course::Prepaid { start, refill, overdraft: false };
        let burn = Burn::steady(Amount::whole(swing * swings));
        Account::new(provider, &secret, n as u64, Plan { since_ms: since.millis(), course, burn })
    };
    (0..count).map(one).collect()
}

impl Scene {
    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.server.data_dir = self.data_dir.clone();
        settings.server.rate_limit.enabled = false;
        settings.auth.admin_key = Secret::new("an-admin-key-of-a-drill");
        settings.store.url = SecretUrl::new(&self.database);
        settings.secrets.encryption_key = Secret::new(&self.encryption_key);
        settings.market.enabled = false;
        settings.keys.enabled = false;
        watch(&mut settings, &self.providers, self.accounts, Span::minutes(1));
        settings.accounts.enabled = self.watching;
        tell(&mut settings, &self.receiver, self.attempts);
        settings.notify.digest_window = Span::seconds(5);
        settings
    }
}

/// The accounts of a run at the simulated providers, each looked at once in `interval`.
pub(crate) fn watch(settings: &mut Settings, providers: &str, count: usize, interval: Span) {
    let accounts = &mut settings.accounts;
    accounts.enabled = true;
    accounts.interval = interval;
    accounts.allow_private = true;
    accounts.base_urls = PROVIDERS.iter().map(|p| format!("{p}: {providers}/p/{p}")).collect();
    accounts.rates = PROVIDERS.iter().map(|p| format!("{p}: 10000")).collect();
    accounts.list = (0..count).map(stated).collect();
}

/// One channel, to the receiver.
pub(crate) fn tell(settings: &mut Settings, receiver: &str, attempts: u32) {
    settings.notify.allow_private = true;
    settings.notify.max_attempts = attempts;
    settings.channels = vec![ChannelSettings {
        name: "receiver".to_owned(),
        kind: "webhook".to_owned(),
        url: Secret::new(receiver),
        template: TEMPLATE.to_owned(),
        allow_private: true,
        ..ChannelSettings::default()
    }];
}

fn stated(n: usize) -> AccountSettings {
    let (name, provider, secret) = account(n);
    AccountSettings {
        name,
        provider: provider.to_owned(),
        secret: Secret::new(secret),
        thresholds: vec![THRESHOLD.to_string()],
        ..AccountSettings::default()
    }
}

/// Lives as the product until it is killed.
pub async fn live(scene: &Scene) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let config = Config::live(scene.settings());
    let ended = run(config, listener, Arc::new(scene.pace), CancellationToken::new()).await;
    ended.map_err(|e| format!("{e:#}").into())
}
