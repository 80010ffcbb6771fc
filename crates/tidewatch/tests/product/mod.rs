//! The whole product over HTTP: the composition root on a simulated upstream, in a directory of its own.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part; a test that fails may panic")]

use model::{SharedClock, SteppedClock, Timestamp};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use settings::{Secret, Settings};
use sim::{MarketConfig, Profile, RunningSim, SimConfig, SimServer};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tidewatch::app::{Config, run};
use tidewatch::demo::ips_of;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// 2026-09-01T12:00:00+09:00.
pub const START: Timestamp = Timestamp::from_secs(1_788_231_600);
pub const KEY: &str = "a-key-that-is-long-enough";

/// A running product.
pub struct Product {
    pub base: String,
    pub dir: TempDir,
    pub sim: RunningSim,
    pub settings: Settings,
    pub stop: CancellationToken,
    pub task: JoinHandle<anyhow::Result<()>>,
}

/// A simulated upstream at the clock's time.
pub async fn upstream(profiles: &[Profile], clock: &SharedClock) -> RunningSim {
    let clock = Arc::clone(clock);
    let market = MarketConfig { history_days: 3, ..MarketConfig::new(7, profiles.to_vec(), clock.now().millis()) };
    SimServer::start(SimConfig::new(market, Arc::new(move || clock.now().millis()))).await.unwrap()
}

/// Settings for `dir` that watch the profiles of `sim`.
pub fn settings(dir: &Path, sim: &RunningSim) -> Settings {
    let mut settings = Settings::default();
    settings.server.data_dir = dir.join("data");
    settings.server.rate_limit.enabled = false;
    settings.auth.admin_key = Secret::new(KEY);
    settings.market.base_url = sim.base_url();
    settings.market.ips = ips_of(&sim.market().config().profiles);
    settings
}

impl Product {
    /// Starts it with the clock and the settings as `change` leaves them.
    pub async fn start(profiles: &[Profile], clock: SharedClock, change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_as(profiles, clock, false, change).await
    }

    /// The same; with `hand_out` crawls are handed out over Redis.
    pub async fn start_as(
        profiles: &[Profile],
        clock: SharedClock,
        hand_out: bool,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sim = upstream(profiles, &clock).await;
        let mut settings = settings(dir.path(), &sim);
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let config = Config { hand_out, ..Config::live(settings.clone()) };
        let task = tokio::spawn(run(config, listener, clock, stop.clone()));
        let product = Self { base, dir, sim, settings, stop, task };
        until("ready", async || product.status(Method::GET, "/ready", None).await == StatusCode::OK).await;
        product
    }

    /// On a clock that stands still.
    pub async fn stepped(profiles: &[Profile]) -> (Self, SteppedClock) {
        let clock = SteppedClock::new(START);
        (Self::start(profiles, Arc::new(clock.clone()), |_| {}).await, clock)
    }

    pub async fn status(&self, method: Method, path: &str, body: Option<Value>) -> StatusCode {
        self.send(method, path, body, None).await.0
    }

    /// As the administrator.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        self.send(method, path, body, Some(KEY)).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.admin(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> (StatusCode, Value) {
        let mut request = Client::new().request(method, format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.header("X-API-Key", key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        // Before it listens and after it stopped there is no answer.
        let Ok(response) = request.send().await else { return (StatusCode::BAD_GATEWAY, Value::Null) };
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Waits until every IP was crawled at the clock's present time or later.
    pub async fn crawled_since(&self, id: i64, since: Timestamp) {
        until("crawled", async || {
            let ip = self.get(&format!("/api/v1/ips/{id}")).await;
            let at = ip["data"]["last_crawled_at"].as_str().and_then(Timestamp::parse);
            at.is_some_and(|at| at >= since)
        })
        .await;
    }

    pub async fn end(self) -> (TempDir, Settings) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        (self.dir, self.settings)
    }
}

/// Asks again until it is so; a minute is the end of patience.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < Duration::from_secs(90), "not {what} in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The built binary, with nothing of this machine's configuration.
pub fn tidewatch(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidewatch"));
    command.args(args).current_dir(dir).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Its exit code, stdout and stderr.
pub async fn finished(mut command: Command) -> (i32, String, String) {
    let output: Output = tokio::time::timeout(Duration::from_secs(120), command.output()).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}
