//! What was served.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const STATUSES: usize = 600;

/// What was served so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AccountCounters {
    /// All requests to providers.
    pub requests: u64,
    /// Requests that are being answered now.
    pub in_flight: u64,
    /// The most requests that were being answered at once.
    pub peak_in_flight: u64,
    /// By status.
    pub by_status: BTreeMap<u16, u64>,
    /// By provider.
    pub by_provider: BTreeMap<String, u64>,
    /// By fault.
    pub by_fault: BTreeMap<String, u64>,
}

pub(crate) struct Counts {
    requests: AtomicU64,
    in_flight: AtomicU64,
    peak: AtomicU64,
    by_status: Vec<AtomicU64>,
    by_provider: Mutex<BTreeMap<String, u64>>,
    by_fault: Mutex<BTreeMap<String, u64>>,
}

/// A request that is being answered.
pub(crate) struct InFlight<'c> {
    counts: &'c Counts,
    /// Number of the request.
    pub(crate) serial: u64,
}

impl Counts {
    pub(crate) fn new() -> Counts {
        Counts {
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            by_status: (0..STATUSES).map(|_| AtomicU64::new(0)).collect(),
            by_provider: Mutex::default(),
            by_fault: Mutex::default(),
        }
    }

    pub(crate) fn begin(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Relaxed) + 1;
        self.peak.fetch_max(now, Relaxed);
        InFlight { counts: self, serial: self.requests.fetch_add(1, Relaxed) + 1 }
    }

    pub(crate) fn provider(&self, provider: &str) {
        count(&self.by_provider, provider);
    }

    pub(crate) fn answered(&self, status: u16, fault: Option<&str>) {
        if let Some(counter) = self.by_status.get(usize::from(status)) {
            counter.fetch_add(1, Relaxed);
        }
        if let Some(fault) = fault {
            count(&self.by_fault, fault);
        }
    }

    pub(crate) fn read(&self) -> AccountCounters {
        let statuses = self.by_status.iter().enumerate().map(|(status, n)| (status as u16, n.load(Relaxed)));
        let map = |map: &Mutex<BTreeMap<String, u64>>| map.lock().unwrap_or_else(PoisonError::into_inner).clone();
        AccountCounters {
            requests: self.requests.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            peak_in_flight: self.peak.load(Relaxed),
            by_status: statuses.filter(|(_, n)| *n > 0).collect(),
            by_provider: map(&self.by_provider),
            by_fault: map(&self.by_fault),
        }
    }
}

fn count(map: &Mutex<BTreeMap<String, u64>>, name: &str) {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    match map.get_mut(name) {
        Some(n) => *n += 1,
        None => _ = map.insert(name.to_owned(), 1),
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.counts.in_flight.fetch_sub(1, Relaxed);
    }
}
