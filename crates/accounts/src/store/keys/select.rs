//! A selection as a condition of SQL.

use crate::keys::{KeyFilter, Selection};
use model::WatchKind;
use store::{Value, args};

/// A condition on rows of `accounts` and its arguments.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub(in crate::store) sql: String,
    pub(in crate::store) values: Vec<Value>,
}

impl Chosen {
    /// The rows of a kind that are selected.
    pub fn of(kind: WatchKind, selection: &Selection) -> Self {
        let all = Self { sql: "kind = ?".into(), values: args![kind.as_str()] };
        match selection {
            Selection::All => all,
            Selection::Filter(filter) => all.filtered(filter),
            Selection::Ids(ids) if ids.is_empty() => all.and("1 = 0", args![]),
            Selection::Ids(ids) => {
                let marks = vec!["?"; ids.len()].join(",");
                all.and(&format!("id IN ({marks})"), ids.iter().map(|id| Value::Int(*id)).collect())
            }
        }
    }

    pub(in crate::store) fn and(mut self, sql: &str, values: Vec<Value>) -> Self {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
        self
    }

    /// The arguments, with those of what stands behind the condition.
    pub(in crate::store) fn values_and(&self, more: Vec<Value>) -> Vec<Value> {
        self.values.iter().cloned().chain(more).collect()
    }

    fn filtered(mut self, filter: &KeyFilter) -> Self {
        let KeyFilter { q, tag, provider, status, org, remaining_min, remaining_max, ratio_min, ratio_max } = filter;
        if let Some(q) = q {
            // LOWER on both sides: what a database takes for a letter is then the same for the row and the question.
            let part = format!("%{}%", escaped(q));
            let sql = "(LOWER(name) LIKE LOWER(?) ESCAPE '!' OR LOWER(mask) LIKE LOWER(?) ESCAPE '!')";
            self = self.and(sql, args![&part, &part]);
        }
        if let Some(tag) = tag {
            // A LIKE would not tell upper from lower case on SQLite; REPLACE does on all three.
            let quoted = serde_json::Value::from(tag.as_str()).to_string();
            self = self.and("REPLACE(tags, ?, '') <> tags", args![quoted]);
        }
        for (sql, text) in [("provider = ?", provider), ("org = ?", org)] {
            if let Some(text) = text {
                self = self.and(sql, args![text]);
            }
        }
        match status.as_deref() {
            Some("failed") => self = self.and("status <> 'ok' AND status <> 'new'", args![]),
            Some(status) => self = self.and("status = ?", args![status]),
            None => {}
        }
        for (sql, bound) in [
            ("remaining >= ?", remaining_min),
            ("remaining <= ?", remaining_max),
            ("used_ratio >= ?", ratio_min),
            ("used_ratio <= ?", ratio_max),
        ] {
            if let Some(bound) = bound {
                self = self.and(sql, args![*bound]);
            }
        }
        self
    }
}

/// The text with what LIKE takes for a wildcard made plain. The escape is `!`: a backslash would itself need one on
/// some of the databases.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
