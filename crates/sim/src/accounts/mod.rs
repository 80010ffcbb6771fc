//! Simulated account providers: what is left is a pure function of (provider, secret, seed, plan, time), and is told in
//! the provider's own words. A request reaches a provider at `/p/NAME` before its own path, or at that path alone.
//!
//! An account's [`Truth`] is for tests and benchmarks only.

mod amount;
mod ask;
mod control;
mod counts;
mod desk;
mod desks;
mod factory;
mod level;
mod plan;
mod roster;
mod server;
pub mod signature;
mod template;
mod truth;

pub use amount::Amount;
pub use counts::AccountCounters;
pub use factory::{FactoryPlan, FactoryPool};
pub use level::Level;
pub use plan::{Burn, Course, Period, Plan, Refill};
pub use roster::Account;
pub use server::{AccountsConfig, AccountsServer, RunningAccounts};
pub use truth::{Truth, WindowTruth};

use crate::faults::{FaultBook, Faults, Verdict};
use crate::rng::hash_text;
use crate::server::Clock;
use counts::Counts;
use roster::Roster;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Why an account cannot be simulated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccountsError {
    /// No such provider; Factory's accounts come from its pool.
    #[error("no provider `{0}` is simulated")]
    Provider(String),
    /// The provider has no way to say that there is no limit.
    #[error("`{0}` cannot say that there is no limit")]
    Unlimited(String),
    /// Less than nothing would be read as no limit there.
    #[error("`{0}` cannot say that an account is in debt")]
    Debt(String),
    /// The listener is not usable.
    #[error("cannot listen: {0}")]
    Listen(String),
}

/// All accounts at all providers.
pub struct Accounts {
    clock: Clock,
    roster: RwLock<Roster>,
    factory: Option<FactoryPool>,
    faults: Mutex<FaultBook>,
    nonces: Mutex<Nonces>,
    pub(crate) counts: Counts,
}

/// Nonces of the last minutes, oldest first.
#[derive(Default)]
struct Nonces {
    seen: HashSet<u64>,
    order: VecDeque<(i64, u64)>,
}

impl Accounts {
    pub(crate) fn new(
        clock: Clock,
        accounts: Vec<Account>,
        factory: Option<FactoryPool>,
        faults: Faults,
    ) -> Result<Accounts, AccountsError> {
        let mut roster = Roster::new();
        for account in accounts {
            roster.put(account)?;
        }
        let faults = Mutex::new(FaultBook::new(faults));
        let (roster, counts, nonces) = (RwLock::new(roster), Counts::new(), Mutex::default());
        Ok(Accounts { clock, roster, factory, faults, nonces, counts })
    }

    /// The time of the providers, epoch ms.
    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// Opens an account, or replaces the one with this secret.
    pub fn put(&self, account: Account) -> Result<(), AccountsError> {
        self.roster.write().unwrap_or_else(PoisonError::into_inner).put(account)
    }

    /// Refuses a secret from `at_ms` (epoch ms) on; whether there is such an account.
    pub fn revoke(&self, provider: &str, secret: &str, at_ms: i64) -> bool {
        let mut roster = self.roster.write().unwrap_or_else(PoisonError::into_inner);
        let Some(mut account) = roster.with_secret(provider, secret).map(|(_, account)| Account::clone(account)) else {
            return false;
        };
        account.revoked_at_ms = Some(at_ms);
        roster.put(account).is_ok()
    }

    /// The truth about an account at an instant (epoch ms). Of a secret nobody knows it is that it is refused.
    pub fn truth(&self, provider: &str, secret: &str, at_ms: i64) -> Truth {
        if provider == ask::FACTORY {
            let number = self.factory.as_ref().and_then(|pool| Some((pool, pool.number(secret)?)));
            return number.map_or_else(Truth::refused, |(pool, number)| pool.truth(number, at_ms));
        }
        let roster = self.roster();
        match roster.with_secret(provider, secret) {
            Some((ready, account)) if account.revoked_at_ms.is_none_or(|at| at_ms < at) => {
                Truth::of(&account.plan, account.seed, at_ms, ready.desk.unit, ready.desk.places)
            }
            _ => Truth::refused(),
        }
    }

    /// The accounts that were opened; Factory's are not among them.
    pub fn all(&self) -> Vec<Account> {
        let mut all: Vec<Account> = self.roster().all().map(|account| Account::clone(account)).collect();
        all.sort_by(|a, b| (&a.provider, &a.secret).cmp(&(&b.provider, &b.secret)));
        all
    }

    /// The providers that are simulated, by name.
    pub fn providers(&self) -> Vec<&'static str> {
        let mut names = self.roster().providers();
        names.push(ask::FACTORY);
        names.sort_unstable();
        names
    }

    /// Factory's keys.
    pub fn factory(&self) -> Option<&FactoryPool> {
        self.factory.as_ref()
    }

    /// Replaces all faults and forgets what the old ones had counted. A rule's path is a provider, its keyword a secret.
    pub fn set_faults(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = FaultBook::new(faults);
    }

    /// What was served so far.
    pub fn counters(&self) -> AccountCounters {
        self.counts.read()
    }

    pub(crate) fn roster(&self) -> std::sync::RwLockReadGuard<'_, Roster> {
        self.roster.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn decide(&self, provider: &str, secret: &str) -> Verdict {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).decide(provider, secret, false)
    }

    pub(crate) fn nonce_came_before(&self, nonce: &str, now_ms: i64) -> bool {
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let Nonces { seen, order } = &mut *nonces;
        while order.front().is_some_and(|(at, _)| now_ms - at > 2 * signature::SKEW_MS) {
            if let Some((_, old)) = order.pop_front() {
                seen.remove(&old);
            }
        }
        let nonce = hash_text(nonce);
        order.push_back((now_ms, nonce));
        !seen.insert(nonce)
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("factory", &self.factory).finish_non_exhaustive()
    }
}

pub(crate) type Shared = Arc<server::House>;
