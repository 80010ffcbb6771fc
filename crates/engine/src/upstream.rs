//! One place the product asks: its pace, its breaker, and what they look like from outside.

use crate::FetchError;
use crate::breaker::{Breaker, BreakerPolicy, BreakerState, Permit};
use crate::pace::Pace;
use crate::recent::{Answers, Recent};
use crate::shared_pace::{Asked, SharedPace, Turn};
use model::{SharedClock, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How an upstream is to be treated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpstreamPolicy {
    /// Requests per second, by all tasks of this process together.
    pub rate: f64,
    /// Requests at once after a pause.
    pub burst: u32,
    /// A request that would have to wait longer for its turn is postponed instead.
    pub max_wait: Duration,
    /// When it is left alone.
    pub breaker: BreakerPolicy,
}

impl Default for UpstreamPolicy {
    fn default() -> Self {
        Self { rate: 3.0, burst: 5, max_wait: Duration::from_secs(120), breaker: BreakerPolicy::default() }
    }
}

/// An upstream as the status page and the metrics show it.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamSnapshot {
    /// Its name, as in metrics.
    pub name: String,
    /// Where the breaker stands.
    pub state: BreakerState,
    /// Requests per second at present.
    pub rate: f64,
    /// Failures in a row.
    pub failures: u32,
    /// Until when it is left alone.
    pub open_until: Option<Timestamp>,
    /// How it has answered.
    pub answers: Answers,
}

/// The door to one upstream: every request asks [`Upstream::admit`] first and reports its outcome.
pub struct Upstream {
    name: String,
    clock: SharedClock,
    max_wait: Duration,
    /// Where all processes take their turns, if there are several.
    shared: Option<Arc<dyn SharedPace>>,
    // One lock for pace and breaker: they are asked together, and never across an await.
    state: Mutex<State>,
}

struct State {
    pace: Pace,
    breaker: Breaker,
    jitter: Jitter,
    recent: Recent,
}

impl Upstream {
    /// An upstream nobody has asked yet; `seed` decides its jitter.
    pub fn new(name: impl Into<String>, policy: UpstreamPolicy, clock: SharedClock, seed: u64) -> Self {
        let state = State {
            pace: Pace::new(policy.rate, policy.burst),
            breaker: Breaker::new(policy.breaker),
            jitter: Jitter::new(seed),
            recent: Recent::default(),
        };
        Self { name: name.into(), clock, max_wait: policy.max_wait, shared: None, state: Mutex::new(state) }
    }

    /// The same, taking its turns among those of all processes.
    #[must_use]
    pub fn sharing(self, shared: Option<Arc<dyn SharedPace>>) -> Self {
        Self { shared, ..self }
    }

    /// Goes on where another door to the same upstream stands: who was to be left alone still is, with whatever policy.
    pub fn go_on_from(&self, other: &Self) {
        let (pace, breaker) = {
            let theirs = other.lock();
            (theirs.pace.clone(), theirs.breaker.clone())
        };
        let mut state = self.lock();
        state.pace.go_on_from(&pace);
        state.breaker.go_on_from(&breaker);
    }

    /// Its name, as in metrics.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for this request's turn. `Postponed` when the breaker is open or the turn is too far away; then no slot
    /// was taken.
    pub async fn admit(&self) -> Result<(), FetchError> {
        let turn = match &self.shared {
            Some(shared) => self.reserve_among_all(shared.as_ref()).await,
            None => self.reserve().map(|(permit, wait)| (permit, self.clock.real(wait))),
        };
        let (permit, wait) = turn.map_err(FetchError::Postponed)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        match permit {
            Permit::Probe => Ok(()),
            Permit::Flow => self.still_open_to_all(),
        }
    }

    /// The request was answered as it should be.
    pub fn succeeded(&self) {
        let mut state = self.lock();
        state.pace.recover();
        state.breaker.succeeded();
    }

    /// The request failed so; slows down and opens the breaker where the error says the upstream is in trouble.
    pub fn failed(&self, error: &FetchError) {
        let now = self.clock.now();
        let mut state = self.lock();
        if matches!(error, FetchError::Transient(_) | FetchError::Limited { .. } | FetchError::Blocked(_)) {
            state.pace.penalise(now);
        }
        state.breaker.failed(error, now);
        let asked_to_wait = matches!(error, FetchError::Limited { retry_after: Some(_), .. } | FetchError::Blocked(_));
        let until = state.breaker.open_until().filter(|_| asked_to_wait);
        drop(state);
        if let Some((until, shared)) = until.zip(self.shared.clone()) {
            let (name, wait) = (self.name.clone(), self.clock.real(until.since(now)));
            tokio::spawn(async move { shared.hold_off(&name, wait).await });
        }
    }

    /// It is up and answered, but refuses requests made in this way; another way is at hand. Slows down for all ways,
    /// and leaves the breaker as after an answer: who has no other way reports [`Upstream::failed`].
    pub fn turned_away(&self) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.pace.penalise(now);
        state.breaker.succeeded();
    }

    /// A request ended after so long, real time; `good` when it was answered as it should be. For the status page only.
    pub fn took(&self, elapsed: Duration, good: bool) {
        self.lock().recent.note(elapsed, good);
    }

    /// Forgets every failure: the product now asks from another address.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.pace.reset();
        state.breaker.reset();
    }

    /// Its state at this instant.
    pub fn snapshot(&self) -> UpstreamSnapshot {
        let state = self.lock();
        UpstreamSnapshot {
            name: self.name.clone(),
            state: state.breaker.state(),
            rate: state.pace.rate(),
            failures: state.breaker.failures(),
            open_until: state.breaker.open_until(),
            answers: state.recent.summary(),
        }
    }

    /// The same among all processes, in real time; by this process's own pace while they cannot be asked.
    async fn reserve_among_all(&self, shared: &dyn SharedPace) -> Result<(Permit, Duration), Duration> {
        let asked = {
            let now = self.clock.now();
            let mut state = self.lock();
            if let Some(until) = state.breaker.open_until().filter(|until| *until > now) {
                return Err(until.since(now));
            }
            let spacing = self.clock.real(state.pace.spacing());
            let jitter = spacing.mul_f64(state.jitter.next() * crate::pace::JITTER);
            Asked { interval: spacing, burst: state.pace.burst(), jitter, max_wait: self.clock.real(self.max_wait) }
        };
        match shared.reserve(&self.name, asked).await {
            Some(Turn::In(wait)) => Ok((self.lock().breaker.admit(self.clock.now())?, wait)),
            Some(Turn::TooFar(wait)) => Err(self.by_the_clock(wait)),
            None => self.reserve().map(|(permit, wait)| (permit, self.clock.real(wait))),
        }
    }

    /// A span of real time as the clock counts it.
    fn by_the_clock(&self, real: Duration) -> Duration {
        let second = self.clock.real(Duration::from_secs(1)).as_secs_f64();
        if second > 0.0 { real.div_f64(second) } else { real }
    }

    fn reserve(&self) -> Result<(Permit, Duration), Duration> {
        let now = self.clock.now();
        let mut state = self.lock();
        let wait = state.pace.wait(now);
        // The pace is looked at first: a probe must not be given to a request that then does not go.
        let too_long = wait > self.max_wait && state.breaker.state() == BreakerState::Closed;
        if too_long {
            return Err(wait);
        }
        let permit = state.breaker.admit(now)?;
        let jitter = state.jitter.next();
        let wait = state.pace.reserve(now, jitter);
        // A probe that waited longer would be given up for lost.
        Ok((permit, if permit == Permit::Probe { wait.min(self.max_wait) } else { wait }))
    }

    /// The breaker may have opened while this request waited for its turn.
    fn still_open_to_all(&self) -> Result<(), FetchError> {
        let state = self.lock();
        if state.breaker.state() == BreakerState::Closed {
            return Ok(());
        }
        let now = self.clock.now();
        let left = state.breaker.open_until().map_or(Duration::ZERO, |until| until.since(now));
        Err(FetchError::Postponed(left.max(Duration::from_secs(1))))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete in itself, so a poisoned one is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time before try `attempt` (0 = the first again): `base` × 2^attempt, at most `cap`, of which `jitter` in 0..1
/// takes away up to half, so that those who failed together do not come back together.
pub fn backoff(attempt: u32, base: Duration, cap: Duration, jitter: f64) -> Duration {
    let factor = 2u32.saturating_pow(attempt.min(31));
    base.saturating_mul(factor).min(cap).mul_f64(1.0 - 0.5 * jitter.clamp(0.0, 1.0))
}

/// A stream of numbers in 0..1 from a seed (SplitMix64, Steele, Lea and Flood 2014): good enough to spread requests.
#[derive(Clone, Debug)]
pub struct Jitter(u64);

impl Jitter {
    /// The stream of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, 0 ≤ n < 1.
    #[expect(clippy::should_implement_trait, reason = "it never ends; an iterator would promise too much")]
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SteppedClock;
    use std::sync::Arc;

    fn upstream(policy: UpstreamPolicy) -> (Upstream, SteppedClock) {
        let clock = SteppedClock::new(Timestamp::from_secs(1_795_000_000));
        (Upstream::new("market", policy, Arc::new(clock.clone()), 7), clock)
    }

    #[tokio::test]
    async fn a_new_door_goes_on_where_the_old_one_stands() {
        let (old, clock) = upstream(UpstreamPolicy::default());
        for _ in 0..3 {
            old.admit().await.unwrap();
            old.failed(&FetchError::Transient("HTTP 503".into()));
        }
        let slower = UpstreamPolicy { rate: 0.5, ..UpstreamPolicy::default() };
        let new = Upstream::new("market", slower, Arc::new(clock), 7);
        new.go_on_from(&old);
        let (new, old) = (new, old.snapshot());
        assert_eq!((new.snapshot().open_until, new.snapshot().failures), (old.open_until, 3));
        assert_eq!(new.admit().await, Err(FetchError::Postponed(Duration::from_secs(60))));
        assert!((new.snapshot().rate - 0.5).abs() < 1e-9, "the new policy's own rate");
    }

    #[tokio::test]
    async fn a_breaker_that_opened_postpones_and_the_probe_closes_it() {
        let (up, clock) = upstream(UpstreamPolicy::default());
        for _ in 0..3 {
            up.admit().await.unwrap();
            up.failed(&FetchError::Transient("HTTP 500".into()));
        }
        assert_eq!(up.admit().await, Err(FetchError::Postponed(Duration::from_secs(60))));
        let seen = up.snapshot();
        assert_eq!((seen.state, seen.failures), (BreakerState::Open, 3));
        assert!((seen.rate - 3.0 * 0.343).abs() < 1e-9);
        clock.advance(Duration::from_secs(60));
        up.admit().await.unwrap();
        assert!(up.admit().await.is_err(), "one probe");
        up.succeeded();
        assert_eq!(up.snapshot().state, BreakerState::Closed);
        up.admit().await.unwrap();
    }

    #[tokio::test]
    async fn a_turn_too_far_away_is_postponed_and_takes_no_slot() {
        let policy = UpstreamPolicy { rate: 1.0, burst: 1, max_wait: Duration::from_secs(2), ..Default::default() };
        let (up, clock) = upstream(policy);
        let mut went = 0;
        while up.admit().await.is_ok() {
            went += 1;
            assert!(went < 10);
        }
        let Err(FetchError::Postponed(first)) = up.admit().await else { panic!("admitted") };
        let Err(FetchError::Postponed(second)) = up.admit().await else { panic!("admitted") };
        assert_eq!(first, second);
        clock.advance(first);
        up.admit().await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_waited_while_the_breaker_opened_does_not_go() {
        let (up, _) = upstream(UpstreamPolicy::default());
        let (permit, _) = up.reserve().unwrap();
        assert_eq!(permit, Permit::Flow);
        up.failed(&FetchError::Blocked("challenge".into()));
        assert_eq!(up.still_open_to_all(), Err(FetchError::Postponed(Duration::from_secs(900))));
        up.forget();
        assert_eq!(up.still_open_to_all(), Ok(()));
    }

    #[test]
    fn back_off_doubles_up_to_its_cap_and_never_goes_below_half() {
        let (base, cap) = (Duration::from_secs(1), Duration::from_secs(30));
        let at = |attempt, jitter| backoff(attempt, base, cap, jitter).as_millis();
        assert_eq!(
            [at(0, 0.0), at(1, 0.0), at(4, 0.0), at(5, 0.0), at(u32::MAX, 0.0)],
            [1000, 2000, 16000, 30000, 30000]
        );
        assert_eq!(at(2, 1.0), 2000);
        assert_eq!(backoff(40, Duration::MAX, cap, 0.0), cap);
    }

    #[test]
    fn jitter_fills_the_unit_interval() {
        let mut j = Jitter::new(0);
        let drawn: Vec<f64> = (0..10_000).map(|_| j.next()).collect();
        assert!(drawn.iter().all(|n| (0.0..1.0).contains(n)));
        let mean = drawn.iter().sum::<f64>() / 10_000.0;
        assert!((0.48..0.52).contains(&mean), "{mean}");
    }
}
