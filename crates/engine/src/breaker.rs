//! When an upstream is left alone: a circuit breaker. Pure: the instant is an argument.
//!
//! closed → (3 failures in a row, a block or a Retry-After) → open → (time is up) → one probe → closed | open

use crate::FetchError;
use model::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// How patient a breaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub threshold: u32,
    /// How long it then stays open.
    pub open_for: Duration,
    /// How long it stays open after a block, which one answer is enough to open it for.
    pub blocked_for: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { threshold: 3, open_for: Duration::from_secs(60), blocked_for: Duration::from_secs(15 * 60) }
    }
}

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// One of many.
    Flow,
    /// The one request that finds out whether the upstream is back.
    Probe,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Everything passes.
    Closed,
    /// Nothing passes.
    Open,
    /// A probe is under way.
    Probing,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open { since: Timestamp, wait: Duration },
    Probing { since: Timestamp },
}

/// A circuit breaker of one upstream.
#[derive(Clone, Debug)]
pub struct Breaker {
    policy: BreakerPolicy,
    state: State,
    failures: u32,
}

impl Breaker {
    /// A closed breaker.
    pub const fn new(policy: BreakerPolicy) -> Self {
        Self { policy, state: State::Closed, failures: 0 }
    }

    /// Goes on where another breaker stands, with this one's patience from now on.
    pub(crate) const fn go_on_from(&mut self, other: &Self) {
        (self.state, self.failures) = (other.state, other.failures);
    }

    /// Lets a request through, or says how long to leave the upstream alone.
    pub fn admit(&mut self, now: Timestamp) -> Result<Permit, Duration> {
        let remaining = self.remaining(now);
        match self.state {
            State::Closed => Ok(Permit::Flow),
            _ if !remaining.is_zero() => Err(remaining),
            // A probe whose task was cancelled reports nothing; after its time another one may go.
            State::Open { .. } | State::Probing { .. } => {
                self.state = State::Probing { since: now };
                Ok(Permit::Probe)
            }
        }
    }

    /// The upstream answered as it should, or at least as one that is up (a refusal of our credential).
    pub fn succeeded(&mut self) {
        // A late answer to a request sent before it opened says nothing about now.
        if !matches!(self.state, State::Open { .. }) {
            self.state = State::Closed;
            self.failures = 0;
        }
    }

    /// The upstream failed so. Refusals, answers that were not understood and postponements are not its failures.
    pub fn failed(&mut self, error: &FetchError, now: Timestamp) {
        match error {
            FetchError::Rejected(_) | FetchError::Malformed(_) => self.succeeded(),
            FetchError::Postponed(_) => {}
            FetchError::Blocked(_) => self.count(now, Some(self.policy.blocked_for)),
            FetchError::Limited { retry_after, .. } => self.count(now, *retry_after),
            FetchError::Transient(_) => self.count(now, None),
        }
    }

    /// Closed again, whatever was: the reason to stay away is gone (another exit).
    pub fn reset(&mut self) {
        self.state = State::Closed;
        self.failures = 0;
    }

    /// Failures in a row.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Where it stands; an open one whose time is up counts as open until its probe goes.
    pub const fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::Probing { .. } => BreakerState::Probing,
        }
    }

    /// Until when nothing passes, if it is open.
    pub fn open_until(&self) -> Option<Timestamp> {
        match self.state {
            State::Open { since, wait } => Some(since + wait),
            State::Closed | State::Probing { .. } => None,
        }
    }

    fn count(&mut self, now: Timestamp, at_once: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let wait = match (at_once, self.state) {
            (Some(wait), State::Probing { .. }) => wait.max(self.policy.open_for),
            (Some(wait), _) if self.failures < self.policy.threshold => wait,
            (Some(wait), _) => wait.max(self.policy.open_for),
            (None, State::Probing { .. }) => self.policy.open_for,
            (None, State::Closed) if self.failures >= self.policy.threshold => self.policy.open_for,
            (None, _) => return,
        };
        // A later, shorter word never shortens an earlier, longer one.
        let wait =
            wait.max(if matches!(self.state, State::Open { .. }) { self.remaining(now) } else { Duration::ZERO });
        self.state = State::Open { since: now, wait };
    }

    /// Time left; a clock that was set back starts the span anew instead of adding to it.
    fn remaining(&mut self, now: Timestamp) -> Duration {
        let (since, wait) = match &mut self.state {
            State::Closed => return Duration::ZERO,
            State::Open { since, wait } => (since, *wait),
            State::Probing { since } => (since, self.policy.open_for),
        };
        *since = (*since).min(now);
        wait.saturating_sub(now.since(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_795_000_000 + seconds)
    }

    fn transient() -> FetchError {
        FetchError::Transient("HTTP 502".into())
    }

    fn limited(seconds: Option<u64>) -> FetchError {
        FetchError::Limited { retry_after: seconds.map(Duration::from_secs), message: "HTTP 429".into() }
    }

    fn opened() -> Breaker {
        let mut b = Breaker::new(BreakerPolicy::default());
        (0..3).for_each(|_| b.failed(&transient(), at(0)));
        b
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_one_probe_goes_after_a_minute() {
        let mut b = Breaker::new(BreakerPolicy::default());
        b.failed(&transient(), at(0));
        b.failed(&transient(), at(1));
        b.succeeded();
        b.failed(&transient(), at(2));
        b.failed(&transient(), at(3));
        assert_eq!(b.admit(at(3)), Ok(Permit::Flow));
        b.failed(&transient(), at(4));
        assert_eq!(b.admit(at(5)), Err(Duration::from_secs(59)));
        assert_eq!(b.open_until(), Some(at(64)));
        assert_eq!(b.admit(at(64)), Ok(Permit::Probe));
        assert_eq!(b.admit(at(64)), Err(Duration::from_secs(60)), "one probe at a time");
        b.succeeded();
        assert_eq!(b.admit(at(65)), Ok(Permit::Flow));
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_a_lost_probe_does_not_hold_it_for_good() {
        let mut b = opened();
        assert_eq!(b.admit(at(60)), Ok(Permit::Probe));
        b.failed(&transient(), at(61));
        assert_eq!(b.admit(at(62)), Err(Duration::from_secs(59)));
        assert_eq!(b.admit(at(121)), Ok(Permit::Probe));
        assert_eq!(b.admit(at(181)), Ok(Permit::Probe));
    }

    #[test]
    fn a_block_opens_it_at_once_for_a_quarter_of_an_hour() {
        let mut b = Breaker::new(BreakerPolicy::default());
        b.failed(&FetchError::Blocked("challenge".into()), at(0));
        assert_eq!(b.admit(at(1)), Err(Duration::from_secs(899)));
        b.succeeded();
        assert!(b.admit(at(2)).is_err(), "a late answer does not close it");
        b.failed(&limited(Some(5)), at(3));
        assert_eq!(b.admit(at(4)), Err(Duration::from_secs(896)), "a shorter word does not shorten it");
    }

    #[test]
    fn retry_after_is_kept_to_the_second_and_extends_an_open_breaker() {
        let mut b = Breaker::new(BreakerPolicy::default());
        b.failed(&limited(Some(7_200)), at(0));
        assert_eq!(b.admit(at(7_199)), Err(Duration::from_secs(1)));
        assert_eq!(b.admit(at(7_200)), Ok(Permit::Probe));
        let mut b = opened();
        b.failed(&limited(Some(600)), at(10));
        assert_eq!(b.open_until(), Some(at(610)));
        let mut b = Breaker::new(BreakerPolicy::default());
        b.failed(&limited(None), at(0));
        assert_eq!(b.admit(at(0)), Ok(Permit::Flow), "without a word it is one failure of three");
    }

    #[test]
    fn a_refused_credential_is_not_a_failure_and_ends_a_probe() {
        let mut b = Breaker::new(BreakerPolicy::default());
        (0..9).for_each(|_| b.failed(&FetchError::Rejected("HTTP 401".into()), at(0)));
        assert_eq!(b.admit(at(0)), Ok(Permit::Flow));
        let mut b = opened();
        assert_eq!(b.admit(at(60)), Ok(Permit::Probe));
        b.failed(&FetchError::Rejected("HTTP 401".into()), at(60));
        assert_eq!(b.state(), BreakerState::Closed);
    }

    #[test]
    fn an_absurd_retry_after_and_a_clock_set_back_do_not_break_it() {
        let mut b = Breaker::new(BreakerPolicy::default());
        b.failed(&limited(Some(u64::MAX)), at(0));
        assert!(b.admit(at(1)).is_err());
        assert!(b.open_until().is_some());
        let mut b = opened();
        assert_eq!(b.admit(at(-86_400)), Err(Duration::from_secs(60)));
    }
}
