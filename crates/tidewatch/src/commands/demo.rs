//! `tidewatch demo`.

use crate::app::{Config, database, listen, options, until_signals};
use crate::cli::{Common, Outcome};
use crate::demo::marker::{self, Marker};
use crate::demo::{DemoClock, History, Recorded, Replayed, ips_of, keywords};
use crate::logs;
use anyhow::Context;
use api::Mode;
use clap::Args;
use model::{Clock, HOUR, SystemClock, Timestamp};
use settings::{ProxySettings, SecretUrl, Settings};
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
    /// API keys to watch as well.
    #[arg(long, value_name = "N")]
    keys: Option<u32>,
    /// Go on with the data of the last demo instead of starting fresh.
    #[arg(long)]
    keep: bool,
}

/// Where the demo keeps its data when no directory is named.
const DATA_DIR: &str = "demo-data";
/// Simulated time before the demo's first second.
const HISTORY_MS: i64 = 48 * HOUR;

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
        logs::start(&settings.log)?;
        alone(&mut settings);
        if self.keys.is_some() {
            say("--keys: watching API keys is not in this version");
        }
        let listener = listen(settings.server.listen).await?;
        let address = listener.local_addr()?;
        let recordings = self.replay.as_deref().map(recordings).transpose()?;
        let recorded = recordings.as_deref().map(Recorded::of);
        let start = recorded.as_ref().map_or(SystemClock.now().plus(-HISTORY_MS), Recorded::start);
        let wanted = Marker {
            seed: self.seed,
            start_ms: start.millis(),
            targets: self.targets.map(usize::from),
            replay: self.replay.is_some(),
        };
        let (market, kept) = marker::prepare(&settings, wanted, self.keep)?;
        let clock = DemoClock::new(Timestamp(market.start_ms));
        if kept {
            clock.history().set(left_off(&settings).await?.max(clock.now()));
        }
        let profiles = market.targets.map_or_else(profiles::well_known, profiles::spread);
        settings.market.ips = recordings.as_deref().map_or_else(|| ips_of(&profiles), keywords);
        let profiles = if market.replay { Vec::new() } else { profiles };
        let upstream = self.upstream(MarketConfig::new(market.seed, profiles, market.start_ms), &clock).await?;
        settings.market.base_url = upstream.base_url();
        self.greet(&settings, address, recorded.as_ref());
        let until = Timestamp(market.start_ms).plus(HISTORY_MS);
        let prelude = self.prelude(&settings, &clock, &upstream, until, recorded);
        let config = Config { settings, mode: Mode::Demo, prelude: Some(prelude) };
        until_signals(config, listener, Arc::new(clock)).await
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

    fn prelude(
        &self,
        settings: &Settings,
        clock: &DemoClock,
        upstream: &Arc<RunningSim>,
        until: Timestamp,
        recorded: Option<Recorded>,
    ) -> Box<dyn crate::app::Prelude> {
        let (clock, speed) = (clock.clone(), self.speed);
        if let Some(recorded) = recorded {
            return Box::new(Replayed { clock, upstream: Arc::clone(upstream), recorded, speed });
        }
        let market: Arc<Market> = Arc::clone(upstream.market());
        Box::new(History { clock, market, options: options::market(settings), until, speed })
    }

    fn greet(&self, settings: &Settings, address: SocketAddr, recorded: Option<&Recorded>) {
        let data = match self.replay {
            Some(_) => "recorded pages".to_owned(),
            None => format!("simulated data, {} titles", settings.market.ips.len()),
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
