//! How much one client may ask: the generic cell rate algorithm (GCRA, ITU-T I.371) with one instant per client.

use crate::access::{Caller, Terms, Way, Who};
use crate::client::bucket;
use crate::shared_counts::{Counted, SharedCounts};
use crate::{ApiError, TrustedProxies};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use model::SharedClock;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SECOND_NANOS: i64 = 1_000_000_000;
/// Clients remembered; beyond that newcomers share one allowance until others are forgotten.
const CLIENTS: usize = 50_000;

/// Who has an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// An address, as [`crate::client::bucket`] sees it.
    Address(IpAddr),
    /// A credential.
    Named(&'static str),
    /// All for whom there is no room.
    Crowd,
}

/// An allowance of requests per client and span of time, all of it to be had at once after a pause.
pub(crate) struct Limiter {
    name: &'static str,
    limit: u32,
    span: i64,
    clock: SharedClock,
    state: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    /// When a client's allowance is whole again, in nanoseconds since the epoch.
    whole_at: HashMap<Client, i64>,
    /// When those whose allowance is whole were last forgotten.
    swept_at: i64,
}

/// What is left of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    limit: u32,
    remaining: u32,
    /// Seconds until it is whole.
    reset: u64,
    /// Seconds until the next request is let through, when this one is not.
    retry_after: Option<u64>,
}

impl Limiter {
    /// `limit` requests (at least 1) in `seconds` by the clock's time.
    fn new(name: &'static str, limit: u32, seconds: i64, clock: &SharedClock) -> Self {
        let span = seconds * SECOND_NANOS;
        Self { name, limit: limit.max(1), span, clock: Arc::clone(clock), state: Mutex::default() }
    }

    fn ask(&self, client: Client) -> Allowance {
        let (limit, span) = (self.limit, self.span);
        let now = self.clock.now().millis().saturating_mul(1_000_000);
        let step = span / i64::from(limit);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let client = state.place(client, now);
        let entry = state.whole_at.entry(client).or_insert(now);
        // A clock that was set back must not lock anybody out for longer than the span.
        let whole_at = (*entry).clamp(now, now + span);
        let next = whole_at + step;
        let over = next - now - span;
        if over > 0 {
            *entry = whole_at;
            return Allowance { limit, remaining: 0, reset: seconds(whole_at - now), retry_after: Some(seconds(over)) };
        }
        *entry = next;
        let remaining = u32::try_from(-over / step).unwrap_or(0);
        Allowance { limit, remaining, reset: seconds(next - now), retry_after: None }
    }
}

impl Limiter {
    /// The same where all processes count; in this one while that cannot be reached.
    async fn ask_all(&self, client: Client, shared: &dyn SharedCounts) -> Allowance {
        let name = match client {
            Client::Address(address) => format!("{}:{address}", self.name),
            Client::Named(name) => format!("{}:@{name}", self.name),
            Client::Crowd => self.name.to_owned(),
        };
        let span = Duration::from_nanos(u64::try_from(self.span).unwrap_or(0));
        let counted = shared.ask(&name, self.limit, span).await;
        counted.map_or_else(|| self.ask(client), |counted| self.told(counted, span))
    }

    fn told(&self, counted: Counted, span: Duration) -> Allowance {
        let whole = |span: Duration| u64::try_from(span.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u64::MAX).max(1);
        let unused = span.saturating_sub(counted.whole_in);
        let left = if counted.over.is_some() {
            0.0
        } else {
            unused.as_secs_f64() * f64::from(self.limit) / span.as_secs_f64()
        };
        Allowance {
            limit: self.limit,
            // Microseconds are rounded where it is counted.
            remaining: (left + 1e-3) as u32,
            reset: whole(counted.whole_in),
            retry_after: counted.over.map(whole),
        }
    }
}

impl Clients {
    fn place(&mut self, client: Client, now: i64) -> Client {
        if self.whole_at.len() < CLIENTS || self.whole_at.contains_key(&client) {
            return client;
        }
        // Once a second at most: a flood of addresses must not make every request walk the table.
        if now.saturating_sub(self.swept_at) >= SECOND_NANOS {
            self.whole_at.retain(|_, whole_at| *whole_at > now);
            self.swept_at = now;
        }
        if self.whole_at.len() < CLIENTS { client } else { Client::Crowd }
    }
}

/// Nanoseconds as seconds, rounded up, at least 1.
fn seconds(nanos: i64) -> u64 {
    u64::try_from(nanos).unwrap_or(0).div_ceil(1_000_000_000).max(1)
}

/// How much one client may ask of each kind of route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowances {
    /// Reads of the market and all that comes without a credential, per address and minute.
    pub market_per_minute: u32,
    /// The rest with a key or a token, per credential and hour.
    pub private_per_hour: u32,
    /// The same, per day.
    pub private_per_day: u32,
    /// The rest with a session, per user and minute.
    pub session_per_minute: u32,
    /// `/api/refresh`, per minute.
    pub refresh_per_minute: u32,
    /// `/api/credits`, per minute.
    pub credits_per_minute: u32,
    /// `/api/login` and `/api/token`, per address and minute.
    pub log_in_per_minute: u32,
}

/// The limits of every kind of route.
pub struct Limits {
    shared: Option<Arc<dyn SharedCounts>>,
    trusted: TrustedProxies,
    market: Limiter,
    per_hour: Limiter,
    per_day: Limiter,
    session: Limiter,
    refresh: Limiter,
    credits: Limiter,
    log_in: Limiter,
}

/// Which of the limits a route is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// None.
    Free,
    /// The one that fits who asks and what is asked.
    Usual,
    /// That of `/api/refresh`.
    Refresh,
    /// That of `/api/credits`.
    Credits,
    /// That of `/api/login` and `/api/token`.
    LogIn,
}

impl Limits {
    /// The allowances by the clock's time, which should be the machine's.
    pub fn new(of: Allowances, trusted: TrustedProxies, clock: &SharedClock) -> Self {
        let limiter = |name, limit, seconds| Limiter::new(name, limit, seconds, clock);
        Self {
            shared: None,
            trusted,
            market: limiter("market", of.market_per_minute, 60),
            per_hour: limiter("per_hour", of.private_per_hour, 3_600),
            per_day: limiter("per_day", of.private_per_day, 86_400),
            session: limiter("session", of.session_per_minute, 60),
            refresh: limiter("refresh", of.refresh_per_minute, 60),
            credits: limiter("credits", of.credits_per_minute, 60),
            log_in: limiter("log_in", of.log_in_per_minute, 60),
        }
    }

    /// The same, counted where all processes count.
    #[must_use]
    pub fn shared(self, shared: Option<Arc<dyn SharedCounts>>) -> Self {
        Self { shared, ..self }
    }

    /// Counts a request; `None` when nothing limits it.
    pub(crate) async fn ask(&self, asked: Vec<(&Limiter, Client)>) -> Option<Allowance> {
        let mut strictest: Option<Allowance> = None;
        for (limiter, client) in asked {
            let allowance = match &self.shared {
                Some(shared) => limiter.ask_all(client, shared.as_ref()).await,
                None => limiter.ask(client),
            };
            // What is told is what ends first.
            let strictness = |a: Allowance| (a.retry_after, Reverse(a.remaining));
            if strictest.is_none_or(|s| strictness(allowance) > strictness(s)) {
                strictest = Some(allowance);
            }
        }
        strictest
    }

    /// The allowances a request is counted in.
    pub(crate) fn of(&self, terms: Terms, caller: Option<Caller>, request: &Request) -> Vec<(&Limiter, Client)> {
        let address = || Client::Address(bucket(self.trusted.client(request.extensions(), request.headers())));
        let client = caller.map_or_else(address, |caller| Client::Named(caller.name));
        match (terms.rate, caller) {
            (Rate::Free, _) => Vec::new(),
            (Rate::Refresh, _) => vec![(&self.refresh, client)],
            (Rate::Credits, _) => vec![(&self.credits, client)],
            (Rate::LogIn, _) => vec![(&self.log_in, address())],
            (Rate::Usual, Some(caller)) if terms.who > Who::Market => match caller.way {
                Way::Session { .. } => vec![(&self.session, client)],
                Way::Key | Way::Token => vec![(&self.per_hour, client), (&self.per_day, client)],
            },
            (Rate::Usual, _) => vec![(&self.market, address())],
        }
    }
}

impl Allowance {
    /// The answer to a request that is one too many.
    pub(crate) fn refusal(self) -> Option<ApiError> {
        self.retry_after.map(ApiError::too_many)
    }

    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        let mut set = |name, value: u64| headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        set("ratelimit-limit", u64::from(self.limit));
        set("ratelimit-remaining", u64::from(self.remaining));
        set("ratelimit-reset", self.reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{SteppedClock, Timestamp};
    use std::net::Ipv4Addr;
    use std::time::Duration;

    fn limiter(limit: u32) -> (Limiter, SteppedClock) {
        let clock = SteppedClock::new(Timestamp::from_secs(1_795_000_000));
        let shared: SharedClock = Arc::new(clock.clone());
        (Limiter::new("market", limit, 60, &shared), clock)
    }

    fn address(n: u32) -> Client {
        Client::Address(IpAddr::V4(Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn an_allowance_is_used_up_and_comes_back_bit_by_bit() {
        let (limiter, clock) = limiter(600);
        let (a, b) = (address(1), address(2));
        assert_eq!(limiter.ask(a), Allowance { limit: 600, remaining: 599, reset: 1, retry_after: None });
        assert!((1..600).all(|_| limiter.ask(a).retry_after.is_none()));
        assert_eq!(limiter.ask(a), Allowance { limit: 600, remaining: 0, reset: 60, retry_after: Some(1) });
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
        let of = |text: &str| limiter.ask(Client::Address(bucket(text.parse().unwrap()))).remaining;
        assert_eq!([of("2001:db8::1"), of("2001:db8::2"), of("2001:db8:0:1::1")], [59, 58, 59]);
    }
}
