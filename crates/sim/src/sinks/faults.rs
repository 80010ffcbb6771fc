//! What goes wrong at receivers, and when. Seeded, so a run can be repeated.

use super::kind::SinkKind;
use crate::faults::When;
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// What goes wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkFault {
    /// The connection ends without an answer; the message is lost.
    Reset,
    /// The connection ends without an answer, but the message was taken.
    TakenThenCut,
    /// Status 500; the message is lost.
    ServerError,
    /// Too many, in the receiver's own words: of the Chinese bots with status 200.
    Busy,
    /// Refused for good, in the receiver's own words: of the Chinese bots with status 200.
    Refused,
}

/// A fault, when it happens, and at which receivers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SinkRule {
    /// What goes wrong.
    pub fault: SinkFault,
    /// When, among the messages the rule is about.
    pub when: When,
    /// Only at receivers of this sort.
    #[serde(default)]
    pub kind: Option<SinkKind>,
    /// Only at this token.
    #[serde(default)]
    pub token: Option<String>,
}

/// All that goes wrong; the first rule that strikes wins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SinkFaults {
    /// Seed of chance.
    pub seed: u64,
    /// The rules, in order.
    pub rules: Vec<SinkRule>,
}

impl SinkFaults {
    /// One fault at every receiver.
    pub fn always(fault: SinkFault, when: When, seed: u64) -> SinkFaults {
        SinkFaults { seed, rules: vec![SinkRule { fault, when, kind: None, token: None }] }
    }
}

/// Faults with their memory of the messages so far.
#[derive(Debug)]
pub(crate) struct SinkFaultBook {
    faults: SinkFaults,
    seen: Vec<u32>,
    rng: Rng,
}

impl SinkFaultBook {
    pub(crate) fn new(faults: SinkFaults) -> SinkFaultBook {
        let rng = Rng::from_words(&[faults.seed, 0x51_4b]);
        SinkFaultBook { seen: vec![0; faults.rules.len()], faults, rng }
    }

    /// Decides about one message, and remembers it.
    pub(crate) fn decide(&mut self, kind: SinkKind, token: &str) -> Option<SinkFault> {
        let mut struck = None;
        for (rule, seen) in self.faults.rules.iter().zip(&mut self.seen) {
            let draw = self.rng.unit();
            let about = rule.kind.is_none_or(|k| k == kind) && rule.token.as_deref().is_none_or(|t| t == token);
            if !about || struck.is_some() {
                continue;
            }
            *seen += 1;
            let strikes = match rule.when {
                When::Probability(chance) => draw < chance,
                When::Next(n) => *seen <= n,
                When::Every(k) => k > 0 && seen.is_multiple_of(k),
            };
            if strikes {
                struck = Some(rule.fault);
            }
        }
        struck
    }
}
