//! How fast an upstream may be asked: an adaptive GCRA. Pure: the instant and the jitter are arguments.

use model::Timestamp;
use std::time::Duration;

const MICROS: f64 = 1_000_000.0;
/// The rate never falls below this part of the configured one, or a bad hour would stop the product for good.
const FLOOR: f64 = 1.0 / 30.0;
/// Largest part of an interval that jitter adds to a request.
pub(crate) const JITTER: f64 = 0.5;

/// A rate limit that slows down when the upstream complains and comes back slowly.
///
/// Never lets more than `burst + rate × t` requests go in any span `t`, whatever the jitter: a jittered request takes
/// its later instant, not the earlier one, out of the budget.
#[derive(Clone, Debug)]
pub struct Pace {
    configured: f64,
    rate: f64,
    burst: u32,
    /// The theoretical arrival time of GCRA, in microseconds since the epoch.
    arrival: i64,
    /// The latest instant seen, to notice a clock that was set back.
    seen: i64,
}

impl Pace {
    /// `rate` requests per second (at least one per hour), `burst` (at least 1) at once.
    pub fn new(rate: f64, burst: u32) -> Self {
        let rate = if rate.is_finite() { rate.clamp(1.0 / 3600.0, 1e6) } else { 1.0 };
        Self { configured: rate, rate, burst: burst.max(1), arrival: i64::MIN / 4, seen: i64::MIN / 4 }
    }

    /// Goes on where another pace stands: after its last request, and as slowly if it was to be as fast as this.
    pub(crate) fn go_on_from(&mut self, other: &Self) {
        (self.arrival, self.seen) = (other.arrival, other.seen);
        if self.configured.to_bits() == other.configured.to_bits() {
            self.rate = other.rate;
        }
    }

    /// Requests per second at present.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// Between two requests at present.
    pub fn spacing(&self) -> Duration {
        micros(self.interval())
    }

    /// Requests at once after a pause.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// How long a request that comes now has to wait, without taking the slot.
    pub fn wait(&mut self, now: Timestamp) -> Duration {
        let now = self.look(now);
        micros(self.earliest(now).saturating_sub(now))
    }

    /// Takes the next slot and says how long to wait for it; `jitter` in 0..1 adds up to half an interval.
    pub fn reserve(&mut self, now: Timestamp, jitter: f64) -> Duration {
        let now = self.look(now);
        let extra = (jitter.clamp(0.0, 1.0) * JITTER * self.interval() as f64) as i64;
        let goes = self.earliest(now).saturating_add(extra);
        self.arrival = self.arrival.max(goes).saturating_add(self.interval());
        micros(goes - now)
    }

    /// The upstream complained (429, 5xx): 30 % slower from now on.
    pub fn penalise(&mut self, now: Timestamp) {
        let now = self.look(now);
        let before = self.interval();
        self.rate = (self.rate * 0.7).max(self.configured * FLOOR);
        // The slots in use stay in use: without this a longer interval would free some of the burst.
        let debt = self.arrival.saturating_sub(now);
        if debt > 0 {
            let scaled = debt as f64 * (self.interval() as f64 / before as f64);
            self.arrival = now.saturating_add(scaled.ceil() as i64);
        }
    }

    /// The upstream answered: 5 % of the configured rate faster, up to all of it.
    pub fn recover(&mut self) {
        self.rate = (self.rate + self.configured * 0.05).min(self.configured);
    }

    /// Back to the configured rate: the reason to be slow is gone (another exit).
    pub fn reset(&mut self) {
        self.rate = self.configured;
    }

    /// Microseconds between two requests, rounded up so that the rate is never exceeded.
    fn interval(&self) -> i64 {
        (MICROS / self.rate).ceil() as i64
    }

    fn earliest(&self, now: i64) -> i64 {
        let slack = self.interval().saturating_mul(i64::from(self.burst) - 1);
        now.max(self.arrival.saturating_sub(slack))
    }

    /// A clock that was set back takes the budget with it, or every request would wait for the old time to return.
    fn look(&mut self, now: Timestamp) -> i64 {
        let now = now.millis().saturating_mul(1_000);
        if now < self.seen {
            self.arrival = self.arrival.saturating_sub(self.seen - now);
        }
        self.seen = now;
        now
    }
}

fn micros(n: i64) -> Duration {
    Duration::from_micros(u64::try_from(n).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp(1_795_000_000_000);

    #[test]
    fn a_burst_goes_at_once_and_the_rest_in_step() {
        let mut pace = Pace::new(2.0, 3);
        let waits: Vec<_> = (0..5).map(|_| pace.reserve(START, 0.0).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 500, 1000]);
        assert_eq!(pace.wait(START).as_millis(), 1500);
        assert_eq!(pace.wait(START).as_millis(), 1500, "looking takes no slot");
    }

    #[test]
    fn complaints_slow_it_down_and_answers_bring_it_back() {
        let mut pace = Pace::new(10.0, 1);
        pace.penalise(START);
        assert!((pace.rate() - 7.0).abs() < 1e-9);
        pace.recover();
        assert!((pace.rate() - 7.5).abs() < 1e-9);
        (0..20).for_each(|_| pace.recover());
        assert!((pace.rate() - 10.0).abs() < 1e-9);
        (0..100).for_each(|_| pace.penalise(START));
        assert!(pace.rate() > 0.3);
    }

    #[test]
    fn a_penalty_frees_no_slot() {
        let mut pace = Pace::new(3.0, 5);
        for _ in 0..5 {
            pace.reserve(START, 0.0);
        }
        pace.penalise(START);
        assert!(pace.wait(START) >= Duration::from_millis(470));
    }

    #[test]
    fn a_clock_set_back_by_a_day_does_not_stop_it() {
        let mut pace = Pace::new(1.0, 1);
        pace.reserve(START, 0.0);
        assert!(pace.reserve(START.plus(-86_400_000), 0.0) <= Duration::from_secs(1));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Ask { gap_ms: i64, jitter: f64 },
        Penalise,
        Recover,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..2_000i64, 0.0..1.0f64).prop_map(|(gap_ms, jitter)| Step::Ask { gap_ms, jitter }),
            4 => (0.0..1.0f64).prop_map(|jitter| Step::Ask { gap_ms: 0, jitter }),
            1 => Just(Step::Penalise),
            1 => Just(Step::Recover),
        ]
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_burst_plus_rate_times_its_length(
            rate in 0.2..20.0f64, burst in 1..8u32, steps in prop::collection::vec(step(), 1..120),
        ) {
            let mut pace = Pace::new(rate, burst);
            let (mut now, mut went) = (START, Vec::new());
            for s in steps {
                match s {
                    Step::Ask { gap_ms, jitter } => {
                        now = now.plus(gap_ms);
                        went.push(now.millis() * 1_000 + pace.reserve(now, jitter).as_micros() as i64);
                    }
                    Step::Penalise => pace.penalise(now),
                    Step::Recover => pace.recover(),
                }
            }
            went.sort_unstable();
            for (i, from) in went.iter().enumerate() {
                for (n, to) in went[i..].iter().enumerate() {
                    let most = f64::from(burst) + rate * (to - from) as f64 / MICROS;
                    prop_assert!((n + 1) as f64 <= most + 1e-6, "{} in {} µs, at most {most}", n + 1, to - from);
                }
            }
        }

        #[test]
        fn a_request_never_waits_longer_than_the_queue_before_it(rate in 0.5..20.0f64, n in 1..60u32, jitter in 0.0..1.0f64) {
            let mut pace = Pace::new(rate, 4);
            for _ in 0..n {
                pace.reserve(START, jitter);
            }
            prop_assert!(pace.wait(START).as_secs_f64() <= f64::from(n + 1) * 1.01 / rate);
        }
    }
}
