//! The messages of `proto/crawler.proto` as they are written.

use super::json::{int64, is_default, optional};
use serde::{Deserialize, Deserializer, Serialize, de};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CrawlRequest {
    #[serde(with = "int64", skip_serializing_if = "is_default")]
    pub(super) ip_id: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) keyword: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) task_id: String,
    #[serde(with = "int64", skip_serializing_if = "is_default")]
    pub(super) created_at: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) retry_count: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) pages_on_sale: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) pages_sold: u32,
    #[serde(with = "int64", skip_serializing_if = "is_default")]
    pub(super) handed_at_ms: i64,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) lease_until_ms: Option<i64>,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) since_ms: Option<i64>,
    #[serde(with = "int64", skip_serializing_if = "is_default")]
    pub(super) index_lag_ms: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) known_on_sale: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) known_sold: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) ground_run_on_sale: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) ground_run_sold: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) traceparent: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Item {
    #[serde(skip_serializing_if = "is_default")]
    pub(super) source_id: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) title: String,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) price: Option<i64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) image_url: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) item_url: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) status: ItemStatus,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) created_ms: Option<i64>,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) updated_ms: Option<i64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) kind: ItemKind,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) trading: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Skipped {
    #[serde(skip_serializing_if = "is_default")]
    pub(super) index: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) id: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) reason: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Stream {
    #[serde(skip_serializing_if = "is_default")]
    pub(super) pages: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) end: StreamEnd,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) num_found: Option<i64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) skipped: Vec<Skipped>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) duplicates: u32,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) reached_ms: Option<i64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) rows: u32,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) doubt_ms: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CrawlResponse {
    #[serde(with = "int64", skip_serializing_if = "is_default")]
    pub(super) ip_id: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) items: Vec<Item>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) total_found: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) error_message: String,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) task_id: String,
    #[serde(with = "int64", skip_serializing_if = "is_default")]
    pub(super) crawled_at: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) pages_crawled: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) retry_count: u32,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) handed_at_ms: Option<i64>,
    #[serde(with = "int64", skip_serializing_if = "is_default")]
    pub(super) seen_at_ms: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) on_sale: Option<Stream>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) sold: Option<Stream>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) error_class: String,
    #[serde(with = "optional", skip_serializing_if = "is_default")]
    pub(super) retry_after_ms: Option<i64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) traceparent: String,
}

/// An enumeration of the protocol: written by name, read by name or number.
macro_rules! names {
    ($name:ident: $($variant:ident = $text:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub(super) enum $name {
            #[default]
            $(#[serde(rename = $text)] $variant),+
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                const ALL: &[($name, &str)] = &[$(($name::$variant, $text)),+];
                let value = serde_json::Value::deserialize(d)?;
                let named = ALL.iter().find(|(_, text)| value.as_str() == Some(text));
                let numbered = || ALL.get(usize::try_from(value.as_u64()?).ok()?);
                let found = named.or_else(numbered).map(|(variant, _)| *variant);
                found.ok_or_else(|| de::Error::custom(format!(concat!("{} is no ", stringify!($name)), value)))
            }
        }
    };
}

names!(ItemStatus: Unspecified = "ITEM_STATUS_UNSPECIFIED", OnSale = "ITEM_STATUS_ON_SALE", Sold = "ITEM_STATUS_SOLD");
names!(ItemKind: Unspecified = "ITEM_KIND_UNSPECIFIED", Personal = "ITEM_KIND_PERSONAL", Shops = "ITEM_KIND_SHOPS",
    Auction = "ITEM_KIND_AUCTION");
names!(StreamEnd: Unspecified = "STREAM_END_UNSPECIFIED", Ground = "STREAM_END_GROUND",
    Exhausted = "STREAM_END_EXHAUSTED", Limit = "STREAM_END_LIMIT");
