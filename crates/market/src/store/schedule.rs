//! What the routes ask of the schedule, of alerts and of all IPs at once.

use model::{TargetState, Timestamp, WatchKind};
use std::collections::HashMap;
use std::time::Duration;
use store::{Row, Store, StoreError, Tx, args, list};

/// When an IP is crawled next, and how the last tries went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When it is due.
    pub next_due: Timestamp,
    /// Failures in a row.
    pub failures: u32,
    /// Until when somebody works on it.
    pub lease_until: Option<Timestamp>,
    /// What went wrong last, cleared by a success; inside text.
    pub last_error: Option<String>,
    /// Its class, a closed set.
    pub last_error_class: Option<String>,
}

fn schedule(r: &Row) -> Result<Schedule, StoreError> {
    Ok(Schedule {
        next_due: r.time(1)?,
        failures: u32::try_from(r.int(2)?.max(0)).unwrap_or(u32::MAX),
        lease_until: r.opt_time(3)?,
        last_error: r.opt_text(4)?,
        last_error_class: r.opt_text(5)?,
    })
}

/// The schedule of these IPs, by number.
pub async fn schedule_of(store: &Store, ids: &[i64]) -> Result<HashMap<i64, Schedule>, StoreError> {
    let sql = "SELECT ref_id, next_due, failures, lease_until, last_error, last_error_class FROM targets \
         WHERE kind = 'market' AND ref_id IN (@LIST@)";
    let rows = store.query_listed(sql, args![], list(ids)).await?;
    rows.iter().map(|r| Ok((r.int(0)?, schedule(r)?))).collect()
}

/// The names of these IPs, by number.
pub async fn names_of(store: &Store, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
    let rows = store.query_listed("SELECT id, name FROM ips WHERE id IN (@LIST@)", args![], list(ids)).await?;
    rows.iter().map(|r| Ok((r.int(0)?, r.text(1)?))).collect()
}

/// The interval until the crawl after next; the next due time stays.
pub async fn set_interval(tx: &mut Tx, ip_id: i64, interval: Duration) -> Result<(), StoreError> {
    let millis = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    let sql = "UPDATE targets SET interval_ms = ? WHERE kind = ? AND ref_id = ?";
    tx.exec(sql, args![millis, WatchKind::Market.as_str(), ip_id]).await?;
    Ok(())
}

/// Every IP that is not deleted: its number and up to when its hours are complete.
pub async fn cover_of_all(store: &Store) -> Result<Vec<(i64, Option<Timestamp>)>, StoreError> {
    let rows = store.query("SELECT id, covered_until FROM ips WHERE status <> 'deleted' ORDER BY id", args![]).await?;
    rows.iter().map(|r| Ok((r.int(0)?, r.opt_time(1)?))).collect()
}

/// All IPs at one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Crawled regularly.
    pub active: i64,
    /// Kept, not crawled.
    pub paused: i64,
    /// Active ones with at least the given number of failures in a row.
    pub failing: i64,
    /// The last complete crawl of any.
    pub last_crawled_at: Option<Timestamp>,
    /// The earliest next crawl.
    pub next_due: Option<Timestamp>,
}

/// Looks at all IPs; `max_failures` in a row make one failing.
pub async fn overview(store: &Store, max_failures: u32) -> Result<Overview, StoreError> {
    let mut overview = Overview::default();
    for r in store.query("SELECT status, COUNT(*), MAX(crawled_at) FROM ips GROUP BY status", args![]).await? {
        match TargetState::parse(&r.text(0)?) {
            Some(TargetState::Active) => overview.active = r.int(1)?,
            Some(TargetState::Paused) => overview.paused = r.int(1)?,
            _ => continue,
        }
        overview.last_crawled_at = overview.last_crawled_at.max(r.opt_time(2)?);
    }
    let active = "FROM targets WHERE kind = 'market' AND state = 'active'";
    if let Some(r) = store.query_one(&format!("SELECT MIN(next_due) {active}"), args![]).await? {
        overview.next_due = r.opt_time(0)?;
    }
    let failing = format!("SELECT COUNT(*) {active} AND failures >= ?");
    if let Some(r) = store.query_one(&failing, args![max_failures]).await? {
        overview.failing = r.int(0)?;
    }
    Ok(overview)
}
