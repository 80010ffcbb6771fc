//! What the process answers: the routes of every part, behind one door.

use super::browsing::BrowserProbe;
use super::fetching::Upstreams;
use super::generation::Started;
use super::scale::RedisProbe;
use super::{Product, database, names, options, system};
use api::alerts::{AlertsState, TargetNames};
use api::channels::ChannelsState;
use api::{ApiOptions, Limits, Mode, Parts, Probe, Routes, SharedCounts, TrustedProxies};
use axum::Router;
use engine::Registered;
use market::leaderboard::Leaderboard;
use market::routes::{MarketProbe, MarketState};
use model::{Timestamp, WatchKind};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

impl Product {
    pub(super) fn router(
        &self,
        upstreams: &Option<Upstreams>,
        watches: &[Arc<dyn Registered>],
        board: Leaderboard,
        (limits, started, stop): (Option<Arc<Limits>>, Started, CancellationToken),
    ) -> Router {
        let engine = &self.engine;
        let market = self.market(board);
        let kinds: Vec<WatchKind> = watches.iter().map(|watch| watch.kind()).collect();
        let mut probes: Vec<Arc<dyn Probe>> = vec![
            Arc::new(api::StoreProbe(Arc::clone(engine))),
            Arc::new(api::SchedulerProbe::new(Arc::clone(engine), kinds)),
            Arc::new(MarketProbe(market.clone())),
        ];
        if let Some(upstreams) = upstreams {
            probes.push(Arc::new(api::UpstreamProbe::new(Arc::clone(&upstreams.mercari))));
            probes.push(Arc::new(BrowserProbe(upstreams.browsing.clone())));
        }
        probes.extend(self.scale.iter().map(|scale| Arc::new(RedisProbe(scale.link.clone())) as Arc<dyn Probe>));
        let parts = Parts {
            engine: Arc::clone(engine),
            auth: self.auth.clone(),
            registry: Arc::clone(&self.registry),
            probes,
            limits,
            counts: self.counts(),
            options: ApiOptions {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                mode: self.mode,
                migrations: database::migrations(),
                trusted_proxies: self.trusted(),
                features: options::features(&self.settings),
                started: started.instant,
                ..ApiOptions::default()
            },
            stop,
        };
        api::router(parts, self.routes(upstreams, market, started.at))
    }

    /// Whose word on a client's address is believed.
    pub(super) fn trusted(&self) -> TrustedProxies {
        let networks = self.settings.server.trusted_proxies.clone();
        TrustedProxies::new(move |peer| networks.iter().any(|network| network.contains(peer)))
    }

    /// Where requests are counted for all processes, if they are.
    pub(super) fn counts(&self) -> Option<Arc<dyn SharedCounts>> {
        self.scale.as_ref().and_then(|scale| scale.counts(&self.settings))
    }

    /// The routes of the watches, of alerts and channels, and of the page.
    pub(super) fn routes(&self, upstreams: &Option<Upstreams>, market: MarketState, since: Timestamp) -> Routes {
        let engine = &self.engine;
        market::routes::router(market)
            .merge(::accounts::routes::router(self.accounts.state(engine, self.auth.clone())))
            .merge(::reminders::routes::router(self.reminders.state(engine, self.auth.clone())))
            .merge(self.told())
            .merge(system::router(self.system(upstreams, since)))
            .merge(system::page(&self.auth))
    }

    pub(super) fn market(&self, board: Leaderboard) -> MarketState {
        MarketState {
            store: self.engine.store.clone(),
            engine: Arc::clone(&self.engine),
            options: Arc::new(self.options.clone()),
            board,
            auth: self.auth.clone(),
            demo: self.mode == Mode::Demo,
            plain_pages: !ui::is_built(),
        }
    }

    fn system(&self, upstreams: &Option<Upstreams>, since: Timestamp) -> system::SystemState {
        system::SystemState {
            store: self.engine.store.clone(),
            engine: Arc::clone(&self.engine),
            scale: self.scale.clone(),
            since,
            auth: self.auth.clone(),
            mercari: upstreams.as_ref().map(|upstreams| Arc::clone(&upstreams.mercari)),
            fetcher: Arc::clone(&self.accounts.fetcher),
            features: system::Parts::of(&self.settings),
        }
    }

    /// Alerts and the channels they go to.
    fn told(&self) -> Routes {
        let (store, engine, auth) = (self.engine.store.clone(), Arc::clone(&self.engine), self.auth.clone());
        let names: Vec<Arc<dyn TargetNames>> = vec![Arc::new(names::Names)];
        let alerts = AlertsState { store: store.clone(), engine: Arc::clone(&engine), auth: auth.clone(), names };
        let channels = ChannelsState { store, engine, auth, deliverer: Arc::clone(&self.deliverer) };
        api::alerts::router(alerts).merge(api::channels::router(channels))
    }
}
