//! What a worker makes of the settings: the way to Mercari, made anew when they are read again.

use super::super::fetching::Upstreams;
use super::super::reload::{self, Reload, Reloaded};
use super::super::reload_metrics::ConfigReloads;
use super::super::scale::Scale;
use super::super::{browsing::Browsing, credential, options};
use super::page::Gauges;
use crate::logs;
use api::{Auth, SharedRegistry};
use engine::EngineMetrics;
use market::MarketWatch;
use model::SharedClock;
use prometheus_client::registry::Registry;
use settings::{AuthSettings, Settings};
use std::sync::{Arc, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Of one state of the settings. What has begun on it ends on it; with the last of that its browser goes.
pub(super) struct Way {
    pub(super) watch: Arc<MarketWatch>,
    pub(super) upstreams: Upstreams,
    pub(super) registry: SharedRegistry,
    /// Who may see the metrics from elsewhere.
    pub(super) auth: Auth,
    settings: Settings,
}

/// Makes ways; what it counts goes on from one to the next.
pub(super) struct Maker {
    clock: SharedClock,
    scale: Scale,
    engine: EngineMetrics,
    reloads: ConfigReloads,
    /// There is a page.
    answers: bool,
    pub(super) gauges: Gauges,
}

impl Maker {
    pub(super) fn new(clock: SharedClock, scale: Scale, answers: bool) -> Self {
        // Every way has a registry of its own, into which these are put.
        let engine = EngineMetrics::new(&mut Registry::default());
        let reloads = ConfigReloads::new(&SharedRegistry::default());
        Self { clock, scale, engine, reloads, answers, gauges: Gauges::default() }
    }

    /// The pace and the breaker go on from `before` where the same is asked. Fails when the settings cannot be used.
    pub(super) fn way(&self, settings: Settings, before: Option<&Way>) -> anyhow::Result<Way> {
        // Files with keys need not be there where nobody asks.
        let nobody = AuthSettings::default();
        let auth = credential::keys(if self.answers { &settings.auth } else { &nobody })?;
        let registry = SharedRegistry::default();
        {
            let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
            self.engine.register_in(&mut registry);
            self.reloads.register(&mut registry);
            self.gauges.register(&mut registry);
        }
        let same = before.filter(|before| before.settings.market.base_url == settings.market.base_url);
        let before = same.map(|before| &*before.upstreams.mercari);
        let (clock, admission) = (Arc::clone(&self.clock), self.engine.admission());
        let pace = Some(self.scale.pace());
        let upstreams = Upstreams::open(&settings.market, clock, &registry, admission, (pace, before))?;
        if let Browsing::Off(why) = &upstreams.browsing {
            tracing::info!(why, "browser mode is off");
        }
        let watch = Arc::new(MarketWatch::new(Arc::clone(&upstreams.pages), options::market(&settings)));
        Ok(Way { watch, upstreams, registry, auth, settings })
    }

    /// Follows the settings until the worker has `ended`.
    pub(super) async fn follow(
        self,
        reload: Option<Reload>,
        newest: watch::Sender<Arc<Way>>,
        ended: CancellationToken,
    ) {
        let mut readings = reload::follow(reload);
        loop {
            let read = tokio::select! {
                Some(read) = readings.recv() => read,
                () = ended.cancelled() => return,
            };
            let (_, loaded) = read;
            let before = Arc::clone(&newest.borrow());
            match self.renew(&before, loaded) {
                Ok(way) => {
                    newest.send_replace(Arc::new(way));
                    self.reloads.accepted();
                }
                Err(e) => {
                    self.reloads.refused();
                    reload::tell_refusal(&e);
                }
            }
        }
    }

    fn renew(&self, before: &Way, loaded: Reloaded) -> anyhow::Result<Way> {
        let loaded = loaded?;
        let (settings, waiting) = reload::in_force(&before.settings, loaded.settings);
        let changed = reload::changed(&before.settings, &settings);
        let level = settings.log.level.clone();
        let way = self.way(settings, Some(before))?;
        logs::set_levels(&level)?;
        logs::tell(&loaded.notices);
        reload::tell_in_force(&changed, &waiting);
        Ok(way)
    }
}
