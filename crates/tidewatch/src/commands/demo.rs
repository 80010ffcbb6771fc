//! `tidewatch demo`.

use crate::app::Prelude;
use crate::app::{Config, database, listen, options, secrets, until_signals};
use crate::cli::{Common, Outcome};
use crate::demo::marker::{self, Marker};
use crate::demo::{DemoClock, History, Providers, Recorded, Replayed, ips_of, keywords};
use crate::logs;
use anyhow::Context;
use api::Mode;
use clap::Args;
use model::{Clock, HOUR, SystemClock, Timestamp};
use settings::{AccountsSettings, KeysSettings, NotifySettings, ProxySettings, SecretUrl, SecretsSettings, Settings};
use sim::replay::{self, Recording};
use sim::{Market, MarketConfig, RunningSim, SimConfig, SimServer, profiles};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `demo` takes.
#[derive(Args, Debug)]
pub struct Demo {
    #[command(flatten)]
    common: Common,
    /// How many times faster than real time simulated time runs.
    #[arg(long, value_name = "N", default_value_t = 120.0, value_parser = speed)]
    speed: f64,
    /// The seed of the simulated market: the same seed, the same market.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Serve the recorded pages of this directory instead of a made-up market.
    #[arg(long, value_name = "DIR", conflicts_with = "targets")]
    replay: Option<PathBuf>,
    /// Watch N made-up titles, from very quiet to very hot, instead of twenty well-known ones.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    targets: Option<u16>,
    /// Days of simulated history before the first second.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=90))]
    days: u16,
    /// API keys in the pool.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(0..=200_000))]
    keys: u32,
    /// Go on with the data of the last demo instead of starting fresh.
    #[arg(long)]
    keep: bool,
}

/// Where the demo keeps its data when no directory is named.
const DATA_DIR: &str = "demo-data";
/// Simulated time of the accounts before that: a forecast wants a week.
const ACCOUNTS_MS: i64 = 5 * 24 * HOUR;

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "must be a number".to_owned())?;
    if (0.1..=100_000.0).contains(&speed) { Ok(speed) } else { Err("must be 0.1..100000".to_owned()) }
}

impl Demo {
    /// Runs until a signal.
    pub async fn run(&self) -> anyhow::Result<Outcome> {
        let mut common = self.common.clone();
        common.data_dir.get_or_insert_with(|| DATA_DIR.into());
        let mut settings = common.load()?.settings;
        let _traces = logs::start(&settings.log)?;
        alone(&mut settings);
        let listener = listen(settings.server.listen).await?;
        let address = listener.local_addr()?;
        let recordings = self.replay.as_deref().map(recordings).transpose()?;
        let recorded = recordings.as_deref().map(Recorded::of);
        let start = recorded.as_ref().map_or(SystemClock.now().plus(-self.history_ms()), Recorded::start);
        let wanted = Marker {
            seed: self.seed,
            start_ms: start.millis(),
            targets: self.targets.map(usize::from),
            replay: self.replay.is_some(),
        };
        let (market, kept) = marker::prepare(&settings, wanted, self.keep)?;
        let market_from = Timestamp(market.start_ms);
        let accounts_from = market_from.plus(if market.replay { 0 } else { -ACCOUNTS_MS });
        let clock = DemoClock::new(accounts_from);
        if kept {
            clock.history().set(left_off(&settings).await?.max(clock.now()));
        }
        let profiles = market.targets.map_or_else(profiles::well_known, profiles::spread);
        settings.market.ips = recordings.as_deref().map_or_else(|| ips_of(&profiles), keywords);
        let profiles = if market.replay { Vec::new() } else { profiles };
        let upstream = self.upstream(MarketConfig::new(market.seed, profiles, market.start_ms), &clock).await?;
        settings.market.base_url = upstream.base_url();
        // Held to the end: the simulated providers stop with it.
        let mut held = None;
        let prelude: Box<dyn Prelude> = match recorded {
            Some(recorded) => {
                self.greet(&settings, address, Some(&recorded));
                Box::new(Replayed { clock: clock.clone(), upstream, recorded, speed: self.speed })
            }
            None => {
                let pool = (market.seed, self.keys);
                let providers = Arc::new(Providers::start(&mut settings, &clock, pool, accounts_from).await?);
                held = Some(Arc::clone(&providers));
                self.greet(&settings, address, None);
                Box::new(self.history(&settings, &clock, &upstream, (market_from, providers))?)
            }
        };
        let config = Config { settings, mode: Mode::Demo, hand_out: false, prelude: Some(prelude), reload: None };
        let ended = until_signals(config, listener, Arc::new(clock)).await;
        drop(held);
        ended
    }

    /// Simulated time of the market before the first second.
    fn history_ms(&self) -> i64 {
        i64::from(self.days) * 24 * HOUR
    }

    async fn upstream(&self, market: MarketConfig, clock: &DemoClock) -> anyhow::Result<Arc<RunningSim>> {
        let clock = clock.clone();
        let config = SimConfig {
            control: false,
            replay: self.replay.clone(),
            ..SimConfig::new(market, Arc::new(move || clock.now().millis()))
        };
        Ok(Arc::new(SimServer::start(config).await.context("the simulated market")?))
    }

    fn history(
        &self,
        settings: &Settings,
        clock: &DemoClock,
        upstream: &RunningSim,
        (market_from, providers): (Timestamp, Arc<Providers>),
    ) -> anyhow::Result<History> {
        let market: Arc<Market> = Arc::clone(upstream.market());
        Ok(History {
            clock: clock.clone(),
            market,
            options: options::market(settings),
            until: market_from.plus(self.history_ms()),
            speed: self.speed,
            market_from,
            providers,
            accounts: options::accounts(settings),
            keyring: secrets::keyring(&settings.secrets, &settings.server.data_dir, true)?,
        })
    }

    fn greet(&self, settings: &Settings, address: SocketAddr, recorded: Option<&Recorded>) {
        let data = match self.replay {
            Some(_) => "recorded pages".to_owned(),
            None => format!(
                "simulated data, {} titles, {} accounts, {} keys",
                settings.market.ips.len(),
                settings.accounts.list.len(),
                self.keys
            ),
        };
        say(&format!("Tidewatch demo: {data}; time runs {} times faster than real", self.speed));
        say(&format!("  page   http://{address}/"));
        say(&format!("  API    http://{address}/api/v1/leaderboard?type=hot&hours=24"));
        say(&format!("  files  {} (fresh at each start; --keep keeps them)", settings.server.data_dir.display()));
        say("  stop   Ctrl-C");
        if let Some(recorded) = recorded {
            say(&format!("\n{recorded}"));
        }
    }
}

fn say(line: &str) {
    // A demo nobody listens to is still a demo.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Nothing of the machine's configuration reaches beyond the demo: its own database, no proxy, its own IPs.
fn alone(settings: &mut Settings) {
    settings.store.url = SecretUrl::default();
    settings.market.proxy = ProxySettings::default();
    settings.market.enabled = true;
    settings.accounts = AccountsSettings::default();
    settings.keys = KeysSettings::default();
    settings.secrets = SecretsSettings::default();
    settings.notify = NotifySettings::default();
    settings.channels = Vec::new();
}

fn recordings(dir: &Path) -> anyhow::Result<Vec<Recording>> {
    let recordings = replay::load(dir).with_context(|| format!("{}", dir.display()))?;
    anyhow::ensure!(!recordings.is_empty(), "{} holds no recorded search page", dir.display());
    Ok(recordings)
}

/// The last instant of a kept demo.
async fn left_off(settings: &Settings) -> anyhow::Result<Timestamp> {
    if !settings.server.data_dir.join(database::FILE).exists() {
        return Ok(Timestamp::default());
    }
    let store = database::open_to_read(settings).await?;
    let seen = market::store::overview(&store, 1).await;
    store.close().await;
    Ok(seen.ok().and_then(|seen| seen.last_crawled_at).unwrap_or_default())
}
