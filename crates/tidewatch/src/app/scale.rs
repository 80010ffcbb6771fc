//! The processes beside this one, over Redis.

use anyhow::Context;
use api::{Part, Probe, SharedCounts};
use async_trait::async_trait;
use engine::{Engine, SharedPace};
use fleet::{FleetError, Link, Member, Queue, Recorder, Remote, Roster, Shared, record, relay};
use futures::FutureExt;
use market::MarketWatch;
use model::{Clock, SystemClock, Timestamp};
use settings::{CountersIn, RedisSettings, Settings};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often a process says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// What this process shares with others.
#[derive(Clone)]
pub struct Scale {
    /// Redis.
    pub link: Link,
    /// One pace and one count.
    pub shared: Arc<Shared>,
    /// Who is there.
    pub roster: Roster,
    /// This process's name among them.
    pub name: String,
    /// Since when it runs.
    pub since: Timestamp,
    settings: RedisSettings,
}

impl Scale {
    /// The role of who crawls.
    pub const WORKER: &str = "worker";

    /// What the settings say; `None` without Redis. A Redis that does not answer yet is waited for later; one that is
    /// too old or refuses the password is a failure now.
    pub async fn open(settings: &RedisSettings) -> anyhow::Result<Option<Self>> {
        if settings.url.is_empty() {
            return Ok(None);
        }
        let link = Link::open(settings.url.reveal(), settings.password.reveal())?;
        match link.check().await {
            Ok(version) => tracing::info!(redis = link.shown(), version, "Redis answers"),
            Err(FleetError::Unreachable(why)) => {
                tracing::warn!(
                    redis = link.shown(),
                    why,
                    "Redis does not answer yet: going on without it until it does"
                );
            }
            Err(e) => return Err(e).with_context(|| format!("Redis at {}", link.shown())),
        }
        let shared = Arc::new(Shared::new(link.clone()));
        let roster = Roster::new(link.clone());
        let since = SystemClock.now();
        Ok(Some(Self { link, shared, roster, name: own_name(), since, settings: settings.clone() }))
    }

    /// The pace of all.
    pub fn pace(&self) -> Arc<dyn SharedPace> {
        Arc::clone(&self.shared) as Arc<dyn SharedPace>
    }

    /// Where requests are counted, if it is here.
    pub fn counts(&self, settings: &Settings) -> Option<Arc<dyn SharedCounts>> {
        let here = settings.server.rate_limit.storage != CountersIn::Memory;
        here.then(|| Arc::clone(&self.shared) as Arc<dyn SharedCounts>)
    }

    /// Records what others have fetched.
    pub fn record(
        &self,
        parts: &mut JoinSet<anyhow::Result<()>>,
        engine: &Arc<Engine>,
        remote: &Arc<Remote<MarketWatch>>,
        stop: &CancellationToken,
    ) {
        let link = self.link.clone();
        // One for each time the settings are read: the old one takes its name off the list while the new one takes results.
        let name = format!("{}-{}", self.name, &uuid::Uuid::new_v4().simple().to_string()[..4]);
        let recorder =
            Recorder { name, at_once: engine.options.in_flight, orphan_after: self.settings.orphan_after.into() };
        parts.spawn(record(Arc::clone(remote), Arc::clone(engine), link, recorder, stop.clone()).map(Ok));
    }

    /// The parts that run beside the schedule: news, a sign of life, the lengths of the queues.
    pub fn join(&self, parts: &mut JoinSet<anyhow::Result<()>>, engine: &Arc<Engine>, stop: &CancellationToken) {
        parts.spawn(relay(self.link.clone(), Arc::clone(engine), self.name.clone(), stop.clone()).map(Ok));
        parts.spawn(self.clone().present(Arc::clone(engine), stop.clone()).map(Ok));
    }

    async fn present(self, engine: Arc<Engine>, stop: CancellationToken) {
        let queues = [Queue::tasks(&self.link), Queue::results(&self.link)];
        loop {
            let running = engine.metrics.running();
            let member = self.member("serve", (running, engine.options.in_flight as u64), None, stop.is_cancelled());
            if let Err(e) = self.roster.write(&member).await {
                tracing::debug!(error = %e, "no sign of life was given");
            }
            self.measure(&engine, &queues).await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(SIGN_OF_LIFE) => {}
            }
        }
        let _ = self.roster.leave(&self.name).await;
    }

    async fn measure(&self, engine: &Engine, [tasks, results]: &[Queue; 2]) {
        let (Ok(tasks), Ok(results)) = (tasks.lengths().await, results.lengths().await) else { return };
        engine.metrics.streams(&[
            ("tasks", tasks.waiting),
            ("tasks_processing", tasks.taken),
            ("tasks_dead", tasks.dead),
            ("results", results.waiting),
            ("results_processing", results.taken),
            ("results_dead", results.dead),
        ]);
    }

    /// A line about this process.
    pub fn member(&self, role: &str, (running, capacity): (u64, u64), lag: Option<Duration>, draining: bool) -> Member {
        Member {
            name: self.name.clone(),
            role: role.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            running,
            capacity,
            lag_seconds: lag.map(|lag| lag.as_secs_f64()),
            draining,
            started_at: self.since,
            seen_at: SystemClock.now(),
        }
    }
}

/// Host, process and a few letters: no other process has it, not even the one before in the same container.
pub fn own_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("host");
    let mark = uuid::Uuid::new_v4().simple().to_string();
    format!("{host}-{}-{}", std::process::id(), &mark[..6])
}

/// Redis answers; without it nothing is handed out.
pub struct RedisProbe(pub Link);

#[async_trait]
impl Probe for RedisProbe {
    fn name(&self) -> &str {
        "redis"
    }

    fn vital(&self) -> bool {
        false
    }

    fn needed(&self) -> bool {
        true
    }

    async fn look(&self) -> Part {
        match self.0.check().await {
            Ok(version) => Part::ok(format!("Redis {version} answered")),
            Err(e) => {
                tracing::warn!(error = %e, "Redis did not answer the health check");
                Part::bad("Redis does not answer")
            }
        }
    }
}
