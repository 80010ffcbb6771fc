//! `tidewatch verify`: one IP through schedule, crawl, record and API.

use crate::app::{Config, listen, run};
use crate::cli::{Common, Outcome};
use crate::commands::base_url;
use crate::logs;
use anyhow::{Context, anyhow, bail};
use clap::Args;
use engine::http::{self, ClientSettings};
use model::{Clock, ScaledClock, SharedClock, SystemClock};
use reqwest::Client;
use serde_json::Value;
use settings::{IpSettings, Secret, SecretUrl, Settings};
use sim::{MarketConfig, RunningSim, SimConfig, SimServer, profiles};
use std::future::Future;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What `verify` takes.
#[derive(Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    common: Common,
    /// The IP to watch.
    #[arg(default_value = "初音ミク")]
    keyword: String,
    /// Against the built-in simulated market instead of the configured upstream.
    #[arg(long)]
    simulated: bool,
    /// How long each step may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
}

/// How fast simulated time runs: the pace of requests is kept by the clock.
const SPEED: f64 = 60.0;

impl Verify {
    /// Runs it; data goes to `out`. Fails at the first step that does.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let dir = tempfile::tempdir().context("a temporary data directory")?;
        let mut settings = self.common.load()?.settings;
        if settings.log.level == "info" {
            settings.log.level = "warn".into();
        }
        let _traces = logs::start(&settings.log)?;
        settings.server.data_dir = dir.path().to_owned();
        settings.server.listen = ([127, 0, 0, 1], 0).into();
        settings.store.url = SecretUrl::default();
        settings.auth.admin_key = Secret::new(uuid::Uuid::new_v4().to_string());
        settings.market.enabled = true;
        settings.server.rate_limit.enabled = false;
        settings.market.ips = vec![ip(&self.keyword)?];
        let (clock, simulated) = self.upstream(&mut settings).await?;
        let of = if simulated.is_some() { "the simulated market" } else { &settings.market.base_url };
        writeln!(out, "verifying {} against {of}", self.keyword)?;
        let mut steps = Steps { out, number: 0, patience: Duration::from_secs(self.patience) };
        steps.all(settings, clock).await?;
        Ok(Outcome::Good)
    }

    async fn upstream(&self, settings: &mut Settings) -> anyhow::Result<(SharedClock, Option<RunningSim>)> {
        if !self.simulated {
            return Ok((Arc::new(SystemClock), None));
        }
        let clock = Arc::new(ScaledClock::new(SystemClock.now(), SPEED));
        let time = Arc::clone(&clock);
        let mut profiles = profiles::well_known();
        if !profiles.iter().any(|profile| profile.name == self.keyword) {
            profiles = vec![sim::Profile::named(&self.keyword, 30.0, 0.35)];
        }
        let market = MarketConfig::new(1, profiles, clock.now().millis());
        let config = SimConfig { control: false, ..SimConfig::new(market, Arc::new(move || time.now().millis())) };
        let simulated = SimServer::start(config).await.context("the simulated market")?;
        settings.market.base_url = simulated.base_url();
        settings.market.proxy = Default::default();
        Ok((clock, Some(simulated)))
    }
}

fn ip(keyword: &str) -> anyhow::Result<IpSettings> {
    serde_json::from_value(serde_json::json!({ "name": keyword.trim() })).context("keyword")
}

/// Does one step after the other and tells how each went.
struct Steps<'a> {
    out: &'a mut (dyn Write + Send),
    number: usize,
    patience: Duration,
}

impl Steps<'_> {
    async fn all(&mut self, settings: Settings, clock: SharedClock) -> anyhow::Result<()> {
        let listener = listen(settings.server.listen).await?;
        let api = Api {
            base: base_url(listener.local_addr()?),
            key: settings.auth.admin_key.reveal().to_owned(),
            client: http::client(&ClientSettings::default())?,
        };
        let stop = CancellationToken::new();
        let mut product = tokio::spawn(run(Config::live(settings), listener, clock, stop.clone()));
        tokio::select! {
            done = self.of_one_ip(&api) => done?,
            ended = &mut product => {
                ended.context("the product broke down")??;
                bail!("the product stopped by itself");
            }
        }
        let stopped = async {
            stop.cancel();
            product.await.context("the product broke down")??;
            Ok("drained".to_owned())
        };
        self.step("stop", stopped).await
    }

    async fn of_one_ip(&mut self, api: &Api) -> anyhow::Result<()> {
        self.step("start", api.until("/ready", |_| Ok(Some("the process is ready".to_owned())))).await?;
        self.step("schedule", api.until("/api/v1/ips", |ips| Ok(scheduled(&ips["data"][0])))).await?;
        self.step("crawl", api.until("/api/v1/ips/1", |ip| crawled(&ip["data"]))).await?;
        self.step("record", api.until("/api/v1/ips/1/items?page_size=1", |items| Ok(recorded(items)))).await?;
        self.step("hours", api.until("/api/v1/ips/1/stats/hourly?limit=168", |stats| Ok(hours(&stats["data"]))))
            .await?;
        self.step("API", api.until("/api/v1/leaderboard", |board| Ok(ranked(&board["data"])))).await
    }

    async fn step(&mut self, name: &str, work: impl Future<Output = anyhow::Result<String>>) -> anyhow::Result<()> {
        self.number += 1;
        let begun = Instant::now();
        let done = tokio::time::timeout(self.patience, work).await;
        let done = done.unwrap_or_else(|_| Err(anyhow!("not done within {} s", self.patience.as_secs())));
        let (number, seconds) = (self.number, begun.elapsed().as_secs_f64());
        match done {
            Ok(detail) => Ok(writeln!(self.out, "{number}  {name:9} ok    {seconds:6.2} s  {detail}")?),
            Err(why) => {
                writeln!(self.out, "{number}  {name:9} FAILED{seconds:6.2} s  {why:#}")?;
                bail!("verify failed at step {number}, {name}")
            }
        }
    }
}

/// The API of the product that is verified.
struct Api {
    base: String,
    key: String,
    client: Client,
}

impl Api {
    /// Asks until the answer is what is wanted; an error of `wanted` ends it.
    async fn until(
        &self,
        path: &str,
        wanted: impl Fn(&Value) -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<String> {
        loop {
            // An answer that does not come yet is waited for; the step has its deadline.
            if let Ok(answer) = self.get(path).await
                && let Some(detail) = wanted(&answer)?
            {
                return Ok(detail);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.client.get(format!("{}{path}", self.base)).header("X-API-Key", &self.key);
        let response = request.send().await.map_err(http::sent)?;
        anyhow::ensure!(response.status().is_success(), "HTTP {}", response.status().as_u16());
        Ok(serde_json::from_slice(&http::body_capped(response, 4 << 20).await?)?)
    }
}

fn scheduled(ip: &Value) -> Option<String> {
    Some(format!("IP {} is due at {}", ip["id"].as_i64()?, ip["next_due"].as_str()?))
}

fn crawled(ip: &Value) -> anyhow::Result<Option<String>> {
    if ip["failures"].as_u64().is_some_and(|failures| failures > 0) {
        bail!("{}", ip["last_error"].as_str().unwrap_or("failed"));
    }
    // Beyond 15,000 Mercari does not count; what is on sale is then what was seen.
    let on_sale = ip["on_sale_total"].as_i64().unwrap_or(0);
    let sold = ip["sold_total"].as_i64().map_or_else(|| "more than 15000".to_owned(), |n| format!("about {n}"));
    Ok(ip["last_crawled_at"].as_str().map(|_| format!("at least {on_sale} on sale, {sold} sold")))
}

fn recorded(items: &Value) -> Option<String> {
    Some(format!("{} items in the database", items["total"].as_u64()?))
}

fn hours(stats: &Value) -> Option<String> {
    Some(format!("{} complete hours filled from the first crawl", stats["count"].as_u64()?))
}

fn ranked(board: &Value) -> Option<String> {
    Some(format!("{} IPs on the leaderboard", board["count"].as_u64()?))
}
