//! Keys of the pool: rows of `accounts` whose kind is `key`.

mod add;
mod bulk;
mod list;
mod select;

pub use add::{Batch, NewKey, add_keys, known_fingerprints, open_import};
pub use bulk::{delete_keys, ids_after, tag_keys};
pub use list::{KeyOrder, KeyQuery, KeyStamp, count_by_status, key_stamp, list_keys, tally};
pub use select::Chosen;

use super::accounts::json;
use crate::keys::{Selection, Share};
use crate::reading::Reading;
use model::{TargetState, Timestamp, WatchKind};
use store::{Row, Store, StoreError, args};

/// A key with the latest of it, without its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRow {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// `abcd...wxyz`.
    pub mask: String,
    /// The provider's name.
    pub provider: String,
    /// Free labels.
    pub tags: Vec<String>,
    /// The organisation whose allowance it shares, once learnt.
    pub org: Option<String>,
    /// Active or paused.
    pub state: TargetState,
    /// What became of the last look; `new` before the first.
    pub status: String,
    /// Why the last look gave no numbers, or a warning beside them.
    pub error: Option<String>,
    /// The last good reading.
    pub reading: Option<Reading>,
    /// When it was looked at last.
    pub checked_at: Option<Timestamp>,
    /// When the numbers were true.
    pub good_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, name, mask, provider, tags, org, state, status, error, reading, checked_at, good_at, \
     created_at";

impl KeyRow {
    fn of(r: &Row) -> Result<Self, StoreError> {
        let state = r.text(6)?;
        let reading = r.opt_text(9)?.map(|_| json(r, 9)).transpose()?;
        Ok(Self {
            id: r.int(0)?,
            name: r.text(1)?,
            mask: r.text(2)?,
            provider: r.text(3)?,
            tags: json(r, 4)?,
            org: r.opt_text(5)?,
            state: TargetState::parse(&state).ok_or(StoreError::Decode { column: 6, message: state })?,
            status: r.text(7)?,
            error: r.opt_text(8)?,
            reading,
            checked_at: r.opt_time(10)?,
            good_at: r.opt_time(11)?,
            created_at: r.time(12)?,
        })
    }
}

/// The key of this number.
pub async fn get_key(store: &Store, id: i64) -> Result<Option<KeyRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE id = ? AND kind = ?");
    let row = store.query_one(&sql, args![id, WatchKind::Key.as_str()]).await?;
    row.as_ref().map(KeyRow::of).transpose()
}

/// Up to `limit` of the chosen keys after the number `after`, by number.
pub async fn keys_after(
    store: &Store,
    selection: &Selection,
    after: i64,
    limit: usize,
) -> Result<Vec<KeyRow>, StoreError> {
    let chosen = Chosen::of(WatchKind::Key, selection).and("id > ?", args![after]);
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE {} ORDER BY id LIMIT ?", chosen.sql);
    store.query(&sql, chosen.values_and(args![limit])).await?.iter().map(KeyRow::of).collect()
}

/// Number, name and sealed secret of up to `limit` of the chosen keys after the number `after`.
pub async fn sealed_after(
    store: &Store,
    selection: &Selection,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, String)>, StoreError> {
    let chosen = Chosen::of(WatchKind::Key, selection).and("id > ?", args![after]);
    let sql = format!("SELECT id, secret FROM accounts WHERE {} ORDER BY id LIMIT ?", chosen.sql);
    let rows = store.query(&sql, chosen.values_and(args![limit])).await?;
    rows.iter().map(|r| Ok((r.int(0)?, r.opt_text(1)?.unwrap_or_default()))).collect()
}

/// What the last good reading of a key says of its allowance.
pub fn share_of(key: &KeyRow) -> Option<(Timestamp, Share)> {
    let (at, reading) = (key.good_at?, key.reading.as_ref()?);
    let share = Share {
        remaining: reading.remaining,
        total: reading.total,
        used: reading.used,
        unit: reading.unit.clone(),
        unlimited: reading.unlimited,
    };
    Some((at, share))
}
