//! How an upstream has answered of late.

use std::collections::VecDeque;
use std::time::Duration;

/// So many requests tell how long an answer takes.
const KEPT: usize = 256;

/// Requests counted, and how long the last of them took.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    took: VecDeque<Duration>,
    requests: u64,
    errors: u64,
}

impl Recent {
    /// A request ended.
    pub(crate) fn note(&mut self, took: Duration, good: bool) {
        if self.took.len() == KEPT {
            self.took.pop_front();
        }
        self.took.push_back(took);
        self.requests += 1;
        self.errors += u64::from(!good);
    }

    /// As it is shown.
    pub(crate) fn summary(&self) -> Answers {
        let mut sorted: Vec<Duration> = self.took.iter().copied().collect();
        sorted.sort_unstable();
        // Nearest rank: the smallest that so large a part does not exceed.
        let at = |part: f64| sorted.get(((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1)).copied();
        Answers { requests: self.requests, errors: self.errors, median: at(0.5), p95: at(0.95) }
    }
}

/// Requests since this process began, and how long the last 256 took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Requests that ended.
    pub requests: u64,
    /// Those of them that were not answered as they should be.
    pub errors: u64,
    /// Half of the last 256 took no longer; `None` before the first.
    pub median: Option<Duration>,
    /// 95 % of the last 256 took no longer; `None` before the first.
    pub p95: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_known_before_the_first_and_only_the_last_count_for_time() {
        let mut recent = Recent::default();
        assert_eq!(recent.summary(), Answers::default());
        recent.note(Duration::from_millis(9000), false);
        (1..=256).for_each(|ms| recent.note(Duration::from_millis(ms), true));
        let seen = recent.summary();
        assert_eq!((seen.requests, seen.errors), (257, 1));
        assert_eq!((seen.median, seen.p95), (Some(Duration::from_millis(128)), Some(Duration::from_millis(244))));
    }
}
