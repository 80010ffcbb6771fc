//! Who is known at which provider.

use super::desk::{Auth, ReadyDesk};
use super::plan::Plan;
use super::{AccountsError, desks};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// An account at a simulated provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The provider, as its file is named.
    pub provider: String,
    /// The secret as a user writes it; of a signature and of Basic `id:secret`.
    pub secret: String,
    /// Seed of what is by chance about it.
    pub seed: u64,
    /// How it lives.
    pub plan: Plan,
    /// From when on the secret is refused, epoch ms.
    pub revoked_at_ms: Option<i64>,
}

impl Account {
    /// An account whose secret stays good.
    pub fn new(provider: &str, secret: &str, seed: u64, plan: Plan) -> Account {
        let (provider, secret) = (provider.to_owned(), secret.to_owned());
        Account { provider, secret, seed, plan, revoked_at_ms: None }
    }

    /// The part of the secret that stays one.
    pub(crate) fn private_part(&self) -> &str {
        self.secret.split_once(':').map_or("", |(_, rest)| rest.split(':').next().unwrap_or_default())
    }
}

/// All desks, and all accounts by provider and by what a request shows.
pub(crate) struct Roster {
    pub(crate) desks: Vec<ReadyDesk>,
    of_provider: HashMap<&'static str, Vec<usize>>,
    accounts: HashMap<&'static str, HashMap<String, Arc<Account>>>,
}

impl Roster {
    pub(crate) fn new() -> Roster {
        let desks: Vec<ReadyDesk> = desks::all().map(ReadyDesk::new).collect();
        let mut of_provider: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (index, ready) in desks.iter().enumerate() {
            of_provider.entry(ready.desk.provider).or_default().push(index);
        }
        Roster { desks, of_provider, accounts: HashMap::new() }
    }

    /// The desks of a provider; none when it is not simulated.
    pub(crate) fn of(&self, provider: &str) -> Option<impl Iterator<Item = &ReadyDesk>> {
        Some(self.of_provider.get(provider)?.iter().filter_map(|index| self.desks.get(*index)))
    }

    pub(crate) fn put(&mut self, account: Account) -> Result<(), AccountsError> {
        let Some(first) = self.of(&account.provider).and_then(|mut desks| desks.next()) else {
            return Err(AccountsError::Provider(account.provider));
        };
        if matches!(account.plan.course, super::Course::Unlimited) && !first.shows_unlimited() {
            return Err(AccountsError::Unlimited(account.provider));
        }
        if account.plan.course.may_owe() && !first.desk.debt {
            return Err(AccountsError::Debt(account.provider));
        }
        let shown = shown(first.desk.auth, &account.secret);
        self.accounts.entry(first.desk.provider).or_default().insert(shown, Arc::new(account));
        Ok(())
    }

    pub(crate) fn find(&self, provider: &str, shown: &str) -> Option<&Arc<Account>> {
        self.accounts.get(provider)?.get(shown)
    }

    /// The account with this whole secret.
    pub(crate) fn with_secret(&self, provider: &str, secret: &str) -> Option<(&ReadyDesk, &Arc<Account>)> {
        let first = self.of(provider)?.next()?;
        let account = self.find(provider, &shown(first.desk.auth, secret))?;
        (account.secret == secret).then_some((first, account))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values().flat_map(HashMap::values)
    }

    /// The providers that are simulated, by name, without Factory.
    pub(crate) fn providers(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.of_provider.keys().copied().collect();
        names.sort_unstable();
        names
    }
}

/// What of a secret a request shows.
fn shown(auth: Auth, secret: &str) -> String {
    match auth {
        Auth::Sign(_) => secret.split(':').next().unwrap_or_default().to_owned(),
        Auth::Basic if !secret.contains(':') => format!("{secret}:"),
        _ => secret.to_owned(),
    }
}
