//! Tracked IPs.

use crate::detect::Tracking;
use model::{TargetState, Timestamp, WatchKind};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;
use store::{Row, Store, StoreError, Tx, Value, args};

/// A tracked IP (a franchise): its name is the search keyword.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Ip {
    /// Its number.
    pub id: i64,
    /// Japanese name, the search keyword, unique.
    pub name: String,
    /// English name, may be empty.
    pub name_en: String,
    /// Chinese name, may be empty.
    pub name_cn: String,
    /// anime, game, vocaloid, character, vtuber …
    pub category: String,
    /// Free words.
    pub tags: Vec<String>,
    /// A picture.
    pub image_url: String,
    /// A number of another system.
    pub external_id: String,
    /// Free text.
    pub notes: String,
    /// base interval / interval, 0.1–10.
    pub weight: f64,
    /// Whether it is crawled.
    pub status: TargetState,
    /// Thresholds of its own, as JSON; empty for the general ones.
    #[serde(skip)]
    pub thresholds: String,
    /// When the last complete crawl began.
    #[serde(rename = "last_crawled_at")]
    pub crawled_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
    /// When the first complete crawl began.
    pub tracking_since: Option<Timestamp>,
    /// Hours that end before this are complete.
    pub covered_until: Option<Timestamp>,
    /// Listings on sale as of the last crawl.
    pub on_sale_total: Option<i64>,
    /// Sold listings Mercari says it knows.
    pub sold_total: Option<i64>,
}

/// What a person says of a new IP.
#[derive(Clone, Debug, PartialEq)]
pub struct IpDraft {
    /// Search keyword.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Chinese name.
    pub name_cn: String,
    /// anime, game …
    pub category: String,
    /// Free words.
    pub tags: Vec<String>,
    /// A picture.
    pub image_url: String,
    /// A number of another system.
    pub external_id: String,
    /// Free text.
    pub notes: String,
    /// 0.1–10.
    pub weight: f64,
}

/// What a person changes; `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpPatch {
    /// Search keyword.
    pub name: Option<String>,
    /// English name.
    pub name_en: Option<String>,
    /// Chinese name.
    pub name_cn: Option<String>,
    /// anime, game …
    pub category: Option<String>,
    /// Free words.
    pub tags: Option<Vec<String>>,
    /// A picture.
    pub image_url: Option<String>,
    /// A number of another system.
    pub external_id: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// 0.1–10.
    pub weight: Option<f64>,
    /// Whether it is crawled.
    pub status: Option<TargetState>,
    /// Thresholds of its own, as JSON.
    pub thresholds: Option<String>,
}

/// Which IPs to list.
#[derive(Clone, Debug, Default)]
pub struct IpFilter {
    /// Only this status; without it all but the deleted.
    pub status: Option<TargetState>,
    /// Only this category.
    pub category: Option<String>,
    /// Part of any of its names.
    pub keyword: Option<String>,
    /// Rows to pass over.
    pub offset: u32,
    /// Rows at most.
    pub limit: u32,
}

const COLUMNS: &str = "id, name, name_en, name_cn, category, tags, image_url, external_id, notes, weight, status, \
     thresholds, crawled_at, created_at, updated_at, tracking_since, covered_until, on_sale_total, sold_total";

fn ip(r: &Row) -> Result<Ip, StoreError> {
    let status = r.text(10)?;
    let tags = r.text(5)?;
    Ok(Ip {
        id: r.int(0)?,
        name: r.text(1)?,
        name_en: r.text(2)?,
        name_cn: r.text(3)?,
        category: r.text(4)?,
        tags: serde_json::from_str(&tags).map_err(|e| StoreError::Decode { column: 5, message: e.to_string() })?,
        image_url: r.text(6)?,
        external_id: r.text(7)?,
        notes: r.text(8)?,
        weight: r.opt_real(9)?.unwrap_or(1.0),
        status: TargetState::parse(&status).ok_or(StoreError::Decode { column: 10, message: status })?,
        thresholds: r.text(11)?,
        crawled_at: r.opt_time(12)?,
        created_at: r.time(13)?,
        updated_at: r.time(14)?,
        tracking_since: r.opt_time(15)?,
        covered_until: r.opt_time(16)?,
        on_sale_total: r.opt_int(17)?,
        sold_total: r.opt_int(18)?,
    })
}

fn tags_json(tags: &[String]) -> String {
    serde_json::Value::from(tags.to_vec()).to_string()
}

/// Adds an IP and its target, due now.
pub async fn add_ip(tx: &mut Tx, draft: &IpDraft, interval: Duration, now: Timestamp) -> Result<i64, StoreError> {
    let id = tx
        .insert_id(
            "INSERT INTO ips (name, name_en, name_cn, category, tags, image_url, external_id, notes, weight, status, \
             thresholds, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', '', ?, ?)",
            args![
                &draft.name,
                &draft.name_en,
                &draft.name_cn,
                &draft.category,
                tags_json(&draft.tags),
                &draft.image_url,
                &draft.external_id,
                &draft.notes,
                draft.weight,
                now,
                now,
            ],
        )
        .await?;
    store::add_target(tx, WatchKind::Market, id, now, interval).await?;
    Ok(id)
}

/// One IP by number, deleted ones too.
pub async fn get_ip(store: &Store, id: i64) -> Result<Option<Ip>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM ips WHERE id = ?");
    store.query_one(&sql, args![id]).await?.as_ref().map(ip).transpose()
}

impl Ip {
    /// Reads an IP within a transaction.
    pub async fn load(tx: &mut Tx, id: i64) -> Result<Option<Self>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM ips WHERE id = ?");
        tx.query_one(&sql, args![id]).await?.as_ref().map(ip).transpose()
    }

    /// What the next crawl goes by.
    pub fn tracking(&self, known_on_sale: i64) -> Tracking {
        Tracking {
            since: self.tracking_since,
            previous: self.crawled_at,
            covered_until: self.covered_until,
            known_on_sale,
        }
    }
}

/// One IP by its keyword, deleted ones too.
pub async fn find_ip_by_name(tx: &mut Tx, name: &str) -> Result<Option<Ip>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM ips WHERE name = ?");
    tx.query_one(&sql, args![name]).await?.as_ref().map(ip).transpose()
}

/// A page of IPs by number, and how many there are in all.
pub async fn list_ips(store: &Store, filter: &IpFilter) -> Result<(Vec<Ip>, i64), StoreError> {
    let mut conditions: Vec<&str> = Vec::new();
    let mut values = args![];
    match filter.status {
        Some(status) => {
            conditions.push("status = ?");
            values.extend(args![status.as_str()]);
        }
        None => conditions.push("status <> 'deleted'"),
    }
    if let Some(category) = &filter.category {
        conditions.push("category = ?");
        values.extend(args![category]);
    }
    if let Some(keyword) = &filter.keyword {
        conditions.push(
            "(LOWER(name) LIKE ? ESCAPE '!' OR LOWER(name_en) LIKE ? ESCAPE '!' OR LOWER(name_cn) LIKE ? ESCAPE '!')",
        );
        let escaped = keyword.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        let pattern = format!("%{escaped}%");
        values.extend(args![&pattern, &pattern, &pattern]);
    }
    let conditions = conditions.join(" AND ");
    let total = store.query_one(&format!("SELECT COUNT(*) FROM ips WHERE {conditions}"), values.clone()).await?;
    let total = total.map_or(Ok(0), |r| r.int(0))?;
    values.extend(args![filter.limit, filter.offset]);
    let sql = format!("SELECT {COLUMNS} FROM ips WHERE {conditions} ORDER BY id LIMIT ? OFFSET ?");
    let rows = store.query(&sql, values).await?;
    Ok((rows.iter().map(ip).collect::<Result<_, _>>()?, total))
}

/// Changes what the patch names, and the target with it; answers false when there is no such IP.
pub async fn update_ip(tx: &mut Tx, id: i64, patch: &IpPatch, now: Timestamp) -> Result<bool, StoreError> {
    let mut sets = vec!["updated_at = ?"];
    let mut values = args![now];
    let mut set = |sql: &'static str, value: Option<Value>| {
        if let Some(value) = value {
            sets.push(sql);
            values.push(value);
        }
    };
    set("name = ?", patch.name.as_ref().map(Value::from));
    set("name_en = ?", patch.name_en.as_ref().map(Value::from));
    set("name_cn = ?", patch.name_cn.as_ref().map(Value::from));
    set("category = ?", patch.category.as_ref().map(Value::from));
    set("tags = ?", patch.tags.as_ref().map(|t| tags_json(t).into()));
    set("image_url = ?", patch.image_url.as_ref().map(Value::from));
    set("external_id = ?", patch.external_id.as_ref().map(Value::from));
    set("notes = ?", patch.notes.as_ref().map(Value::from));
    set("weight = ?", patch.weight.map(Value::from));
    set("status = ?", patch.status.map(|s| s.as_str().into()));
    set("thresholds = ?", patch.thresholds.as_ref().map(Value::from));
    values.push(id.into());
    let found = tx.exec(&format!("UPDATE ips SET {} WHERE id = ?", sets.join(", ")), values).await? > 0;
    if let Some(state) = patch.status {
        store::set_target_state(tx, WatchKind::Market, id, state).await?;
    }
    Ok(found)
}

/// Writes where a recorded crawl leaves the IP.
pub async fn write_tracking(
    tx: &mut Tx,
    id: i64,
    changes: &crate::detect::Changes,
    seen_at: Timestamp,
    weight: f64,
) -> Result<(), StoreError> {
    tx.exec(
        "UPDATE ips SET crawled_at = ?, covered_until = ?, on_sale_total = ?, sold_total = ?, weight = ?, \
         tracking_since = COALESCE(tracking_since, ?) WHERE id = ?",
        args![seen_at, changes.covered_until, changes.on_sale_total, changes.sold_total, weight, seen_at, id],
    )
    .await?;
    Ok(())
}
