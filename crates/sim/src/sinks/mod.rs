//! Simulated receivers of messages, at `/sink/KIND/TOKEN`, with a ledger of what arrived and what the sender was told.

mod check;
mod control;
mod faults;
mod kind;
mod ledger;

pub use check::{dingtalk_sign, feishu_sign};
pub(crate) use control::routes;
pub use faults::{SinkFault, SinkFaults, SinkRule};
pub use kind::SinkKind;
pub use ledger::{Outcome, Received};

use crate::answer::Answer;
use crate::server::Clock;
use faults::SinkFaultBook;
use kind::Complaint;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;

/// A receiver that is known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Its sort.
    pub kind: SinkKind,
    /// Its token.
    pub token: String,
    /// Secret of the signature check of Feishu and DingTalk; none when it has none.
    pub secret: Option<String>,
    /// The word a message must hold; none when any will do.
    pub keyword: Option<String>,
}

/// Which receivers there are and how they behave.
#[derive(Clone, Debug, Default)]
pub struct SinksConfig {
    /// Receivers with a check, and, when others are closed, all there are.
    pub sinks: Vec<Sink>,
    /// Whether tokens that are not among them are refused; otherwise they take everything.
    pub closed: bool,
    /// Whether the documented limits are kept.
    pub limits: bool,
    /// What goes wrong.
    pub faults: SinkFaults,
}

/// A message as it arrived.
pub(crate) struct Post<'p> {
    pub(crate) kind: SinkKind,
    pub(crate) token: &'p str,
    pub(crate) path: &'p str,
    pub(crate) query: &'p str,
    pub(crate) body: &'p [u8],
}

/// All receivers and their ledger.
pub struct Sinks {
    clock: Clock,
    known: HashMap<(SinkKind, String), Sink>,
    closed: bool,
    state: Mutex<State>,
}

struct State {
    limits: bool,
    faults: SinkFaultBook,
    paces: HashMap<(SinkKind, String), Pace>,
    received: Vec<Received>,
}

/// What a receiver took lately.
#[derive(Default)]
struct Pace {
    taken: VecDeque<i64>,
    blocked_until: i64,
}

impl Sinks {
    pub(crate) fn new(clock: Clock, config: SinksConfig) -> Sinks {
        let known = config.sinks.into_iter().map(|sink| ((sink.kind, sink.token.clone()), sink)).collect();
        let faults = SinkFaultBook::new(config.faults);
        let state = State { limits: config.limits, faults, paces: HashMap::new(), received: Vec::new() };
        Sinks { clock, known, closed: config.closed, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every message that arrived, in order.
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// What people see at one receiver: the bodies of the messages it took, in order.
    pub fn shown(&self, kind: SinkKind, token: &str) -> Vec<String> {
        let here = |r: &&Received| r.accepted && r.kind == kind && r.token == token;
        self.state().received.iter().filter(here).map(|r| r.body.clone()).collect()
    }

    /// How many messages arrived.
    pub fn count(&self) -> usize {
        self.state().received.len()
    }

    /// Empties the ledger.
    pub fn forget(&self) {
        self.state().received.clear();
    }

    /// Replaces all faults and forgets what the old ones had counted.
    pub fn set_faults(&self, faults: SinkFaults) {
        self.state().faults = SinkFaultBook::new(faults);
    }

    /// Keeps the documented limits, or no longer.
    pub fn set_limits(&self, limits: bool) {
        self.state().limits = limits;
    }

    /// Takes a message or not, writes it down, and says what to answer; none ends the connection without an answer.
    pub(crate) fn take(&self, post: &Post<'_>) -> Option<Answer> {
        let now_ms = (self.clock)();
        let place = (post.kind, post.token.to_owned());
        let mut state = self.state();
        let serial = state.received.len() as u64 + 1;
        let fault = state.faults.decide(post.kind, post.token);
        let answer = match fault {
            Some(SinkFault::Reset) => (Outcome::Lost, None),
            Some(SinkFault::ServerError) => {
                let body = "internal error".to_owned();
                (Outcome::Failed, Some(Answer { status: 500, content_type: "text/plain", body }))
            }
            Some(SinkFault::Busy) => (Outcome::Busy, Some(post.kind.complains(Complaint::Busy))),
            Some(SinkFault::Refused) => (Outcome::Refused, Some(post.kind.complains(Complaint::Sign))),
            Some(SinkFault::TakenThenCut) | None => {
                let cut = fault.is_some();
                match self.complaint(&place, post, now_ms).or_else(|| state.too_many(place, now_ms)) {
                    Some(Complaint::Busy) => (Outcome::Busy, Some(post.kind.complains(Complaint::Busy))),
                    Some(complaint) => (Outcome::Refused, Some(post.kind.complains(complaint))),
                    None if cut => (Outcome::Unconfirmed, None),
                    None => (Outcome::Delivered, Some(post.kind.accepted(serial, now_ms))),
                }
            }
        };
        let (outcome, answer) = answer;
        let status = answer.as_ref().map(|answer| answer.status);
        state.received.push(Received::new(post, serial, now_ms, outcome, status));
        answer
    }

    fn complaint(&self, place: &(SinkKind, String), post: &Post<'_>, now_ms: i64) -> Option<Complaint> {
        match self.known.get(place) {
            Some(sink) => check::complaint(sink, post, now_ms),
            None if self.closed => Some(Complaint::Token),
            None => {
                let any = Sink { kind: post.kind, token: String::new(), secret: None, keyword: None };
                check::complaint(&any, post, now_ms)
            }
        }
    }
}

impl State {
    /// Counts a message against the limit of its receiver.
    fn too_many(&mut self, place: (SinkKind, String), now_ms: i64) -> Option<Complaint> {
        let limit = place.0.limit().filter(|_| self.limits)?;
        let pace = self.paces.entry(place).or_default();
        if now_ms < pace.blocked_until {
            return Some(Complaint::Busy);
        }
        while pace.taken.front().is_some_and(|at| now_ms - at >= MINUTE) {
            pace.taken.pop_front();
        }
        let lately = pace.taken.iter().rev().take_while(|at| now_ms - **at < SECOND).count();
        if pace.taken.len() >= limit.per_minute || lately >= limit.per_second {
            pace.blocked_until = now_ms + limit.blocks_ms;
            return Some(Complaint::Busy);
        }
        pace.taken.push_back(now_ms);
        None
    }
}

impl std::fmt::Debug for Sinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sinks").field("received", &self.count()).finish_non_exhaustive()
    }
}
