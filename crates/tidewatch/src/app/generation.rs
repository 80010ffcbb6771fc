//! Reloading: what is made of the settings is made anew beside the old, takes its place, and the old finishes what it
//! has in hand. The database, the engine, the listening socket and the clients' connections stay as they are.

use super::browsing::Browsing;
use super::reload::{self, Reload, Reloaded};
use super::reload_metrics::ConfigReloads;
use super::scale::Scale;
use super::{
    Prelude, Product, Upstreams, account_metrics, check_metrics, credential, notifying, options, schedule, secrets,
};
use crate::logs;
use anyhow::Context;
use api::{Limits, Mode, SharedRegistry};
use axum::Router;
use engine::{Engine, Registered};
use fleet::Remote;
use futures::FutureExt;
use market::MarketWatch;
use market::leaderboard::Leaderboard;
use model::Timestamp;
use settings::Settings;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use store::Keyring;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What outlives a reload.
pub(super) struct Lasting {
    pub(super) engine: Arc<Engine>,
    pub(super) mode: Mode,
    pub(super) hand_out: bool,
    pub(super) scale: Option<Scale>,
    pub(super) address: SocketAddr,
    pub(super) reloads: ConfigReloads,
    pub(super) stop: CancellationToken,
    pub(super) started: Started,
}

/// When the process began, by both clocks.
#[derive(Clone, Copy)]
pub(super) struct Started {
    pub(super) instant: Instant,
    pub(super) at: Timestamp,
}

/// The parts of one state of the settings.
struct Generation {
    product: Product,
    upstreams: Option<Upstreams>,
    watches: Vec<Arc<dyn Registered>>,
    remote: Option<Arc<Remote<MarketWatch>>>,
    board: Leaderboard,
    limits: Option<Arc<Limits>>,
    router: Router,
    parts: JoinSet<Ended>,
    /// Cancelled when its schedule has ended and nothing of it is looked at any more.
    ended: CancellationToken,
}

type Ended = anyhow::Result<()>;

impl Lasting {
    /// Lives until `stop`, or until a part ends by itself, which is the end of all.
    pub(super) async fn live(
        self,
        product: Product,
        listener: TcpListener,
        prelude: Option<Box<dyn Prelude>>,
        reload: Option<Reload>,
    ) -> Ended {
        let mut now = self.prepare(product, None)?;
        if let Some(Browsing::Off(why)) = now.upstreams.as_ref().map(|upstreams| &upstreams.browsing) {
            tracing::info!(why, "browser mode is off");
        }
        self.begin(&mut now, prelude, None);
        now.product.say_hello(self.address).await;
        let (newest, routers) = watch::channel(now.router.clone());
        let (mut retired, mut readings) = (JoinSet::new(), reload::follow(reload));
        let mut lasting = self.begin_lasting(listener, routers);
        let mut ended = loop {
            tokio::select! {
                () = self.stop.cancelled() => break Ok(()),
                Some(part) = now.parts.join_next() => break flat(part),
                Some(part) = lasting.join_next() => break flat(part),
                Some(part) = retired.join_next() => if let Err(e) = flat(part) {
                    tracing::error!(error = format!("{e:#}"), "a part of before the reload broke down");
                },
                Some((asked, loaded)) = readings.recv() => match self.renew(&mut now, asked, loaded).await {
                    Ok(None) => self.reloads.accepted(),
                    Ok(Some(mut new)) => {
                        self.begin(&mut new, None, Some(now.ended.clone()));
                        // Requests that were begun are answered by what they were begun with.
                        let _ = newest.send_replace(new.router.clone());
                        let old = std::mem::replace(&mut now, *new);
                        old.product.stop.cancel();
                        retired.spawn(end(old));
                        self.reloads.accepted();
                    }
                    Err(e) => {
                        self.reloads.refused();
                        reload::tell_refusal(&e);
                    }
                },
            }
        };
        self.stop.cancel();
        ended = ended.and(end(now).await).and(end_all(lasting).await).and(end_all(retired).await);
        tracing::info!("stopped");
        ended
    }

    /// What the new settings come to: `None` when they need no new parts. Errs when they are refused; then the old
    /// parts go on as if nothing had been read.
    async fn renew(
        &self,
        now: &mut Generation,
        asked: bool,
        loaded: Reloaded,
    ) -> anyhow::Result<Option<Box<Generation>>> {
        let loaded = loaded?;
        let old = &now.product.settings;
        let (settings, restart) = reload::in_force(old, loaded.settings);
        let keys = secrets::keyring(&settings.secrets, &settings.server.data_dir, false)?;
        let new_keys = keys.to_lines() != now.product.accounts.keyring.to_lines();
        let changed = reload::changed(old, &settings);
        // Whoever asks for it gets the files anew too that the settings only name.
        let only_kept = !asked && !new_keys && changed.iter().all(|key| reload::is_kept_or_log(key));
        logs::set_levels(&settings.log.level)?;
        let made = self.put_in_force(now, &settings, (!only_kept).then_some(keys)).await;
        if made.is_err() {
            logs::set_levels(&now.product.settings.log.level)?;
            // Lists that were kept before the one that cannot be are as they were.
            if let Err(e) = now.product.keep().await {
                tracing::warn!(error = format!("{e:#}"), "what the old configuration keeps was not written again");
            }
        }
        let new = made?;
        if new.is_none() {
            now.product.settings = settings;
        }
        logs::tell(&loaded.notices);
        if new_keys {
            tracing::info!("the keys of secrets were read anew");
        }
        reload::tell_in_force(&changed, &restart);
        Ok(new)
    }

    /// Writes what is kept, after the parts are made anew when there are keys to make them with.
    async fn put_in_force(
        &self,
        now: &Generation,
        settings: &Settings,
        keys: Option<Keyring>,
    ) -> anyhow::Result<Option<Box<Generation>>> {
        let Some(keys) = keys else {
            now.product.keep_other(settings).await?;
            return Ok(None);
        };
        let product = self.product(settings.clone(), Arc::new(keys))?;
        let new = self.prepare(product, Some(now))?;
        new.product.keep().await?;
        Ok(Some(Box::new(new)))
    }

    fn product(&self, settings: Settings, keyring: Arc<Keyring>) -> anyhow::Result<Product> {
        let dir = settings.server.data_dir.clone();
        let auth = credential::auth(&settings.auth, &dir, self.address, self.engine.store.clone())?;
        // Of its own: the parts register what they count as they are made.
        let registry = SharedRegistry::default();
        {
            let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
            self.engine.metrics.register_in(&mut registry);
            self.reloads.register(&mut registry);
        }
        let parts = (Arc::clone(&self.engine), auth, registry);
        Product::open(settings, self.mode, parts, (keyring, self.scale.clone()), self.stop.child_token())
    }

    /// Makes the parts without starting any. What those of `before` know of upstreams and clients goes over.
    fn prepare(&self, product: Product, before: Option<&Generation>) -> anyhow::Result<Generation> {
        let base_url = &product.settings.market.base_url;
        let same = before.filter(|before| before.product.settings.market.base_url == *base_url);
        let upstreams = product.upstreams(same.and_then(|before| before.upstreams.as_ref()))?;
        let mut limits = product.limits();
        if let Some(before) = before {
            product.accounts.fetcher.go_on_from(&before.product.accounts.fetcher);
            let (new, old) = (&product.settings.server, &before.product.settings.server);
            if new.rate_limit == old.rate_limit && new.trusted_proxies == old.trusted_proxies {
                limits.clone_from(&before.limits);
            }
        }
        let remote = product.remote(&upstreams, before.and_then(|before| before.remote.as_deref()));
        let watches = product.watches(&upstreams, remote.as_ref().filter(|_| self.hand_out))?;
        let board = Leaderboard::new(Arc::clone(&self.engine), product.options.include_shops);
        check_metrics::kept(&board, &product.registry);
        let lasting = (limits.clone(), self.started, self.stop.clone());
        let router = product.router(&upstreams, &watches, board.clone(), lasting);
        let (parts, ended) = (JoinSet::new(), CancellationToken::new());
        Ok(Generation { product, upstreams, watches, remote, board, limits, router, parts, ended })
    }

    /// Starts the parts; the schedule once that of `before` has ended, so that no upstream is asked twice as fast.
    fn begin(&self, new: &mut Generation, prelude: Option<Box<dyn Prelude>>, before: Option<CancellationToken>) {
        let Generation { product, parts, .. } = new;
        let (engine, stop) = (Arc::clone(&self.engine), product.stop.clone());
        parts.spawn(Arc::clone(&product.deliverer).run(stop.clone()).map(Ok));
        parts.spawn(notifying::follow(Arc::clone(&product.deliverer), Arc::clone(&engine), stop.clone()).map(Ok));
        let (accounts, registry) = (product.accounts.clone(), Arc::clone(&product.registry));
        parts.spawn(account_metrics::follow(Arc::clone(&engine), accounts, registry, stop.clone()).map(Ok));
        if let Some((scale, remote)) = self.scale.as_ref().zip(new.remote.as_ref()) {
            scale.record(parts, &engine, remote, &stop);
        }
        parts.spawn(check_metrics::follow(Arc::clone(&engine), &product.registry, stop.clone()).map(Ok));
        parts.spawn(new.board.clone().follow(stop.clone().cancelled_owned()).map(Ok));
        let (watches, ended) = (new.watches.clone(), new.ended.clone().drop_guard());
        parts.spawn(async move {
            let _ended = ended;
            if let Some(before) = before {
                before.cancelled().await;
            }
            schedule(engine, watches, prelude, stop).await
        });
    }

    /// Starts what no setting changes while the process runs.
    fn begin_lasting(&self, listener: TcpListener, routers: watch::Receiver<Router>) -> JoinSet<Ended> {
        let (engine, stop) = (&self.engine, &self.stop);
        let mut parts: JoinSet<Ended> = JoinSet::new();
        parts.spawn(api::serve_newest(listener, routers, stop.clone(), engine.options.drain).map(Ok));
        parts.spawn(notifying::sweep(Arc::clone(engine), stop.clone()).map(Ok));
        let (refreshed, until) = (Arc::clone(engine), stop.clone());
        parts.spawn(async move { ::accounts::keys::follow(&refreshed, until).await }.map(Ok));
        if let Some(scale) = &self.scale {
            scale.join(&mut parts, engine, stop);
        }
        parts
    }
}

impl Product {
    /// How much each client may ask.
    fn limits(&self) -> Option<Arc<Limits>> {
        let counts = self.counts();
        let limits = options::limits(&self.settings.server.rate_limit, &self.trusted())?;
        Some(Arc::new(limits.shared(counts)))
    }
}

fn flat(part: Result<Ended, tokio::task::JoinError>) -> Ended {
    part.context("a part of the process broke down").flatten()
}

/// Waits for what the parts have in hand.
async fn end(old: Generation) -> Ended {
    let ended = end_all(old.parts).await;
    if let Some(Browsing::Ready(browser)) = old.upstreams.map(|upstreams| upstreams.browsing) {
        browser.rest().await;
    }
    ended
}

async fn end_all(mut parts: JoinSet<Ended>) -> Ended {
    let mut ended = Ok(());
    while let Some(part) = parts.join_next().await {
        ended = ended.and(flat(part));
    }
    ended
}
