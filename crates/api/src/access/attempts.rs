//! Guessing is slow: log-ins that failed make the next one wait, for the address they came from and for the account
//! they were for.

use crate::client::bucket;
use crate::shared_counts::{Guessing, SharedCounts};
use model::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The first wait; each failure after it doubles the next one.
const FIRST_MS: i64 = 60_000;
/// The longest wait: an account must not be shut for good by somebody who is not its owner.
const LONGEST_MS: i64 = 15 * 60_000;
/// After so long without a failure all is forgotten.
const FORGET_MS: i64 = 3_600_000;
/// Subjects remembered; then the oldest are forgotten first.
const SUBJECTS: usize = 20_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Subject {
    Address(IpAddr),
    Account(String),
}

#[derive(Clone, Copy)]
struct Record {
    failures: u32,
    last: Timestamp,
    open_at: Timestamp,
}

/// Failed log-ins.
#[derive(Default)]
pub(crate) struct Attempts {
    own: Mutex<HashMap<Subject, Record>>,
    shared: Option<Arc<dyn SharedCounts>>,
}

const RULE: Guessing = Guessing {
    free: FREE,
    first: Duration::from_millis(FIRST_MS as u64),
    longest: Duration::from_millis(LONGEST_MS as u64),
    forget: Duration::from_millis(FORGET_MS as u64),
};

fn subjects(address: IpAddr, account: &str) -> [Subject; 2] {
    // No account has a longer name, so what is longer may count as one.
    let account = account.chars().take(191).collect();
    [Subject::Address(bucket(address)), Subject::Account(account)]
}

impl Attempts {
    /// Counted where all processes count, if there is such a place.
    pub(crate) fn new(shared: Option<Arc<dyn SharedCounts>>) -> Self {
        Self { own: Mutex::default(), shared }
    }

    /// [`Attempts::begin`] where all processes count; in this one while that cannot be reached.
    pub(crate) async fn begin_all(&self, address: IpAddr, account: &str, now: Timestamp) -> Result<(), u64> {
        if let Some(shared) = &self.shared {
            let (address, account) = names(address, account);
            if let Some(counted) = shared.begin(&address, &account, RULE).await {
                return counted.map_err(|wait| wait.as_millis().div_ceil(1000) as u64);
            }
        }
        self.begin(address, account, now)
    }

    /// [`Attempts::succeeded`] likewise.
    pub(crate) async fn succeeded_all(&self, address: IpAddr, account: &str, now: Timestamp) {
        if let Some(shared) = &self.shared {
            let (address, account) = names(address, account);
            shared.succeeded(&address, &account).await;
        }
        self.succeeded(address, account, now);
    }

    /// Seconds until the next attempt is let through, if it is not now. An attempt that is let through counts as failed
    /// until [`Attempts::succeeded`] says otherwise, so that many at once are not let through together.
    fn begin(&self, address: IpAddr, account: &str, now: Timestamp) -> Result<(), u64> {
        let mut records = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let subjects = subjects(address, account);
        let waits = subjects.iter().filter_map(|s| records.get(s)).map(|r| now_to(r.open_at, now));
        if let Some(wait) = waits.max().filter(|wait| *wait > 0) {
            return Err(u64::try_from(wait).unwrap_or(0).div_ceil(1000));
        }
        if records.len() + subjects.len() > SUBJECTS {
            make_room(&mut records, now);
        }
        for subject in subjects {
            let record = records.entry(subject).or_insert(Record { failures: 0, last: now, open_at: now });
            if now_to(now, record.last) > FORGET_MS {
                record.failures = 0;
            }
            record.failures += 1;
            record.last = now;
            record.open_at = now.plus(wait_after(record.failures));
        }
        Ok(())
    }

    /// The attempt was right. The account begins anew; the address only takes this one back, or a guesser with an
    /// account of their own would never have to wait.
    fn succeeded(&self, address: IpAddr, account: &str, now: Timestamp) {
        let mut records = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let [address, account] = subjects(address, account);
        records.remove(&account);
        if let Some(record) = records.get_mut(&address) {
            record.failures = record.failures.saturating_sub(1);
            record.open_at = now;
        }
    }
}

fn names(address: IpAddr, account: &str) -> (String, String) {
    (bucket(address).to_string(), account.chars().take(191).collect())
}

fn now_to(later: Timestamp, earlier: Timestamp) -> i64 {
    later.millis().saturating_sub(earlier.millis())
}

/// Milliseconds to wait after so many failures.
fn wait_after(failures: u32) -> i64 {
    match failures.checked_sub(FREE) {
        None => 0,
        Some(beyond) => FIRST_MS.saturating_mul(1 << beyond.min(10)).min(LONGEST_MS),
    }
}

fn make_room(records: &mut HashMap<Subject, Record>, now: Timestamp) {
    records.retain(|_, r| now_to(now, r.last) <= FORGET_MS);
    if records.len() + 2 > SUBJECTS {
        let mut ages: Vec<i64> = records.values().map(|r| r.last.millis()).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        // Those who have to wait are kept longest: a flood of new names must not open a shut account.
        records.retain(|_, r| r.last.millis() > median || now_to(r.open_at, now) > 0);
    }
    if records.len() + 2 > SUBJECTS {
        records.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    fn from(n: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, n])
    }

    #[test]
    fn guesses_wait_longer_and_longer() {
        let attempts = Attempts::default();
        for _ in 0..FREE {
            assert_eq!(attempts.begin(from(1), "ann", NOW), Ok(()));
        }
        let mut now = NOW;
        for wait in [60, 120, 240, 480, 900, 900] {
            assert_eq!(attempts.begin(from(1), "ann", now), Err(wait));
            assert_eq!(attempts.begin(from(1), "bob", now), Err(wait), "the address waits");
            assert_eq!(attempts.begin(from(2), "ann", now), Err(wait), "the account waits");
            now = now.plus(i64::try_from(wait).unwrap() * 1000);
            assert_eq!(attempts.begin(from(1), "ann", now), Ok(()));
        }
        assert_eq!(attempts.begin(from(2), "bob", now), Ok(()));
        assert_eq!(attempts.begin(from(1), "ann", now.plus(FORGET_MS + 1)), Ok(()));
        assert_eq!(attempts.begin(from(1), "ann", now.plus(FORGET_MS + 1)), Ok(()), "all was forgotten");
    }

    #[test]
    fn a_right_one_opens_the_account_and_not_the_address() {
        let attempts = Attempts::default();
        for _ in 0..4 {
            attempts.begin(from(1), "ann", NOW).unwrap();
            attempts.begin(from(2), "own", NOW).unwrap();
            attempts.succeeded(from(2), "own", NOW);
        }
        attempts.begin(from(1), "ann", NOW).unwrap();
        assert!(attempts.begin(from(1), "ann", NOW).is_err());
        for _ in 0..20 {
            attempts.begin(from(2), "own", NOW).unwrap();
            attempts.succeeded(from(2), "own", NOW);
        }
    }

    #[test]
    fn memory_is_bounded_and_a_flood_opens_nothing() {
        let attempts = Attempts::default();
        for _ in 0..FREE {
            attempts.begin(from(1), "ann", NOW).unwrap();
        }
        for n in 0..SUBJECTS as u32 * 2 {
            let address = IpAddr::from(n.to_be_bytes());
            let _ = attempts.begin(address, &n.to_string(), NOW.plus(i64::from(n) / 100));
        }
        assert!(attempts.own.lock().unwrap().len() <= SUBJECTS);
        assert!(attempts.begin(from(9), "ann", NOW.plus(1000)).is_err());
    }
}
