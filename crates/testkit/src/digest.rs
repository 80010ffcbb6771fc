//! Everything a database says that matters, as sorted lines per table, so that two databases can be put side by side.
//!
//! Left out is what may differ without meaning anything: row numbers given by the database, lease tokens and the task
//! that held them. A message is tied to its alert by what the alert is of, not by its number.

use std::collections::BTreeMap;
use store::{Store, StoreError, args};

const TABLES: &[(&str, &str, &str)] = &[
    (
        "items",
        "items",
        "ip_id, source_id, title, price, status, kind, image_url, item_url, first_seen_at, last_seen_at, listed_at, \
         sold_at, price_changed",
    ),
    ("sales", "sales", "ip_id, sold_at, source_id, title, price, shops, item_url, image_url"),
    (
        "hours",
        "hours",
        "ip_id, hour, inflow, outflow, shops_inflow, shops_outflow, inflow_gaps, outflow_gaps, active_count, samples, \
         mean_price, median_price, min_price, max_price, price_stddev, min_item, max_item",
    ),
    (
        "rollups",
        "rollups",
        "ip_id, period, starts_at, ends_at, inflow, outflow, shops_inflow, shops_outflow, hours, inflow_gaps, \
         outflow_gaps, active_count, samples, mean_price, median_price, min_price, max_price, price_stddev, min_item, \
         max_item",
    ),
    (
        "ips",
        "ips",
        "id, name, name_en, name_cn, category, tags, image_url, external_id, notes, weight, status, thresholds, \
         created_at, updated_at, tracking_since, crawled_at, covered_until, rolled_until, on_sale_total, sold_total",
    ),
    (
        "targets",
        "targets",
        "id, kind, ref_id, state, next_due, claimable_at, lease_until, interval_ms, failures, last_attempt_at, \
         last_success_at, last_error, last_error_class",
    ),
    (
        "alerts",
        "alerts",
        "kind, ref_id, alert_type, alert_window, open_key, severity, status, failures, successes, opened_at, told_at, \
         snoozed_until, resolved_at, acked_at, acked_by, title, message, value",
    ),
    (
        "outbox",
        "outbox AS o LEFT JOIN alerts AS a ON a.id = o.alert_id",
        "a.kind, a.ref_id, a.alert_type, a.alert_window, a.opened_at, o.notice, o.severity, o.title, o.message, \
         o.state, o.attempts, o.created_at, o.next_attempt_at, o.last_error",
    ),
];

/// The lines of every table.
#[derive(Debug, PartialEq, Eq)]
pub struct Digest {
    tables: Vec<(&'static str, Vec<String>)>,
}

/// What one table says differently.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Lines only the first has.
    pub missing: Vec<String>,
    /// Lines only the second has.
    pub added: Vec<String>,
}

/// Reads all tables of an SQLite database.
pub async fn digest(store: &Store) -> Result<Digest, StoreError> {
    let mut tables = Vec::new();
    for (name, from, columns) in TABLES {
        let line: Vec<String> = columns.split(", ").map(|c| format!("quote({c})")).collect();
        let sql = format!("SELECT {} FROM {from}", line.join(" || ' ' || "));
        let rows = store.query(&sql, args![]).await?;
        let mut lines = rows.iter().map(|r| r.text(0)).collect::<Result<Vec<_>, _>>()?;
        lines.sort_unstable();
        tables.push((*name, lines));
    }
    Ok(Digest { tables })
}

impl Digest {
    /// Number of lines by table.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        self.tables.iter().map(|(name, lines)| (*name, lines.len())).collect()
    }

    /// The lines of one table.
    pub fn lines(&self, table: &str) -> &[String] {
        self.tables.iter().find(|(name, _)| *name == table).map_or(&[], |(_, lines)| lines)
    }

    /// Tables in which `other` says something else; a line that is there twice counts twice.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let pairs = self.tables.iter().zip(&other.tables);
        pairs.map(|((table, a), (_, b))| difference(table, a, b)).filter(|d| d.count() > 0).collect()
    }
}

impl Difference {
    /// Lines that only one side has.
    pub fn count(&self) -> usize {
        self.missing.len() + self.added.len()
    }
}

fn difference(table: &'static str, first: &[String], second: &[String]) -> Difference {
    let mut balance: BTreeMap<&String, i64> = BTreeMap::new();
    for line in first {
        *balance.entry(line).or_default() -= 1;
    }
    for line in second {
        *balance.entry(line).or_default() += 1;
    }
    let mut found = Difference { table, missing: Vec::new(), added: Vec::new() };
    for (line, n) in balance {
        let side = if n < 0 { &mut found.missing } else { &mut found.added };
        side.extend((0..n.abs()).map(|_| line.clone()));
    }
    found
}
