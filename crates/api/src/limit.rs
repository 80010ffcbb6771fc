//! How much one client may ask: the generic cell rate algorithm (GCRA, ITU-T I.371) with one instant per client.

use crate::client::bucket;
use crate::{ApiError, TrustedProxies};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use model::SharedClock;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

const MINUTE_NANOS: i64 = 60_000_000_000;
/// Clients remembered; beyond that newcomers share one allowance until others are forgotten.
const CLIENTS: usize = 50_000;
const CROWD: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

/// An allowance of requests per minute and client, all of it to be had at once after a pause.
pub struct Limiter {
    limit: u32,
    trusted: TrustedProxies,
    clock: SharedClock,
    state: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    /// When a client's allowance is whole again, in nanoseconds since the epoch.
    whole_at: HashMap<IpAddr, i64>,
    /// When those whose allowance is whole were last forgotten.
    swept_at: i64,
}

/// What is left of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allowance {
    remaining: u32,
    /// Seconds until it is whole.
    reset: u64,
    /// Seconds until the next request is let through, when this one is not.
    retry_after: Option<u64>,
}

impl Limiter {
    /// `limit` requests a minute (at least 1) by the clock's time, which should be the machine's.
    pub fn per_minute(limit: u32, trusted: TrustedProxies, clock: SharedClock) -> Self {
        Self { limit: limit.max(1), trusted, clock, state: Mutex::default() }
    }

    fn ask(&self, client: IpAddr) -> Allowance {
        let now = self.clock.now().millis().saturating_mul(1_000_000);
        let step = MINUTE_NANOS / i64::from(self.limit);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let client = state.place(bucket(client), now);
        let entry = state.whole_at.entry(client).or_insert(now);
        // A clock that was set back must not lock anybody out for longer than a minute.
        let whole_at = (*entry).clamp(now, now + MINUTE_NANOS);
        let next = whole_at + step;
        let over = next - now - MINUTE_NANOS;
        if over > 0 {
            *entry = whole_at;
            return Allowance { remaining: 0, reset: seconds(whole_at - now), retry_after: Some(seconds(over)) };
        }
        *entry = next;
        let remaining = u32::try_from(-over / step).unwrap_or(0);
        Allowance { remaining, reset: seconds(next - now), retry_after: None }
    }
}

impl Clients {
    fn place(&mut self, client: IpAddr, now: i64) -> IpAddr {
        if self.whole_at.len() < CLIENTS || self.whole_at.contains_key(&client) {
            return client;
        }
        // Once a second at most: a flood of addresses must not make every request walk the table.
        if now.saturating_sub(self.swept_at) >= 1_000_000_000 {
            self.whole_at.retain(|_, whole_at| *whole_at > now);
            self.swept_at = now;
        }
        if self.whole_at.len() < CLIENTS { client } else { CROWD }
    }
}

/// Nanoseconds as seconds, rounded up, at least 1.
fn seconds(nanos: i64) -> u64 {
    u64::try_from(nanos).unwrap_or(0).div_ceil(1_000_000_000).max(1)
}

/// Puts the routes under the limit; `None` leaves them without.
pub fn limited(routes: Router, limiter: Option<Arc<Limiter>>) -> Router {
    match limiter {
        Some(limiter) => routes.route_layer(from_fn_with_state(limiter, limit)),
        None => routes,
    }
}

async fn limit(State(limiter): State<Arc<Limiter>>, request: Request, next: Next) -> Response {
    let allowance = limiter.ask(limiter.trusted.client(request.extensions(), request.headers()));
    let mut response = match allowance.retry_after {
        Some(seconds) => ApiError::too_many(seconds).into_response(),
        None => next.run(request).await,
    };
    tell(response.headers_mut(), limiter.limit, allowance);
    response
}

fn tell(headers: &mut HeaderMap, limit: u32, allowance: Allowance) {
    let mut set = |name, value: u64| headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    set("ratelimit-limit", u64::from(limit));
    set("ratelimit-remaining", u64::from(allowance.remaining));
    set("ratelimit-reset", allowance.reset);
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{SteppedClock, Timestamp};
    use std::time::Duration;

    fn limiter(limit: u32) -> (Limiter, SteppedClock) {
        let clock = SteppedClock::new(Timestamp::from_secs(1_795_000_000));
        (Limiter::per_minute(limit, TrustedProxies::default(), Arc::new(clock.clone())), clock)
    }

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(n))
    }

    #[test]
    fn an_allowance_is_used_up_and_comes_back_bit_by_bit() {
        let (limiter, clock) = limiter(600);
        let (a, b) = (address(1), address(2));
        assert_eq!(limiter.ask(a), Allowance { remaining: 599, reset: 1, retry_after: None });
        assert!((1..600).all(|_| limiter.ask(a).retry_after.is_none()));
        assert_eq!(limiter.ask(a), Allowance { remaining: 0, reset: 60, retry_after: Some(1) });
        assert_eq!(limiter.ask(b).remaining, 599);
        clock.advance(Duration::from_millis(100));
        assert_eq!(limiter.ask(a).retry_after, None);
        assert_eq!(limiter.ask(a).retry_after, Some(1));
        clock.advance(Duration::from_secs(60));
        assert_eq!(limiter.ask(a).remaining, 599);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let (limiter, clock) = limiter(2);
        clock.advance(Duration::from_secs(86_400));
        assert!(limiter.ask(address(1)).retry_after.is_none());
        clock.set(Timestamp::from_secs(1_795_000_000));
        assert!(limiter.ask(address(1)).retry_after.unwrap() <= 60);
        clock.advance(Duration::from_secs(60));
        assert!(limiter.ask(address(1)).retry_after.is_none());
    }

    #[test]
    fn memory_is_bounded_and_the_crowd_shares() {
        let (limiter, clock) = limiter(60);
        for n in 0..CLIENTS as u32 + 500 {
            limiter.ask(address(n));
        }
        assert_eq!(limiter.state.lock().unwrap().whole_at.len(), CLIENTS + 1);
        assert!(limiter.ask(address(900_000)).retry_after.is_some());
        clock.advance(Duration::from_secs(120));
        assert_eq!(limiter.ask(address(900_000)).remaining, 59);
        assert_eq!(limiter.state.lock().unwrap().whole_at.len(), 1);
    }

    #[test]
    fn one_ipv6_network_is_one_client() {
        let (limiter, _) = limiter(60);
        let of = |text: &str| limiter.ask(text.parse().unwrap()).remaining;
        assert_eq!([of("2001:db8::1"), of("2001:db8::2"), of("2001:db8:0:1::1")], [59, 58, 59]);
    }
}
