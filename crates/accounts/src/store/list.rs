//! Lists of balances, and their counts.

use super::accounts::{Account, COLUMNS};
use model::{TargetState, Timestamp, WatchKind};
use std::collections::HashMap;
use store::{Store, StoreError, Value, args, list};

/// Which balances to list.
#[derive(Clone, Debug, Default)]
pub struct AccountFilter {
    /// Only those with this in name, group, provider or masked secret, in whatever case.
    pub text: Option<String>,
    /// Only this group.
    pub group: Option<String>,
    /// Only this provider.
    pub provider: Option<String>,
    /// Only those with this label.
    pub tag: Option<String>,
    /// Only those in this state.
    pub state: Option<TargetState>,
    /// Only those whose last look came to this.
    pub status: Option<StatusFilter>,
    /// Rows to pass over.
    pub offset: u32,
    /// Rows at most.
    pub limit: u32,
}

/// What the last look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// Exactly this.
    Is(String),
    /// No numbers, for whatever reason.
    Failed,
    /// No good numbers since this instant.
    Stale(Timestamp),
}

/// `%` and `_` in a text that is looked for stand for themselves.
pub(super) fn like(text: &str) -> String {
    let escaped = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

impl AccountFilter {
    fn conditions(&self) -> (String, Vec<Value>) {
        let mut conditions = vec!["kind = 'account'"];
        let mut values = Vec::new();
        if let Some(text) = &self.text {
            conditions.push(
                "(LOWER(name) LIKE ? ESCAPE '!' OR LOWER(owner_group) LIKE ? ESCAPE '!' \
                 OR LOWER(provider) LIKE ? ESCAPE '!' OR LOWER(mask) LIKE ? ESCAPE '!')",
            );
            values.extend((0..4).map(|_| Value::from(like(text))));
        }
        for (value, condition) in [(&self.group, "owner_group = ?"), (&self.provider, "provider = ?")] {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(value.into());
            }
        }
        if let Some(tag) = &self.tag {
            conditions.push("LOWER(tags) LIKE ? ESCAPE '!'");
            values.push(like(&serde_json::Value::from(tag.as_str()).to_string()).into());
        }
        if let Some(state) = self.state {
            conditions.push("state = ?");
            values.push(state.as_str().into());
        }
        match &self.status {
            None => {}
            Some(StatusFilter::Is(status)) => {
                conditions.push("status = ?");
                values.push(status.into());
            }
            Some(StatusFilter::Failed) => conditions.push("status NOT IN ('ok', 'new')"),
            Some(StatusFilter::Stale(since)) => {
                conditions.push("(good_at IS NULL OR good_at < ?)");
                values.push((*since).into());
            }
        }
        (conditions.join(" AND "), values)
    }
}

/// The balances that match, by group and name, and how many there are in all.
pub async fn list_accounts(store: &Store, filter: &AccountFilter) -> Result<(Vec<Account>, u64), StoreError> {
    let (conditions, values) = filter.conditions();
    let count = store.query_one(&format!("SELECT COUNT(*) FROM accounts WHERE {conditions}"), values.clone()).await?;
    let total = count.map(|r| r.int(0)).transpose()?.unwrap_or_default();
    let sql =
        format!("SELECT {COLUMNS} FROM accounts WHERE {conditions} ORDER BY owner_group, name, id LIMIT ? OFFSET ?");
    let mut values = values;
    values.extend(args![filter.limit, filter.offset]);
    let rows = store.query(&sql, values).await?;
    let rows = rows.iter().map(Account::of).collect::<Result<_, _>>()?;
    Ok((rows, u64::try_from(total).unwrap_or_default()))
}

/// How many balances there are by status, by group and by provider.
pub async fn count_accounts(store: &Store) -> Result<[Vec<(String, i64)>; 3], StoreError> {
    let mut counts = [Vec::new(), Vec::new(), Vec::new()];
    for (counts, column) in counts.iter_mut().zip(["status", "owner_group", "provider"]) {
        let sql =
            format!("SELECT {column}, COUNT(*) FROM accounts WHERE kind = 'account' GROUP BY {column} ORDER BY 1");
        for row in store.query(&sql, Vec::new()).await? {
            counts.push((row.text(0)?, row.int(1)?));
        }
    }
    Ok(counts)
}

/// When each is due, and until when somebody looks at it now.
pub async fn due_of(
    store: &Store,
    kind: WatchKind,
    ids: &[i64],
) -> Result<HashMap<i64, (Timestamp, Option<Timestamp>)>, StoreError> {
    let mut due = HashMap::new();
    let sql = "SELECT ref_id, next_due, lease_until FROM targets WHERE kind = ? AND ref_id IN (@LIST@)";
    for row in store.query_listed(sql, args![kind.as_str()], list(ids)).await? {
        due.insert(row.int(0)?, (row.time(1)?, row.opt_time(2)?));
    }
    Ok(due)
}

/// An open alert of an account, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAlert {
    /// Its number.
    pub id: i64,
    /// `low_balance`, `unreadable` …
    pub alert_type: String,
    /// How bad.
    pub severity: String,
    /// `firing`, `acked`, `snoozed`.
    pub status: String,
    /// One line.
    pub title: String,
}

/// The open alerts that people were told of.
pub async fn open_alerts(
    store: &Store,
    kind: WatchKind,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<OpenAlert>>, StoreError> {
    let mut alerts: HashMap<i64, Vec<OpenAlert>> = HashMap::new();
    let sql = "SELECT ref_id, id, alert_type, severity, status, title FROM alerts WHERE kind = ? AND ref_id IN (@LIST@) \
         AND open_key IS NOT NULL AND status <> 'pending' ORDER BY id";
    for r in store.query_listed(sql, args![kind.as_str()], list(ids)).await? {
        alerts.entry(r.int(0)?).or_default().push(OpenAlert {
            id: r.int(1)?,
            alert_type: r.text(2)?,
            severity: r.text(3)?,
            status: r.text(4)?,
            title: r.text(5)?,
        });
    }
    Ok(alerts)
}
