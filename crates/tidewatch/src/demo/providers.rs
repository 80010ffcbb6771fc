//! The providers, keys and receivers of a demo: simulated, in their true wire format.

use super::DemoClock;
use anyhow::Context;
use model::{Clock, HOUR, Timestamp};
use settings::{AccountSettings, ChannelSettings, Secret, Settings, Span};
use sim::accounts::{Account, AccountsConfig, AccountsServer, Amount, FactoryPool, Plan, RunningAccounts};
use sim::sinks::{Sink, SinkKind, SinksConfig};
use tokio::net::TcpListener;

const DAY: i64 = 24 * HOUR;

/// One account of the demo.
struct Made {
    name: &'static str,
    group: &'static str,
    provider: &'static str,
    secret: String,
    thresholds: &'static [&'static str],
    plan: Plan,
}

/// Twelve accounts as people have them: some calm, some low, one used up, one that nobody reads any more.
fn accounts(since: i64) -> Vec<Made> {
    let whole = Amount::whole;
    let one = |name, group, provider, thresholds, plan| Made {
        name,
        group,
        provider,
        secret: match provider {
            "aliyun" | "volcengine" => format!("AKIDSIMULATED{}:simulated-secret-{name}", name.len()),
            _ => format!("sk-simulated-{provider}-{}", name.replace(' ', "-")),
        },
        thresholds,
        plan,
    };
    vec![
        one(
            "openrouter prod",
            "search",
            "openrouter",
            &["50", "days_left < 7 critical"],
            Plan::refilled(since, whole(180), whole(14), whole(40), whole(150)),
        ),
        one("openrouter lab", "research", "openrouter", &["20"], Plan::steady(since, whole(95), whole(6))),
        one(
            "deepseek",
            "search",
            "deepseek",
            &["100", "20 critical"],
            Plan::refilled(since, whole(300), whole(38), whole(60), whole(400)),
        ),
        one("moonshot", "search", "moonshot", &["days_left < 5"], Plan::steady(since, whole(420), whole(31))),
        one(
            "siliconflow",
            "research",
            "siliconflow",
            &["30"],
            Plan::refilled(since, whole(80), whole(9), whole(15), whole(100)),
        ),
        one("stepfun", "research", "stepfun", &["50"], Plan::steady(since, whole(500), whole(3))),
        one(
            "elevenlabs",
            "video",
            "elevenlabs",
            &["remaining < 20 %"],
            Plan::monthly(since, whole(100_000), whole(4_200)),
        ),
        one(
            "aliyun main",
            "infra",
            "aliyun",
            &["1000 critical"],
            Plan::refilled(since, whole(5_000), whole(310), whole(900), whole(5_000)),
        ),
        one("volcengine", "infra", "volcengine", &["500"], Plan::steady(since, whole(2_600), whole(95))),
        one("uniapi", "research", "uniapi", &["10"], Plan::exhausted(since)),
        one("tikhub", "video", "tikhub", &["5"], Plan::steady(since, whole(60), whole(2))),
        one("wxrank", "video", "wxrank", &["1000"], Plan::steady(since, whole(9_000), whole(260))),
    ]
}

/// What the demo asks in place of the providers, and tells in place of the chats.
pub struct Providers {
    /// Held as long as the demo lives: they stop with it.
    _running: RunningAccounts,
    pool: FactoryPool,
}

impl Providers {
    /// Starts them on loopback and puts the accounts and the channels into the settings. `since` is when the accounts
    /// were opened.
    pub async fn start(
        settings: &mut Settings,
        clock: &DemoClock,
        (seed, keys): (u64, u32),
        since: Timestamp,
    ) -> anyhow::Result<Self> {
        let since = since.millis() - DAY;
        let pool = FactoryPool { revoked: 12, ..FactoryPool::new(seed, u64::from(keys), since) };
        let time = clock.clone();
        let mut config = AccountsConfig::new(std::sync::Arc::new(move || time.now().millis()));
        config.factory = Some(pool.clone());
        config.accounts = accounts(since)
            .into_iter()
            .enumerate()
            .map(|(n, a)| Account::new(a.provider, &a.secret, seed + n as u64, a.plan))
            .collect();
        let sink = |kind| Sink { kind, token: "demo".to_owned(), secret: None, keyword: None };
        config.sinks =
            SinksConfig { sinks: vec![sink(SinkKind::Feishu), sink(SinkKind::Webhook)], ..SinksConfig::default() };
        let running = AccountsServer::start(loopback().await?, config).context("the simulated providers")?;
        let mut list = Vec::new();
        let mut urls = vec![format!("factory: {}", running.origin("factory"))];
        for account in accounts(since) {
            // Each provider is an address of its own, as it is outside: a limit of one is no limit of another.
            let origin = running.also_on(loopback().await?).context("the simulated providers")?;
            urls.push(format!("{}: {origin}/p/{0}", account.provider));
            list.push(AccountSettings {
                name: account.name.to_owned(),
                group: account.group.to_owned(),
                provider: account.provider.to_owned(),
                secret: Secret::new(account.secret),
                tags: vec!["simulated".to_owned()],
                thresholds: account.thresholds.iter().map(|t| (*t).to_owned()).collect(),
                ..AccountSettings::default()
            });
        }
        settings.accounts.list = list;
        settings.accounts.base_urls = urls;
        settings.accounts.enabled = true;
        settings.accounts.allow_private = true;
        settings.keys.interval = Span::hours(12);
        settings.notify.allow_private = true;
        settings.channels = vec![
            channel("feishu (simulated)", "feishu", running.sink_url(SinkKind::Feishu, "demo")),
            channel("webhook (simulated)", "webhook", running.sink_url(SinkKind::Webhook, "demo")),
        ];
        Ok(Self { _running: running, pool })
    }

    /// The keys of the pool, and where Factory is.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.pool.keys).map(|n| self.pool.key(n))
    }
}

async fn loopback() -> anyhow::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").await.context("a port on 127.0.0.1")
}

fn channel(name: &str, kind: &str, url: String) -> ChannelSettings {
    ChannelSettings {
        name: name.to_owned(),
        kind: kind.to_owned(),
        url: Secret::new(url),
        allow_private: true,
        ..ChannelSettings::default()
    }
}
