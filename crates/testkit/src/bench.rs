//! Wall time of a stretch of work.

use std::time::{Duration, Instant};

/// Counts from when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// `n` a second since the start.
    pub fn rate(&self, n: u64) -> f64 {
        n as f64 / self.0.elapsed().as_secs_f64().max(1e-9)
    }
}
