//! What a pool of keys has left. Keys of an organisation share its allowance, which counts once. Pure.

use model::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// What one reading says of an allowance.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Share {
    /// What is left.
    pub remaining: Option<Decimal>,
    /// What there was.
    pub total: Option<Decimal>,
    /// What is gone.
    pub used: Option<Decimal>,
    /// In what it is counted.
    pub unit: Option<String>,
    /// There is no limit.
    pub unlimited: bool,
}

/// The sums of one unit; a sum of nothing known is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct UnitTotals {
    /// In what it is counted; `None` where the provider does not say.
    pub unit: Option<String>,
    /// What is left.
    pub remaining: Option<Decimal>,
    /// What there was.
    pub total: Option<Decimal>,
    /// What is gone.
    pub used: Option<Decimal>,
    /// How many allowances are in the sums.
    pub accounts: u64,
}

/// All sums.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// By unit.
    pub totals: Vec<UnitTotals>,
    /// Organisations met.
    pub orgs: u64,
    /// Allowances of which it is not known what is left.
    pub unknown: u64,
}

/// Adds readings up, one at a time.
#[derive(Debug, Default)]
pub struct Tally {
    units: BTreeMap<Option<String>, UnitTotals>,
    orgs: HashMap<(String, String), (Timestamp, Share)>,
    unknown: u64,
}

impl Tally {
    /// A key with the last good reading it has.
    pub fn add(&mut self, provider: &str, org: Option<&str>, good: Option<(Timestamp, Share)>) {
        match (org, good) {
            (None, None) => self.unknown += 1,
            (None, Some((_, share))) => self.count(share),
            (Some(org), good) => {
                let (at, share) = good.unwrap_or_default();
                let known = self.orgs.entry((provider.to_owned(), org.to_owned()));
                let known = known.or_insert_with(|| (at, share.clone()));
                // The freshest member knows best what all of them have left.
                if at > known.0 {
                    *known = (at, share);
                }
            }
        }
    }

    /// Keys of which nothing is known, not even an organisation.
    pub const fn add_unknown(&mut self, keys: u64) {
        self.unknown += keys;
    }

    fn count(&mut self, share: Share) {
        if share.remaining.is_none() && !share.unlimited {
            self.unknown += 1;
        }
        if share.remaining.is_none() && share.total.is_none() && share.used.is_none() {
            return;
        }
        let sums = self
            .units
            .entry(share.unit.clone())
            .or_insert_with(|| UnitTotals { unit: share.unit.clone(), ..UnitTotals::default() });
        sums.accounts += 1;
        for (sum, amount) in
            [(&mut sums.remaining, share.remaining), (&mut sums.total, share.total), (&mut sums.used, share.used)]
        {
            if let Some(amount) = amount {
                *sum = Some(sum.unwrap_or_default().saturating_add(amount));
            }
        }
    }

    /// The sums.
    pub fn finish(mut self) -> Totals {
        let orgs = std::mem::take(&mut self.orgs);
        let met = orgs.len() as u64;
        for (_, share) in orgs.into_values() {
            self.count(share);
        }
        Totals { totals: self.units.into_values().collect(), orgs: met, unknown: self.unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(remaining: i64, unit: &str) -> Share {
        let remaining = Decimal::from(remaining);
        Share {
            remaining: Some(remaining),
            total: Some(remaining + Decimal::TEN),
            used: None,
            unit: Some(unit.into()),
            unlimited: false,
        }
    }

    #[test]
    fn an_organisation_counts_once_with_its_freshest_member() {
        let mut tally = Tally::default();
        for (at, left) in [(5, 70), (9, 40), (7, 55)] {
            tally.add("factory", Some("org_1"), Some((Timestamp(at), share(left, "tokens"))));
        }
        tally.add("factory", Some("org_1"), None);
        // Another provider's organisation of the same name is another organisation.
        tally.add("other", Some("org_1"), Some((Timestamp(1), share(1, "tokens"))));
        tally.add("factory", None, Some((Timestamp(1), share(100, "tokens"))));
        tally.add("factory", None, Some((Timestamp(1), share(3, "USD"))));
        tally.add("factory", None, None);
        tally.add("factory", None, Some((Timestamp(1), Share { unlimited: true, ..Share::default() })));
        tally.add("factory", Some("org_2"), None);
        let totals = tally.finish();
        assert_eq!((totals.orgs, totals.unknown), (3, 2));
        let sums: Vec<_> = totals
            .totals
            .iter()
            .map(|t| (t.unit.as_deref().unwrap(), t.remaining.unwrap(), t.total.unwrap(), t.used, t.accounts))
            .collect();
        let d = |n: i64| Decimal::from(n);
        assert_eq!(sums, [("USD", d(3), d(13), None, 1), ("tokens", d(141), d(171), None, 3)]);
    }
}
