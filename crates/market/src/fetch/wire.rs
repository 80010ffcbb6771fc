//! The search answer of `entities:search`, every shape seen from 2022 to 2026, as rows.

use super::scalar::{FirstUrl, FromAny, Scalar, any, key, quoted, read};
use engine::FetchError;
use model::Timestamp;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde::{Deserialize, Serialize};

/// More rows than this in one page is not a search page (real ones hold up to 131).
pub const MAX_ROWS: usize = 1_000;
/// The price Mercari shows for "no price"; also the highest a listing may have.
const NO_PRICE: i64 = 9_999_999;
/// Times at or after this are not times (the year 3000).
const LATEST: i64 = 32_503_680_000;
const MAX_TITLE: usize = 300;
const MAX_URL: usize = 2_000;

/// Where a listing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// To be had.
    OnSale,
    /// Bought, not yet delivered.
    Trading,
    /// Bought and delivered.
    SoldOut,
}

/// What sort of listing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A person's listing at a fixed price.
    Personal,
    /// A Mercari Shops product; its `created` moves, so it resurfaces as new.
    Shops,
    /// A person's auction; its price is the current bid and its `updated` moves with bids.
    Auction,
}

/// One listing as a search page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Mercari's id: `m` and digits, or 22 characters for Shops.
    pub source_id: String,
    /// The title, without control characters, at most 300 characters.
    pub title: String,
    /// JPY; `None` when the listing has no price.
    pub price: Option<i64>,
    /// Where it stands.
    pub status: RowStatus,
    /// When it was listed.
    pub created: Option<Timestamp>,
    /// When it was last edited, bought or moved on.
    pub updated: Option<Timestamp>,
    /// Its thumbnail.
    pub image_url: Option<String>,
    /// Its page.
    pub item_url: String,
    /// What sort it is.
    pub kind: RowKind,
}

/// A row that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRow {
    /// Its place on the page, from 0.
    pub index: usize,
    /// Its id, as far as it has a usable one.
    pub id: Option<String>,
    /// Why.
    pub reason: String,
}

/// One page of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The listings, in order.
    pub rows: Vec<Row>,
    /// What was not understood.
    pub skipped: Vec<SkippedRow>,
    /// How many Mercari says there are: capped at 15,000 and only roughly right.
    pub num_found: Option<u64>,
    /// Nothing matches and the page held substitutes, which are left out.
    pub no_exact_match: bool,
    /// Where the next page is; `None` on the last.
    pub next_token: Option<String>,
}

/// Reads a search answer. A row that makes no sense is skipped with its reason; `Malformed`, with what and where, when
/// the answer is no search page, or when ten rows or more make no sense and none does.
pub fn parse_page(body: &[u8]) -> Result<Page, FetchError> {
    let raw: RawPage<'_> = read(body).map_err(|e| malformed(&e.to_string()))?;
    let meta = raw.meta.ok_or_else(|| malformed("no object `meta`"))?;
    let next = meta.next_page_token.text().map_err(|odd| malformed(&format!("meta.nextPageToken is {odd}")))?;
    let num_found = meta.num_found.int().ok().flatten().and_then(|n| u64::try_from(n).ok());
    let next_token = next.filter(|token| !token.is_empty()).map(str::to_owned);
    let mut page = Page { num_found, next_token, ..Page::default() };
    let nothing_found = num_found == Some(0);
    match raw.items {
        Items::Missing if nothing_found => {}
        Items::Missing => return Err(malformed("no list `items`")),
        Items::TooMany => return Err(malformed(&format!("more than {MAX_ROWS} items"))),
        Items::List(list) if nothing_found => page.no_exact_match = !list.is_empty(),
        Items::List(list) => fill(&mut page, list),
    }
    if page.rows.is_empty() && page.skipped.len() >= 10 {
        let first = &page.skipped[0];
        return Err(malformed(&format!(
            "none of {} rows; items[{}]: {}",
            page.skipped.len(),
            first.index,
            first.reason
        )));
    }
    Ok(page)
}

fn fill(page: &mut Page, list: Vec<RawRow<'_>>) {
    page.rows.reserve_exact(list.len());
    for (index, raw) in list.into_iter().enumerate() {
        match raw.row() {
            Ok(row) => page.rows.push(row),
            Err(reason) => page.skipped.push(SkippedRow { index, id: raw.id().ok().map(str::to_owned), reason }),
        }
    }
}

fn malformed(what: &str) -> FetchError {
    FetchError::Malformed(format!("search answer: {what}"))
}

#[derive(Default)]
struct RawPage<'a> {
    meta: Option<RawMeta<'a>>,
    items: Items<'a>,
}

impl<'de> FromAny<'de> for RawPage<'de> {
    fn scalar(_: Scalar<'de>) -> Self {
        Self::default()
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut page = Self::default();
        while let Some(key) = key(&mut object)? {
            match &*key {
                "meta" => page.meta = object.next_value_seed(any())?,
                "items" => page.items = object.next_value_seed(any())?,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(page)
    }
}

#[derive(Default)]
struct RawMeta<'a> {
    next_page_token: Scalar<'a>,
    num_found: Scalar<'a>,
}

impl<'de> FromAny<'de> for Option<RawMeta<'de>> {
    fn scalar(_: Scalar<'de>) -> Self {
        None
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut meta = RawMeta::default();
        while let Some(key) = key(&mut object)? {
            match &*key {
                "nextPageToken" => meta.next_page_token = object.next_value_seed(any())?,
                "numFound" => meta.num_found = object.next_value_seed(any())?,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Some(meta))
    }
}

#[derive(Default)]
enum Items<'a> {
    #[default]
    Missing,
    TooMany,
    List(Vec<RawRow<'a>>),
}

impl<'de> FromAny<'de> for Items<'de> {
    fn scalar(_: Scalar<'de>) -> Self {
        Self::Missing
    }

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut rows = Vec::with_capacity(128);
        while let Some(row) = list.next_element_seed(any())? {
            if rows.len() == MAX_ROWS {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Self::TooMany);
            }
            rows.push(row);
        }
        Ok(Self::List(rows))
    }
}

/// One row as it comes; a value that is no object has `not_an_object`.
#[derive(Default)]
struct RawRow<'a> {
    id: Scalar<'a>,
    status: Scalar<'a>,
    name: Scalar<'a>,
    price: Scalar<'a>,
    created: Scalar<'a>,
    updated: Scalar<'a>,
    thumbnails: FirstUrl<'a>,
    photos: FirstUrl<'a>,
    item_type: Scalar<'a>,
    is_no_price: Scalar<'a>,
    auction: Scalar<'a>,
    not_an_object: bool,
}

impl<'de> FromAny<'de> for RawRow<'de> {
    fn scalar(_: Scalar<'de>) -> Self {
        Self { not_an_object: true, ..Self::default() }
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut row = Self::default();
        while let Some(key) = key(&mut object)? {
            let field = match &*key {
                "id" => &mut row.id,
                "status" => &mut row.status,
                "name" => &mut row.name,
                "price" => &mut row.price,
                "created" => &mut row.created,
                "updated" => &mut row.updated,
                "itemType" => &mut row.item_type,
                "isNoPrice" => &mut row.is_no_price,
                "auction" => &mut row.auction,
                "thumbnails" => {
                    row.thumbnails = object.next_value_seed(any())?;
                    continue;
                }
                "photos" => {
                    row.photos = object.next_value_seed(any())?;
                    continue;
                }
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = object.next_value_seed(any())?;
        }
        Ok(row)
    }
}

impl RawRow<'_> {
    fn id(&self) -> Result<&str, String> {
        let id = self.id.text().map_err(|odd| format!("id is {odd}"))?.unwrap_or_default();
        // It becomes part of a URL and of a primary key.
        let usable = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        match id.len() {
            0 => Err("no id".into()),
            1..=64 if usable => Ok(id),
            _ => Err(format!("id is {}", quoted(id))),
        }
    }

    fn row(&self) -> Result<Row, String> {
        if self.not_an_object {
            return Err("not an object".into());
        }
        let id = self.id()?;
        let status = match self.status.text().map_err(|odd| format!("status is {odd}"))? {
            Some("ITEM_STATUS_ON_SALE") => RowStatus::OnSale,
            Some("ITEM_STATUS_TRADING") => RowStatus::Trading,
            Some("ITEM_STATUS_SOLD_OUT") => RowStatus::SoldOut,
            Some(other) => return Err(format!("status is {}", quoted(other))),
            None => return Err("no status".into()),
        };
        let kind = self.kind(id);
        let path = if kind == RowKind::Shops { "shops/product" } else { "item" };
        Ok(Row {
            source_id: id.to_owned(),
            title: clean(self.name.text().map_err(|odd| format!("name is {odd}"))?.unwrap_or_default()),
            price: self.price()?,
            status,
            created: time(&self.created, "created")?,
            updated: time(&self.updated, "updated")?,
            image_url: [&self.thumbnails, &self.photos].into_iter().find_map(image),
            item_url: format!("https://jp.mercari.com/{path}/{id}"),
            kind,
        })
    }

    fn price(&self) -> Result<Option<i64>, String> {
        let price = self.price.int().map_err(|odd| format!("price is {odd}"))?;
        let hidden = matches!(&self.is_no_price, Scalar::Bool(true));
        Ok(price.filter(|p| !hidden && (1..NO_PRICE).contains(p)))
    }

    fn kind(&self, id: &str) -> RowKind {
        let personal_id = id.strip_prefix('m').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        match self.item_type.text() {
            Ok(Some("ITEM_TYPE_BEYOND")) => RowKind::Shops,
            Ok(Some("ITEM_TYPE_MERCARI")) if self.is_auction() => RowKind::Auction,
            Ok(Some("ITEM_TYPE_MERCARI")) => RowKind::Personal,
            _ if !personal_id => RowKind::Shops,
            _ if self.is_auction() => RowKind::Auction,
            _ => RowKind::Personal,
        }
    }

    const fn is_auction(&self) -> bool {
        !matches!(self.auction, Scalar::Absent)
    }
}

fn time(value: &Scalar<'_>, key: &str) -> Result<Option<Timestamp>, String> {
    let seconds = value.int().map_err(|odd| format!("{key} is {odd}"))?;
    Ok(seconds.filter(|s| (1..LATEST).contains(s)).map(Timestamp::from_secs))
}

fn image(url: &FirstUrl<'_>) -> Option<String> {
    let url = url.0.as_deref()?;
    let sound = url.len() <= MAX_URL && url.starts_with("https://") && !url.contains(char::is_control);
    sound.then(|| url.to_owned())
}

/// Databases refuse NUL in text, and one seller must not be able to fail a whole crawl.
fn clean(title: &str) -> String {
    title.chars().take(MAX_TITLE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn item() -> Value {
        json!({"id": "m87177707015", "status": "ITEM_STATUS_ON_SALE", "name": "iPhone15", "price": "70000",
            "created": "1788341954", "updated": "1788342482", "itemType": "ITEM_TYPE_MERCARI",
            "thumbnails": ["https://static.mercdn.net/thumb/item/webp/m87177707015_1.jpg?1788341954"]})
    }

    fn page(items: &[Value]) -> Page {
        let body = json!({"meta": {"nextPageToken": "v1:1", "numFound": "2472"}, "items": items, "components": []});
        parse_page(body.to_string().as_bytes()).unwrap()
    }

    fn with(key: &str, value: Value) -> Value {
        let mut item = item();
        item[key] = value;
        item
    }

    fn row(key: &str, value: Value) -> Row {
        page(&[with(key, value)]).rows.remove(0)
    }

    #[test]
    fn a_row_is_read_whole() {
        let page = page(&[item()]);
        assert_eq!((page.num_found, page.next_token.as_deref()), (Some(2472), Some("v1:1")));
        let row = &page.rows[0];
        assert_eq!(row.item_url, "https://jp.mercari.com/item/m87177707015");
        assert_eq!((row.price, row.status, row.kind), (Some(70_000), RowStatus::OnSale, RowKind::Personal));
        assert_eq!(row.created, Some(Timestamp::from_secs(1_788_341_954)));
        assert!(row.image_url.as_deref().is_some_and(|u| u.ends_with("?1788341954")));
    }

    #[test]
    fn a_price_is_a_price_or_nothing() {
        for (price, expected) in [
            (json!("1500"), Some(1500)),
            (json!(1500), Some(1500)),
            (json!(9_999_998), Some(9_999_998)),
            (json!("9999999"), None),
            (json!("0"), None),
            (json!(-300), None),
            (json!("99999999999999"), None),
            (Value::Null, None),
        ] {
            assert_eq!(row("price", price.clone()).price, expected, "{price}");
        }
        assert_eq!(row("isNoPrice", json!(true)).price, None);
    }

    #[test]
    fn a_time_is_a_time_or_unknown() {
        for odd in [json!("0"), json!("-5"), json!(i64::MAX), json!(""), Value::Null] {
            assert_eq!(row("updated", odd.clone()).updated, None, "{odd}");
        }
        assert_eq!(row("updated", json!(1_788_342_482)).updated, Some(Timestamp::from_secs(1_788_342_482)));
    }

    #[test]
    fn kinds_are_told_apart_even_without_a_type() {
        assert_eq!(row("auction", json!({"id": "", "bidDeadline": "2026-09-02T11:39:00Z"})).kind, RowKind::Auction);
        assert_eq!(row("itemType", Value::Null).kind, RowKind::Personal);
        let mut shop = with("id", json!("2JVoP4vefPkskNLnvGbb9P"));
        shop["itemType"] = json!("ITEM_TYPE_BEYOND");
        let shop = page(&[shop]).rows.remove(0);
        assert_eq!(shop.kind, RowKind::Shops);
        assert_eq!(shop.item_url, "https://jp.mercari.com/shops/product/2JVoP4vefPkskNLnvGbb9P");
    }

    #[test]
    fn a_row_that_makes_no_sense_is_skipped_and_the_page_stands() {
        let odd = [
            with("id", Value::Null),
            with("id", json!("../../etc")),
            with("id", json!(7)),
            with("status", json!("ITEM_STATUS_STOP")),
            with("status", json!(["ITEM_STATUS_ON_SALE"])),
            with("price", json!({"jpy": 5})),
            with("created", json!("yesterday")),
            with("name", json!(5)),
            json!("m87177707015"),
            item(),
        ];
        let page = page(&odd);
        assert_eq!((page.rows.len(), page.skipped.len()), (1, 9));
        assert_eq!(page.skipped[1].reason, r#"id is "../../etc""#);
        assert_eq!(page.skipped[3].id.as_deref(), Some("m87177707015"));
        assert_eq!(page.skipped[3].reason, r#"status is "ITEM_STATUS_STOP""#);
    }

    #[test]
    fn control_characters_never_reach_the_store() {
        let title = row("name", json!("a\u{0}b\nc")).title;
        assert_eq!(title, "a b c");
        assert_eq!(row("name", json!("あ".repeat(1_000))).title.chars().count(), 300);
        assert_eq!(row("thumbnails", json!(["javascript:alert(1)"])).image_url, None);
    }

    #[test]
    fn substitutes_for_nothing_are_not_ingested() {
        let body = json!({"meta": {"numFound": "0", "nextPageToken": ""}, "items": [item(), item()]}).to_string();
        let page = parse_page(body.as_bytes()).unwrap();
        assert!(page.no_exact_match && page.rows.is_empty() && page.next_token.is_none());
    }

    #[test]
    fn what_is_no_search_page_is_malformed() {
        let changed: Vec<_> = (0..10).map(|_| with("status", json!("STATUS_NEW"))).collect();
        let many: Vec<_> = (0..=MAX_ROWS).map(|_| item()).collect();
        let meta = json!({"numFound": "5", "nextPageToken": ""});
        for body in [
            String::new(),
            "[]".into(),
            "null".into(),
            "<html>".into(),
            json!({"meta": meta}).to_string(),
            json!({"meta": meta, "items": {}}).to_string(),
            json!({"items": [item()]}).to_string(),
            json!({"meta": {"nextPageToken": 7}, "items": [item()]}).to_string(),
            json!({"meta": meta, "items": changed}).to_string(),
            json!({"meta": meta, "items": many}).to_string(),
            json!({"meta": meta, "items": [item()]}).to_string() + "x",
        ] {
            let error = parse_page(body.as_bytes()).unwrap_err();
            assert_eq!(error.class(), "malformed", "{}", &body[..body.len().min(80)]);
        }
    }
}
