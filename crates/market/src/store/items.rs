//! Items: every listing ever seen, until it has not been seen for a long time.

use crate::detect::{Known, KnownStatus, Transition, TransitionKind};
use crate::fetch::wire::{RowKind, RowStatus};
use model::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use store::{OnConflict, Row, Set, Store, StoreError, Tx, Value, args, list};

/// An item as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Item")]
pub struct ItemRow {
    /// Its number.
    pub id: i64,
    /// The IP.
    pub ip_id: i64,
    /// Mercari's id.
    pub source_id: String,
    /// Its title.
    pub title: String,
    /// JPY; null without a price.
    pub price: Option<i64>,
    /// on_sale, sold or deleted.
    pub status: String,
    /// personal, shops or auction.
    pub kind: String,
    /// Its picture.
    pub image_url: Option<String>,
    /// Its page.
    pub item_url: String,
    /// First sight.
    pub first_seen_at: Timestamp,
    /// Last sight.
    pub last_seen_at: Timestamp,
    /// When it was listed.
    pub listed_at: Option<Timestamp>,
    /// When it was bought.
    pub sold_at: Option<Timestamp>,
    /// Its price was changed since first sight.
    pub price_changed: bool,
}

/// Which items to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct ItemFilter {
    /// Only on sale, or only sold.
    pub status: Option<KnownStatus>,
    /// Rows to pass over.
    pub offset: u32,
    /// Rows at most.
    pub limit: u32,
}

impl KnownStatus {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnSale => "on_sale",
            Self::Sold => "sold",
        }
    }

    fn read(text: &str) -> Self {
        if text == "on_sale" { Self::OnSale } else { Self::Sold }
    }
}

const fn kind(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Personal => "personal",
        RowKind::Shops => "shops",
        RowKind::Auction => "auction",
    }
}

/// What the store knows of the given ids.
pub async fn known_rows(tx: &mut Tx, ip_id: i64, ids: &[&str]) -> Result<HashMap<String, Known>, StoreError> {
    let sql = "SELECT source_id, status, price, last_seen_at FROM items WHERE ip_id = ? AND source_id IN (@LIST@)";
    let mut known = HashMap::with_capacity(ids.len());
    for r in tx.query_listed(sql, args![ip_id], list(ids)).await? {
        let row = Known { status: KnownStatus::read(&r.text(1)?), price: r.opt_int(2)?, last_seen: r.time(3)? };
        known.insert(r.text(0)?, row);
    }
    Ok(known)
}

/// How many listings were seen on sale at or after `since`.
pub async fn known_on_sale(tx: &mut Tx, ip_id: i64, since: Timestamp) -> Result<i64, StoreError> {
    let row = tx
        .query_one(
            "SELECT COUNT(*) FROM items WHERE ip_id = ? AND status = 'on_sale' AND last_seen_at >= ?",
            args![ip_id, since],
        )
        .await?;
    row.map_or(Ok(0), |r| r.int(0))
}

/// The ids the previous crawl saw, with their status: the ground on which a stream may stop early.
pub async fn seen_at_last_crawl(
    store: &Store,
    ip_id: i64,
    crawled_at: Timestamp,
) -> Result<Vec<(String, KnownStatus)>, StoreError> {
    let mut seen = Vec::new();
    for status in [KnownStatus::OnSale, KnownStatus::Sold] {
        let rows = store
            .query(
                "SELECT source_id FROM items WHERE ip_id = ? AND status = ? AND last_seen_at >= ? \
                 ORDER BY last_seen_at DESC LIMIT 1500",
                args![ip_id, status.as_str(), crawled_at],
            )
            .await?;
        for r in rows {
            seen.push((r.text(0)?, status));
        }
    }
    Ok(seen)
}

const WRITTEN: &[&str] = &[
    "ip_id",
    "source_id",
    "title",
    "price",
    "status",
    "kind",
    "image_url",
    "item_url",
    "first_seen_at",
    "last_seen_at",
    "listed_at",
    "sold_at",
    "price_changed",
];

/// Writes new and changed rows, and the last sight of the others.
pub async fn write_items(
    tx: &mut Tx,
    ip_id: i64,
    transitions: &[Transition],
    unchanged: &[String],
    seen_at: Timestamp,
) -> Result<(), StoreError> {
    let rows = transitions.iter().map(|t| values(ip_id, t, seen_at)).collect();
    tx.insert_many("items", WRITTEN, rows, OnConflict::Update(&["ip_id", "source_id"], UPDATED)).await?;
    let sql = "UPDATE items SET last_seen_at = ? WHERE ip_id = ? AND source_id IN (@LIST@)";
    tx.exec_listed(sql, args![seen_at, ip_id], list(unchanged)).await?;
    Ok(())
}

const UPDATED: &[Set] = &[
    Set::To("title"),
    Set::To("price"),
    Set::To("status"),
    Set::To("image_url"),
    Set::To("last_seen_at"),
    Set::To("sold_at"),
    Set::Plus("price_changed"),
];

fn values(ip_id: i64, t: &Transition, seen_at: Timestamp) -> Vec<Value> {
    let row = &t.row;
    let on_sale = row.status == RowStatus::OnSale;
    let status = if on_sale { KnownStatus::OnSale } else { KnownStatus::Sold };
    // Set on every sale; of one that was over before we looked, `updated` is the best that is known.
    let sold_at = if on_sale { None } else { t.sold.or(row.updated).or(Some(seen_at)) };
    args![
        ip_id,
        &row.source_id,
        &row.title,
        row.price,
        status.as_str(),
        kind(row.kind),
        row.image_url.as_deref(),
        &row.item_url,
        seen_at,
        seen_at,
        row.created,
        sold_at,
        t.kind == TransitionKind::PriceChange,
    ]
}

fn item(r: &Row) -> Result<ItemRow, StoreError> {
    Ok(ItemRow {
        id: r.int(0)?,
        ip_id: r.int(1)?,
        source_id: r.text(2)?,
        title: r.text(3)?,
        price: r.opt_int(4)?,
        status: r.text(5)?,
        kind: r.text(6)?,
        image_url: r.opt_text(7)?,
        item_url: r.text(8)?,
        first_seen_at: r.time(9)?,
        last_seen_at: r.time(10)?,
        listed_at: r.opt_time(11)?,
        sold_at: r.opt_time(12)?,
        price_changed: r.flag(13)?,
    })
}

/// A page of an IP's items, newest seen first, and how many there are in all.
pub async fn list_items(store: &Store, ip_id: i64, filter: ItemFilter) -> Result<(Vec<ItemRow>, i64), StoreError> {
    let mut conditions = "ip_id = ?".to_owned();
    let mut values = args![ip_id];
    if let Some(status) = filter.status {
        conditions.push_str(" AND status = ?");
        values.extend(args![status.as_str()]);
    }
    let total = store.query_one(&format!("SELECT COUNT(*) FROM items WHERE {conditions}"), values.clone()).await?;
    let total = total.map_or(Ok(0), |r| r.int(0))?;
    values.extend(args![filter.limit, filter.offset]);
    let sql = format!(
        "SELECT id, {} FROM items WHERE {conditions} ORDER BY last_seen_at DESC, id DESC LIMIT ? OFFSET ?",
        WRITTEN.join(", ")
    );
    let rows = store.query(&sql, values).await?;
    Ok((rows.iter().map(item).collect::<Result<_, _>>()?, total))
}
