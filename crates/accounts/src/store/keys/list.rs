//! Pages, counts and sums of the pool.

use super::select::Chosen;
use super::{COLUMNS, KeyRow};
use crate::keys::{KeyFilter, Selection, Share, Tally, Totals};
use model::{Timestamp, WatchKind};
use std::collections::HashMap;
use store::{Row, Store, StoreError, args, list};

/// By what keys are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOrder {
    /// The order in which they came.
    #[default]
    Id,
    /// Name.
    Name,
    /// What is left.
    Remaining,
    /// What there was.
    Total,
    /// The part used.
    UsedRatio,
    /// The age of the numbers.
    GoodAt,
    /// What became of the last look.
    Status,
    /// When they came.
    CreatedAt,
}

impl KeyOrder {
    /// The words of the query.
    pub const WORDS: [(&'static str, Self); 8] = [
        ("id", Self::Id),
        ("name", Self::Name),
        ("remaining", Self::Remaining),
        ("total", Self::Total),
        ("used_ratio", Self::UsedRatio),
        ("good_at", Self::GoodAt),
        ("status", Self::Status),
        ("created_at", Self::CreatedAt),
    ];

    const fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Remaining => "remaining",
            Self::Total => "total",
            Self::UsedRatio => "used_ratio",
            Self::GoodAt => "good_at",
            Self::Status => "status",
            Self::CreatedAt => "created_at",
        }
    }

    const fn may_be_unknown(self) -> bool {
        matches!(self, Self::Remaining | Self::Total | Self::UsedRatio | Self::GoodAt)
    }
}

/// Which page of which keys.
#[derive(Clone, Debug, Default)]
pub struct KeyQuery {
    /// What they have in common.
    pub filter: KeyFilter,
    /// By what they are sorted; what is unknown comes last either way.
    pub order: KeyOrder,
    /// The greatest first.
    pub descending: bool,
    /// Keys before the page.
    pub offset: u32,
    /// Keys of the page.
    pub limit: u32,
}

/// A page of keys, and how many there are in all.
pub async fn list_keys(store: &Store, query: &KeyQuery) -> Result<(Vec<KeyRow>, u64), StoreError> {
    let chosen = Chosen::of(WatchKind::Key, &Selection::Filter(query.filter.clone()));
    let total = count(store, &chosen).await?;
    if u64::from(query.offset) >= total {
        return Ok((Vec::new(), total));
    }
    // Numbers first: an index alone gives them, so that the keys before the page are not read.
    let ids = ids_of_page(store, &chosen, query).await?;
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE id IN (@LIST@)");
    let rows = store.query_listed(&sql, args![], list(&ids)).await?;
    let mut rows: HashMap<i64, KeyRow> =
        rows.iter().map(|r| KeyRow::of(r).map(|row| (row.id, row))).collect::<Result<_, _>>()?;
    Ok((ids.iter().filter_map(|id| rows.remove(id)).collect(), total))
}

async fn count(store: &Store, chosen: &Chosen) -> Result<u64, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM accounts WHERE {}", chosen.sql);
    let row = store.query_one(&sql, chosen.values.clone()).await?;
    row.map_or(Ok(0), |r| Ok(r.int(0)?.unsigned_abs()))
}

/// The databases do not agree on where NULL is sorted: first the known, then the unknown are asked for.
async fn ids_of_page(store: &Store, chosen: &Chosen, query: &KeyQuery) -> Result<Vec<i64>, StoreError> {
    let (column, limit) = (query.order.column(), i64::from(query.limit));
    let way = if query.descending { "DESC" } else { "ASC" };
    let known = match query.order.may_be_unknown() {
        true => chosen.clone().and(&format!("{column} IS NOT NULL"), args![]),
        false => chosen.clone(),
    };
    let sort = match query.order {
        KeyOrder::Id => format!("id {way}"),
        _ => format!("{column} {way}, id {way}"),
    };
    let mut ids = page(store, &known, &sort, limit, i64::from(query.offset)).await?;
    let left = limit - ids.len() as i64;
    if left > 0 && query.order.may_be_unknown() {
        let before = match ids.is_empty() {
            true => i64::from(query.offset) - i64::try_from(count(store, &known).await?).unwrap_or(i64::MAX),
            false => 0,
        };
        let unknown = chosen.clone().and(&format!("{column} IS NULL"), args![]);
        ids.extend(page(store, &unknown, &format!("id {way}"), left, before.max(0)).await?);
    }
    Ok(ids)
}

async fn page(store: &Store, chosen: &Chosen, sort: &str, limit: i64, offset: i64) -> Result<Vec<i64>, StoreError> {
    let sql = format!("SELECT id FROM accounts WHERE {} ORDER BY {sort} LIMIT ? OFFSET ?", chosen.sql);
    store.query(&sql, chosen.values_and(args![limit, offset])).await?.iter().map(|r| r.int(0)).collect()
}

/// How many keys have which status.
pub async fn count_by_status(store: &Store, selection: &Selection) -> Result<Vec<(String, i64)>, StoreError> {
    let chosen = Chosen::of(WatchKind::Key, selection);
    let sql = format!("SELECT status, COUNT(*) FROM accounts WHERE {} GROUP BY status ORDER BY status", chosen.sql);
    store.query(&sql, chosen.values).await?.iter().map(|r| Ok((r.text(0)?, r.int(1)?))).collect()
}

/// Keys summed up in one step.
const STEP: i64 = 5000;

/// What the chosen keys have left together, and the times of the oldest and the newest look.
pub async fn tally(
    store: &Store,
    selection: &Selection,
) -> Result<(Totals, Option<Timestamp>, Option<Timestamp>), StoreError> {
    let chosen = Chosen::of(WatchKind::Key, selection);
    let mut tally = Tally::default();
    add_organisations(store, &chosen, &mut tally).await?;
    add_loners(store, &chosen, &mut tally).await?;
    let never = chosen.clone().and("org IS NULL AND good_at IS NULL", args![]);
    tally.add_unknown(count(store, &never).await?);
    let sql = format!("SELECT MIN(checked_at), MAX(checked_at) FROM accounts WHERE {}", chosen.sql);
    let looks = store.query_one(&sql, chosen.values).await?;
    let (oldest, newest) = looks.map_or(Ok((None, None)), |r| Ok::<_, StoreError>((r.opt_time(0)?, r.opt_time(1)?)))?;
    Ok((tally.finish(), oldest, newest))
}

/// The freshest member of each organisation.
async fn add_organisations(store: &Store, chosen: &Chosen, tally: &mut Tally) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT id, provider, org, good_at, reading FROM accounts WHERE id IN (SELECT id FROM (SELECT id, \
         ROW_NUMBER() OVER (PARTITION BY provider, org ORDER BY good_at DESC, id) AS place FROM accounts \
         WHERE {} AND org IS NOT NULL AND good_at IS NOT NULL) ranked WHERE place = 1)",
        chosen.sql
    );
    for row in store.query(&sql, chosen.values.clone()).await? {
        add(&row, tally)?;
    }
    Ok(())
}

/// Keys whose allowance is their own, as far as is known.
async fn add_loners(store: &Store, chosen: &Chosen, tally: &mut Tally) -> Result<(), StoreError> {
    let mut after = i64::MIN;
    loop {
        let step = chosen.clone().and("org IS NULL AND good_at IS NOT NULL AND id > ?", args![after]);
        let sql =
            format!("SELECT id, provider, org, good_at, reading FROM accounts WHERE {} ORDER BY id LIMIT ?", step.sql);
        let rows = store.query(&sql, step.values_and(args![STEP])).await?;
        for row in &rows {
            after = row.int(0)?;
            add(row, tally)?;
        }
        if (rows.len() as i64) < STEP {
            return Ok(());
        }
    }
}

fn add(r: &Row, tally: &mut Tally) -> Result<(), StoreError> {
    let share: Share = match r.opt_text(4)? {
        Some(text) => {
            serde_json::from_str(&text).map_err(|e| StoreError::Decode { column: 4, message: e.to_string() })?
        }
        None => Share::default(),
    };
    tally.add(&r.text(1)?, r.opt_text(2)?.as_deref(), Some((r.time(3)?, share)));
    Ok(())
}

/// Differs when something of the pool has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStamp([Option<i64>; 4]);

/// The stamp of the pool as it is now.
pub async fn key_stamp(store: &Store) -> Result<KeyStamp, StoreError> {
    let sql = "SELECT COUNT(*), MAX(id), MAX(checked_at), MAX(updated_at) FROM accounts WHERE kind = ?";
    let Some(row) = store.query_one(sql, args![WatchKind::Key.as_str()]).await? else {
        return Ok(KeyStamp([None; 4]));
    };
    Ok(KeyStamp([row.opt_int(0)?, row.opt_int(1)?, row.opt_int(2)?, row.opt_int(3)?]))
}
