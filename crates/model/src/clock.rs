//! The one door to the time of day. Everything else takes an instant as an argument.

use crate::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Says what time it is, and how long a span of that time lasts on the wall.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// The real time that passes while this clock advances by `span`.
    fn real(&self, span: Duration) -> Duration;
}

/// A clock handed around.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the clock is where the ambient time is read")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn real(&self, span: Duration) -> Duration {
        span
    }
}

/// Starts at an instant and runs `speed` times as fast as the wall: the demo's and the simulator's clock.
#[derive(Clone, Debug)]
pub struct ScaledClock {
    start: Timestamp,
    origin: Instant,
    speed: f64,
}

impl ScaledClock {
    /// A clock that shows `start` now. `speed` below 0.001 is taken as 0.001.
    pub fn new(start: Timestamp, speed: f64) -> Self {
        Self { start, origin: Instant::now(), speed: speed.max(0.001) }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.origin.elapsed().as_secs_f64() * 1000.0 * self.speed;
        self.start.plus(elapsed as i64)
    }

    fn real(&self, span: Duration) -> Duration {
        span.div_f64(self.speed)
    }
}

/// Stands still until it is moved: the clock of tests and of simulated weeks. Waiting on it takes no time.
#[derive(Clone, Debug, Default)]
pub struct SteppedClock(Arc<AtomicI64>);

impl SteppedClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.0)))
    }

    /// Shows `t` from now on; earlier instants are allowed, for tests of clocks that jump.
    pub fn set(&self, t: Timestamp) {
        self.0.store(t.0, Ordering::SeqCst);
    }

    /// Moves forward by `span`.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn real(&self, _span: Duration) -> Duration {
        Duration::ZERO
    }
}
