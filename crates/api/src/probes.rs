//! The parts that every installation has.

use crate::{Part, Probe};
use async_trait::async_trait;
use engine::Engine;
use engine::breaker::BreakerState;
use engine::upstream::Upstream;
use model::WatchKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The database answers.
pub struct StoreProbe(pub Arc<Engine>);

#[async_trait]
impl Probe for StoreProbe {
    fn name(&self) -> &str {
        "store"
    }

    fn vital(&self) -> bool {
        true
    }

    async fn look(&self) -> Part {
        let begun = Instant::now();
        let dialect = format!("{:?}", self.0.store.dialect()).to_lowercase();
        match store::get_meta(&self.0.store, "health").await {
            Ok(_) => Part::ok(format!("{dialect} answered in {:.1} ms", begun.elapsed().as_secs_f64() * 1e3)),
            Err(e) => {
                tracing::warn!(error = %e, "the store did not answer the health check");
                Part::bad(format!("{dialect} does not answer"))
            }
        }
    }
}

/// What is due gets claimed.
pub struct SchedulerProbe {
    engine: Arc<Engine>,
    kinds: Vec<WatchKind>,
}

/// A target that has been claimable for longer (on the wall) says that nobody claims.
const LATE: Duration = Duration::from_secs(600);

impl SchedulerProbe {
    /// Looks at the schedule of these watches.
    pub const fn new(engine: Arc<Engine>, kinds: Vec<WatchKind>) -> Self {
        Self { engine, kinds }
    }
}

#[async_trait]
impl Probe for SchedulerProbe {
    fn name(&self) -> &str {
        "scheduler"
    }

    fn vital(&self) -> bool {
        false
    }

    async fn look(&self) -> Part {
        let Ok(next) = store::earliest_claimable(&self.engine.store, &self.kinds).await else {
            return Part::bad("the schedule cannot be read");
        };
        let now = self.engine.clock.now();
        match next {
            None => Part::ok("nothing is scheduled"),
            Some(next) if self.engine.clock.real(now.since(next)) > LATE => {
                Part::bad(format!("behind: the next target has been due since {next}"))
            }
            Some(next) => Part::ok(format!("next due {next}")),
        }
    }
}

/// An upstream is not shut off by its breaker.
pub struct UpstreamProbe {
    name: String,
    upstream: Arc<Upstream>,
}

impl UpstreamProbe {
    /// Looks at the breaker and the pace of `upstream`.
    pub fn new(upstream: Arc<Upstream>) -> Self {
        Self { name: format!("upstream:{}", upstream.name()), upstream }
    }
}

#[async_trait]
impl Probe for UpstreamProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn vital(&self) -> bool {
        false
    }

    async fn look(&self) -> Part {
        let seen = self.upstream.snapshot();
        match (seen.state, seen.open_until) {
            (BreakerState::Closed, _) => Part::ok(format!("{:.2} requests/s", seen.rate)),
            (_, Some(until)) => Part::bad(format!("left alone until {until} after {} failures", seen.failures)),
            (_, None) => Part::bad(format!("being tried again after {} failures", seen.failures)),
        }
    }
}
