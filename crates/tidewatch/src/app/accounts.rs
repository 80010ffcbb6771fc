//! The accounts and the keys: providers, the way to them, and what the configuration keeps.

use super::options;
use super::provider_metrics::ProviderMetrics;
use accounts::draft::Stated;
use accounts::fetch::{Fetcher, Observer};
use accounts::keep::keep;
use accounts::provider::Catalog;
use accounts::routes::AccountsState;
use accounts::{AccountOptions, AccountWatch};
use anyhow::{Context, anyhow, bail};
use api::{Auth, SharedRegistry};
use engine::http::ClientSettings;
use engine::{Engine, Registered, SharedPace};
use model::{SharedClock, TargetState, Timestamp, WatchKind};
use notify::Reach;
use prometheus_client::metrics::histogram::Histogram;
use serde_json::Value;
use settings::{AccountSettings, AccountsSettings, Settings};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use store::{Keyring, Store};

/// What balances and keys are watched with.
#[derive(Clone)]
pub struct Accounts {
    /// The providers there are.
    pub providers: Arc<Catalog>,
    /// Asks them.
    pub fetcher: Arc<Fetcher>,
    /// Opens the secrets.
    pub keyring: Arc<Keyring>,
    /// How they are watched.
    pub options: AccountOptions,
    /// What is counted of it.
    pub metrics: Arc<ProviderMetrics>,
}

impl Accounts {
    /// Sets everything up without asking anybody.
    pub fn open(
        settings: &Settings,
        (keyring, pace): (Arc<Keyring>, Option<Arc<dyn SharedPace>>),
        clock: SharedClock,
        registry: &SharedRegistry,
        admission: Option<Histogram>,
    ) -> anyhow::Result<Self> {
        let section = &settings.accounts;
        let width = (settings.keys.max_workers as usize).max(section.max_concurrent_checks as usize);
        let client = ClientSettings {
            read: Duration::from_secs(15),
            total: Duration::from_secs(20),
            idle_per_host: width,
            ..ClientSettings::default()
        };
        let fetcher =
            Fetcher::new(&client, Reach::of(section.allow_private), clock).context("the client of accounts")?;
        let metrics = Arc::new(ProviderMetrics::new(registry, admission));
        let fetcher = fetcher
            .with_rates(rates(&section.rates)?)
            .observed(Arc::clone(&metrics) as Arc<dyn Observer>)
            .sharing(pace);
        Ok(Self {
            metrics,
            providers: Arc::new(providers(section)?),
            fetcher: Arc::new(fetcher),
            keyring,
            options: options::accounts(settings),
        })
    }

    /// The watches of what is switched on.
    pub fn watches(&self, settings: &Settings) -> Vec<Arc<dyn Registered>> {
        let switched = [(WatchKind::Account, settings.accounts.enabled), (WatchKind::Key, settings.keys.enabled)];
        let kinds = switched.into_iter().filter(|(_, on)| *on).map(|(kind, _)| kind);
        kinds.map(|kind| Arc::new(self.watch(kind)) as Arc<dyn Registered>).collect()
    }

    /// The watch of balances or of keys.
    pub fn watch(&self, kind: WatchKind) -> AccountWatch {
        AccountWatch::new(
            kind,
            Arc::clone(&self.providers),
            Arc::clone(&self.fetcher),
            Arc::clone(&self.keyring),
            self.options.clone(),
        )
    }

    /// What their routes need.
    pub fn state(&self, engine: &Arc<Engine>, auth: Auth) -> AccountsState {
        AccountsState {
            store: engine.store.clone(),
            engine: Arc::clone(engine),
            auth,
            keyring: Arc::clone(&self.keyring),
            providers: Arc::clone(&self.providers),
            fetcher: Arc::clone(&self.fetcher),
            options: Arc::new(self.options.clone()),
        }
    }

    /// Makes the accounts of the configuration be there.
    pub async fn keep(&self, store: &Store, section: &AccountsSettings, now: Timestamp) -> anyhow::Result<()> {
        let stated: Vec<Stated> = section.list.iter().map(stated).collect::<anyhow::Result<_>>()?;
        let kept = keep(store, &stated, (&self.providers, &self.keyring, &self.options), now).await?;
        if kept.added + kept.changed > 0 {
            tracing::info!(added = kept.added, changed = kept.changed, "accounts of the configuration");
        }
        for name in kept.released {
            tracing::warn!(account = name, "no longer in the configuration; it stays and can be removed by hand");
        }
        Ok(())
    }
}

/// The built-in providers and those of the user's own.
pub fn providers(section: &AccountsSettings) -> anyhow::Result<Catalog> {
    let providers = Catalog::built_in().map_err(|e| anyhow!("{e}"))?;
    let mut providers = providers.at_origins(origins(&section.base_urls)?);
    if !section.providers_dir.as_os_str().is_empty() {
        let faults = providers.add_directory(&section.providers_dir);
        if !faults.is_empty() {
            let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
            bail!("accounts.providers_dir:\n  {}", all.join("\n  "));
        }
    }
    Ok(providers)
}

fn origins(lines: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let read = |line: &String| {
        let (name, url) = line.split_once(':')?;
        url::Url::parse(url.trim()).ok().filter(url::Url::has_host)?;
        Some((name.trim().to_owned(), url.trim().trim_end_matches('/').to_owned()))
    };
    let each =
        |line: &String| read(line).with_context(|| format!("accounts.base_urls: {line:?} is not `provider: URL`"));
    lines.iter().map(each).collect()
}

fn rates(lines: &[String]) -> anyhow::Result<HashMap<String, f64>> {
    let read = |line: &String| {
        let (name, rate) = line.split_once(':')?;
        let rate: f64 = rate.trim().parse().ok()?;
        (rate > 0.0 && rate.is_finite()).then(|| (name.trim().to_owned(), rate))
    };
    let each =
        |line: &String| read(line).with_context(|| format!("accounts.rates: {line:?} is not `provider: number`"));
    lines.iter().map(each).collect()
}

fn stated(account: &AccountSettings) -> anyhow::Result<Stated> {
    let at = |what: &str| format!("accounts.list: {}: {what}", account.name);
    let param = |line: &String| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_owned(), Value::from(value.trim())))
    };
    let param = |line: &String| param(line).with_context(|| at(&format!("params: {line:?} is not `name: value`")));
    let params = account.params.iter().map(param).collect::<anyhow::Result<_>>()?;
    Ok(Stated {
        name: Some(account.name.clone()),
        provider: Some(account.provider.clone()),
        secret: Some(account.secret.clone()),
        group: (!account.group.is_empty()).then(|| account.group.clone()),
        tags: (!account.tags.is_empty()).then(|| account.tags.clone()),
        params: Some(params),
        thresholds: (!account.thresholds.is_empty()).then(|| Value::from(account.thresholds.clone())),
        interval_seconds: account.interval.map(|interval| Duration::from(interval).as_secs()),
        state: Some(if account.paused { TargetState::Paused } else { TargetState::Active }),
    })
}
