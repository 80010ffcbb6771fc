//! History: one row for a stretch in which every look gave the same numbers, so that what does not change costs nothing.
//! Old rows are thinned: the last of an hour, later the last of a day, with what was burnt and added in between.

use super::accounts::Account;
use crate::forecast::Point;
use crate::options::AccountOptions;
use crate::reading::Reading;
use model::{HOUR, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use store::{Row, Store, StoreError, Tx, args};

const DAY: i64 = 24 * HOUR;
/// Looks further apart than this many intervals do not say that nothing happened in between.
const BLIND_INTERVALS: i64 = 3;

/// A stretch in which every look gave the same numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingRow {
    /// The first look.
    pub at: Timestamp,
    /// The last look.
    pub until: Timestamp,
    /// What was left, exactly.
    pub remaining: Option<String>,
    /// What there was to begin with, exactly.
    pub total: Option<String>,
    /// The unit.
    pub unit: Option<String>,
    /// Lowest level of the stretch; differs from `high` only in thinned rows.
    pub low: Option<f64>,
    /// Highest level of the stretch.
    pub high: Option<f64>,
    /// The part gone.
    pub used_ratio: Option<f64>,
    /// What was burnt since the row before.
    pub burned: f64,
    /// What was added since the row before.
    pub added: f64,
    /// Looks in it.
    pub looks: i64,
}

const COLUMNS: &str = "at, seen_until, remaining, total, unit, low, high, used_ratio, burned, added, looks";

fn row(r: &Row) -> Result<ReadingRow, StoreError> {
    Ok(ReadingRow {
        at: r.time(0)?,
        until: r.time(1)?,
        remaining: r.opt_text(2)?,
        total: r.opt_text(3)?,
        unit: r.opt_text(4)?,
        low: r.opt_real(5)?,
        high: r.opt_real(6)?,
        used_ratio: r.opt_real(7)?,
        burned: r.opt_real(8)?.unwrap_or_default(),
        added: r.opt_real(9)?.unwrap_or_default(),
        looks: r.int(10)?,
    })
}

/// Writes a good reading into the history; answers the first look that gave these numbers.
pub async fn write_reading(
    tx: &mut Tx,
    account: &Account,
    reading: &Reading,
    at: Timestamp,
) -> Result<Timestamp, StoreError> {
    if let (Some(last), Some(run_at), Some(good_at)) = (&account.reading, account.run_at, account.good_at) {
        if at <= good_at {
            return Ok(run_at);
        }
        let blind = (account.interval.as_millis() as i64).saturating_mul(BLIND_INTERVALS).max(HOUR);
        if same(last, reading) && at.0 - good_at.0 <= blind {
            let sql = "UPDATE readings SET seen_until = ?, looks = looks + 1 WHERE account = ? AND at = ?";
            if tx.exec(sql, args![at, account.id, run_at]).await? > 0 {
                return Ok(run_at);
            }
        }
    }
    let before = account.reading.as_ref().filter(|last| last.unit == reading.unit).and_then(|last| last.remaining);
    let change = before.zip(reading.remaining).map(|(before, now)| now - before).and_then(|d| d.to_f64());
    let change = change.unwrap_or_default();
    let text = |amount: Option<Decimal>| amount.map(|a| a.to_string());
    let level = reading.remaining.and_then(|r| r.to_f64());
    tx.exec(
        "INSERT INTO readings (account, at, seen_until, grain, remaining, total, unit, level, low, high, used_ratio, \
         burned, added, looks) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        args![
            account.id,
            at,
            at,
            text(reading.remaining),
            text(reading.total),
            reading.unit.clone(),
            level,
            level,
            level,
            reading.used_ratio.and_then(|r| r.to_f64()),
            (-change).max(0.0),
            change.max(0.0),
        ],
    )
    .await?;
    Ok(at)
}

fn same(a: &Reading, b: &Reading) -> bool {
    (a.remaining, a.total, a.used_ratio, &a.unit) == (b.remaining, b.total, b.used_ratio, &b.unit)
}

/// The history that a stretch of time touches, oldest first, at most `limit` rows (the newest of them).
pub async fn history(
    store: &Store,
    account: i64,
    (from, to): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<ReadingRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM readings WHERE account = ? AND at <= ? AND seen_until >= ? ORDER BY at DESC LIMIT ?"
    );
    let rows = store.query(&sql, args![account, to, from, limit]).await?;
    let mut rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    rows.reverse();
    Ok(rows)
}

/// The levels of an account since `from`, for the forecast, oldest first.
pub async fn points(tx: &mut Tx, account: i64, from: Timestamp) -> Result<Vec<Point>, StoreError> {
    let sql = "SELECT at, seen_until, level, total FROM readings WHERE account = ? AND at >= ? ORDER BY at";
    let rows = tx.query(sql, args![account, from]).await?;
    let mut points = Vec::with_capacity(rows.len());
    for r in &rows {
        if let Some(remaining) = r.opt_real(2)? {
            let total = r.opt_text(3)?.and_then(|text| text.parse().ok());
            points.push(Point { at: r.time(0)?, until: r.time(1)?, remaining, total });
        }
    }
    Ok(points)
}

/// Rows looked at in one step of thinning.
const STEP: i64 = 2000;

/// Thins what is old, a little at a time: single readings to one an hour, those to one a day. Answers whether there is
/// more to do.
pub async fn thin(tx: &mut Tx, options: &AccountOptions, now: Timestamp) -> Result<bool, StoreError> {
    let hourly = thin_to(tx, (0, 1), HOUR, now - options.raw).await?;
    let daily = thin_to(tx, (1, 2), DAY, now - options.hourly).await?;
    Ok(hourly || daily)
}

async fn thin_to(tx: &mut Tx, (from, to): (i64, i64), width: i64, before: Timestamp) -> Result<bool, StoreError> {
    let before = Timestamp(before.0 - before.0.rem_euclid(width));
    let sql = format!(
        "SELECT account, {COLUMNS}, level FROM readings WHERE grain = ? AND at < ? ORDER BY at, account LIMIT ?"
    );
    let rows = tx.query(&sql, args![from, before, STEP]).await?;
    let full = rows.len() as i64 == STEP;
    let mut old = Vec::with_capacity(rows.len());
    for r in &rows {
        old.push(Old::of(r)?);
    }
    // The last bucket may go on beyond this step; it is left for the next, unless it is all there is.
    let last = old.last().map(|o| o.at.0.div_euclid(width));
    let partial = |o: &Old| full && Some(o.at.0.div_euclid(width)) == last;
    if !old.iter().all(partial) {
        old.retain(|o| !partial(o));
    }
    old.sort_by_key(|o| (o.account, o.at));
    for bucket in old.chunk_by(|a, b| a.account == b.account && a.at.0.div_euclid(width) == b.at.0.div_euclid(width)) {
        merge(tx, bucket, to).await?;
    }
    Ok(full)
}

struct Old {
    account: i64,
    at: Timestamp,
    until: Timestamp,
    low: Option<f64>,
    high: Option<f64>,
    burned: f64,
    added: f64,
    looks: i64,
}

impl Old {
    fn of(r: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            account: r.int(0)?,
            at: r.time(1)?,
            until: r.time(2)?,
            low: r.opt_real(6)?,
            high: r.opt_real(7)?,
            burned: r.opt_real(9)?.unwrap_or_default(),
            added: r.opt_real(10)?.unwrap_or_default(),
            looks: r.int(11)?,
        })
    }
}

/// Keeps the last row of a bucket, with the extremes and the sums of all.
async fn merge(tx: &mut Tx, bucket: &[Old], grain: i64) -> Result<(), StoreError> {
    let Some((last, gone)) = bucket.split_last() else { return Ok(()) };
    let low = bucket.iter().filter_map(|o| o.low).reduce(f64::min);
    let high = bucket.iter().filter_map(|o| o.high).reduce(f64::max);
    let (burned, added): (f64, f64) = bucket.iter().fold((0.0, 0.0), |(b, a), o| (b + o.burned, a + o.added));
    let looks: i64 = bucket.iter().map(|o| o.looks).sum();
    let until = bucket.iter().map(|o| o.until).max().unwrap_or(last.until);
    tx.exec(
        "UPDATE readings SET grain = ?, low = ?, high = ?, burned = ?, added = ?, looks = ?, seen_until = ? \
         WHERE account = ? AND at = ?",
        args![grain, low, high, burned, added, looks, until, last.account, last.at],
    )
    .await?;
    if let Some(first) = gone.first() {
        tx.exec(
            "DELETE FROM readings WHERE account = ? AND at >= ? AND at < ?",
            args![last.account, first.at, last.at],
        )
        .await?;
    }
    Ok(())
}
