//! The demo's time: stands still and jumps while history is made, runs from then on.

use model::{Clock, ScaledClock, SteppedClock, Timestamp};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A clock in two lives. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DemoClock(Arc<Lives>);

#[derive(Debug)]
struct Lives {
    history: SteppedClock,
    live: OnceLock<ScaledClock>,
}

impl DemoClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Lives { history: SteppedClock::new(start), live: OnceLock::new() }))
    }

    /// What it shows until it goes live.
    pub fn history(&self) -> &SteppedClock {
        &self.0.history
    }

    /// Runs from now on, `speed` times as fast as the wall; a second call changes nothing.
    pub fn go_live(&self, speed: f64) {
        self.0.live.get_or_init(|| ScaledClock::new(self.0.history.now(), speed));
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        self.0.live.get().map_or_else(|| self.0.history.now(), Clock::now)
    }

    fn real(&self, span: Duration) -> Duration {
        self.0.live.get().map_or(Duration::ZERO, |live| live.real(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_then_runs() {
        let clock = DemoClock::new(Timestamp::from_secs(1_795_000_000));
        clock.history().advance(Duration::from_secs(60));
        assert_eq!(clock.now(), Timestamp::from_secs(1_795_000_060));
        assert_eq!(clock.real(Duration::from_secs(9)), Duration::ZERO);
        clock.go_live(90.0);
        assert!(clock.now() >= Timestamp::from_secs(1_795_000_060));
        assert_eq!(clock.real(Duration::from_secs(9)), Duration::from_millis(100));
    }
}
