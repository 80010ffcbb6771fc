//! `/live`, `/ready`, `/health`: whether the process answers, may be sent requests, and is well in each of its parts.

use crate::openapi::{Condition, Reply};
use crate::server::Shared;
use async_trait::async_trait;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use futures::future::join_all;
use model::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How one part is. `detail` is public: no addresses, no inside text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "HealthPart")]
pub struct Part {
    /// Whether it works.
    pub ok: bool,
    /// One line.
    pub detail: String,
}

impl Part {
    /// It works.
    pub fn ok(detail: impl Into<String>) -> Self {
        Self { ok: true, detail: detail.into() }
    }

    /// It does not.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self { ok: false, detail: detail.into() }
    }
}

/// Looks at one part. Watches bring their own.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// Its name in the answer.
    fn name(&self) -> &str;
    /// Whether nothing works without it: then trouble here is 503, else only `degraded`.
    fn vital(&self) -> bool;
    /// Whether no request should be sent while it is in trouble.
    fn needed(&self) -> bool {
        false
    }
    /// Looks.
    async fn look(&self) -> Part;
}

/// A probe that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The state of everything.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `ok`; `degraded` (something that is not vital is in trouble); `down`.
    status: &'static str,
    time: Timestamp,
    version: String,
    mode: &'static str,
    parts: BTreeMap<String, Part>,
}

impl Health {
    pub(crate) async fn look(shared: &Shared) -> Self {
        let looks = shared.probes.iter().map(|probe| async move {
            let part = tokio::time::timeout(PATIENCE, probe.look()).await;
            let part = part.unwrap_or_else(|_| Part::bad(format!("no answer within {} s", PATIENCE.as_secs())));
            (probe.name().to_owned(), probe.vital(), part)
        });
        let seen = join_all(looks).await;
        let status = match seen.iter().filter(|(_, _, part)| !part.ok).map(|(_, vital, _)| *vital).max() {
            None => "ok",
            Some(false) => "degraded",
            Some(true) => "down",
        };
        Self {
            status,
            time: shared.engine.clock.now(),
            version: shared.options.version.clone(),
            mode: shared.options.mode.as_str(),
            parts: seen.into_iter().map(|(name, _, part)| (name, part)).collect(),
        }
    }

    fn code(&self) -> StatusCode {
        if self.status == "down" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    }
}

/// The process answers.
pub(crate) async fn live() -> Json<Live> {
    Json(Live { status: "alive" })
}

/// The process answers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Live {
    status: &'static str,
}

/// Whether requests may be sent, and why not.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Ready {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Requests may be sent: store reachable, migrations done, not about to stop.
pub(crate) async fn ready(State(shared): State<Shared>) -> Reply<Condition<Ready>> {
    match unready(&shared).await {
        None => Reply::of(Json(Ready { status: "ready", reason: None })),
        why => Reply::of((StatusCode::SERVICE_UNAVAILABLE, Json(Ready { status: "not ready", reason: why }))),
    }
}

async fn unready(shared: &Shared) -> Option<&'static str> {
    if shared.stop.is_cancelled() {
        return Some("stopping");
    }
    for probe in shared.probes.iter().filter(|probe| probe.needed()) {
        if !tokio::time::timeout(PATIENCE, probe.look()).await.is_ok_and(|part| part.ok) {
            return Some("Redis not reachable");
        }
    }
    let store = &shared.engine.store;
    if shared.migrated.load(Ordering::Relaxed) {
        // What was applied stays applied; from then on only the store itself is asked.
        let alive = tokio::time::timeout(PATIENCE, store::get_meta(store, "ready")).await;
        return (!matches!(alive, Ok(Ok(_)))).then_some("store not reachable");
    }
    match tokio::time::timeout(PATIENCE, store::pending(store, &shared.options.migrations)).await {
        Ok(Ok(names)) if names.is_empty() => {
            shared.migrated.store(true, Ordering::Relaxed);
            None
        }
        Ok(Ok(_)) => Some("migrations are pending"),
        _ => Some("store not reachable"),
    }
}

/// The state of each part.
pub(crate) async fn health(State(shared): State<Shared>) -> Reply<Condition<Health>> {
    let health = Health::look(&shared).await;
    Reply::of((health.code(), Json(health)))
}
