//! What the database says at the end: the notices, whether they went out, and the life of every alert against the looks
//! it was made of and against what the providers really had.

use super::Failure;
use super::scene::{THRESHOLD, account};
use model::{AlertPolicy, Condition, Timestamp, step};
use sim::accounts::{Accounts, Amount};
use std::collections::HashMap;
use store::{Store, StoreError, Value, args};

/// How far from its date, ms of the product's clock, a look may have been answered and written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slack {
    /// The clock that dates it is so much ahead at most.
    pub(crate) ahead: i64,
    /// A look is dated by the instant it was begun; so much later it was answered at the latest.
    pub(crate) answered: i64,
    /// And so much later it is written down.
    pub(crate) recorded: i64,
}

impl Default for Slack {
    fn default() -> Self {
        Self { ahead: 0, answered: 45_000, recorded: 120_000 }
    }
}

impl Slack {
    /// Instants at which a look may have been answered, counted from its date; the likeliest first.
    fn instants(self) -> [i64; 6] {
        [0, self.answered / 45, self.answered / 9, self.answered / 3, self.answered, -self.ahead]
    }
}

/// A notice of the outbox.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The same however often it is sent.
    pub id: String,
    /// `fired`, `reminder`, `recovered`.
    pub notice: String,
    /// The account, where it is about the threshold of one.
    pub account: Option<i64>,
    /// When it was written.
    pub at: Timestamp,
}

impl Notice {
    #[cfg(test)]
    pub(crate) fn named(id: &str) -> Self {
        Self { id: id.to_owned(), notice: String::new(), account: None, at: Timestamp(0) }
    }
}

/// Every notice, oldest first.
pub(crate) async fn notices(store: &Store) -> Result<Vec<Notice>, StoreError> {
    let sql = "SELECT o.dedup, o.notice, o.created_at, a.ref_id, a.alert_type FROM outbox o \
         LEFT JOIN alerts a ON a.id = o.alert_id ORDER BY o.id";
    let rows = store.query(sql, args![]).await?;
    rows.iter()
        .map(|r| {
            let low = r.opt_text(4)?.is_some_and(|word| word == "low_balance");
            let account = r.opt_int(3)?.filter(|_| low);
            Ok(Notice { id: r.text(0)?, notice: r.text(1)?, account, at: r.time(2)? })
        })
        .collect()
}

/// Messages and deliveries that still wait.
pub(crate) async fn waiting(store: &Store) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM outbox WHERE state = 'waiting'";
    let messages = number(store, sql).await?;
    Ok(messages + number(store, "SELECT COUNT(*) FROM deliveries WHERE state = 'waiting'").await?)
}

/// Messages that the database does not call sent.
pub(crate) async fn unsent(store: &Store) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM outbox o LEFT JOIN deliveries d ON d.outbox_id = o.id \
         WHERE d.state IS NULL OR d.state <> 'sent'";
    number(store, sql).await
}

async fn number(store: &Store, sql: &str) -> Result<i64, StoreError> {
    store.query_one(sql, args![]).await?.map_or(Ok(0), |r| r.int(0))
}

/// The lives of the alerts against the looks.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    /// Looks that were recorded.
    pub looks: usize,
    /// Firings and recoveries that the looks call for.
    pub expected: usize,
    /// What is otherwise: must be none.
    pub wrong: Vec<String>,
}

/// Replays every account's looks and holds the notices against what they call for.
pub(crate) async fn lives(
    store: &Store,
    sim: &Accounts,
    notices: &[Notice],
    n: usize,
    slack: Slack,
) -> Result<Lives, Failure> {
    let ids: HashMap<String, i64> = store
        .query("SELECT name, id FROM accounts", args![])
        .await?
        .iter()
        .map(|r| Ok((r.text(0)?, r.int(1)?)))
        .collect::<Result<_, StoreError>>()?;
    let mut lives = Lives::default();
    for (name, provider, secret) in (0..n).map(account) {
        let id = *ids.get(&name).ok_or_else(|| format!("no account {name}"))?;
        let own: Vec<&Notice> = notices.iter().filter(|notice| notice.account == Some(id)).collect();
        let looks = looks(store, id).await?;
        lives.looks += looks.len();
        for look in &looks {
            let level = |ms: i64| sim.truth(provider, &secret, ms).remaining.is_some_and(is_low);
            if !slack.instants().iter().any(|ms| level(look.at.millis() + ms) == look.low) {
                lives.wrong.push(format!("{name}: the look at {} was not so", look.at));
            }
        }
        let expected = replay(&looks);
        lives.expected += expected.len();
        let same = expected.len() == own.len()
            && expected.iter().zip(&own).all(|((at, kind), notice)| {
                *kind == notice.notice && (0..=slack.recorded).contains(&(notice.at.millis() - at.millis()))
            });
        if !same {
            let (want, have) = (expected.len(), own.len());
            lives.wrong.push(format!("{name}: {want} notices are called for, {have} there, or others"));
        }
    }
    Ok(lives)
}

fn is_low(left: Amount) -> bool {
    left < Amount::whole(THRESHOLD)
}

struct Look {
    at: Timestamp,
    low: bool,
    count: i64,
}

async fn looks(store: &Store, account: i64) -> Result<Vec<Look>, StoreError> {
    let sql = "SELECT seen_until, level, looks FROM readings WHERE account = ? ORDER BY at";
    let values: Vec<Value> = args![account];
    let rows = store.query(sql, values).await?;
    let look = |r: &store::Row| {
        let low = r.opt_real(1)?.is_some_and(|left| left < THRESHOLD as f64);
        Ok(Look { at: r.time(0)?, low, count: r.int(2)? })
    };
    rows.iter().map(look).collect()
}

/// The notices that the looks call for, by the machine of all alerts.
fn replay(looks: &[Look]) -> Vec<(Timestamp, &'static str)> {
    let (mut life, mut told) = (None, Vec::new());
    for look in looks {
        for _ in 0..look.count {
            let condition = if look.low { Condition::Bad } else { Condition::Good };
            let after = step(life, condition, look.at, &AlertPolicy::default());
            life = after.life;
            told.extend(after.tell.map(|notice| (look.at, notice.as_str())));
        }
    }
    told
}
