//! Search answers as bytes on the wire, in the shapes of 2022, 2024 and 2026. Every number is a string.

use crate::item::State;
use crate::row::{Auction, Row};
use crate::search::{SearchPage, SearchQuery, Sort};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

/// Which generation of the answer is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Shape {
    /// 12 keys per row, no page keys beyond items, meta, components.
    #[serde(rename = "2022")]
    Y2022,
    /// 22 keys per row (June 2024).
    #[serde(rename = "2024")]
    Y2024,
    /// Photos, auction, shop, attributes; meta.properties (2026).
    #[default]
    #[serde(rename = "2026")]
    Y2026,
}

struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageWire<'p> {
    meta: MetaWire<'p>,
    items: Rows<'p>,
    components: Vec<Component<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_condition: Option<Option<ConditionWire<'p>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_condition_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetaWire<'p> {
    next_page_token: &'p str,
    previous_page_token: &'p str,
    num_found: Text<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<[(); 0]>,
}

struct Rows<'p>(&'p [Row], Shape);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for row in self.0 {
            seq.serialize_element(&RowWire::new(row, self.1))?;
        }
        seq.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowWire<'p> {
    id: &'p str,
    seller_id: Text<u64>,
    buyer_id: &'static str,
    status: &'static str,
    name: &'p str,
    price: Text<u32>,
    created: Text<i64>,
    updated: Text<i64>,
    thumbnails: [Text<Picture<'p>>; 1],
    item_type: &'static str,
    item_condition_id: Text<u8>,
    shipping_payer_id: Text<u8>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    since_2024: Option<Since2024>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    since_2026: Option<Since2026<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Since2024 {
    item_sizes: [(); 0],
    item_brand: Option<Brand>,
    item_promotions: [(); 0],
    shop_name: &'static str,
    item_size: Option<()>,
    shipping_method_id: Text<u8>,
    category_id: Text<u32>,
    is_no_price: bool,
    title: &'static str,
    is_liked: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Since2026<'p> {
    photos: [Photo<'p>; 1],
    auction: Option<AuctionWire>,
    shop: Option<Shop<'p>>,
    attributes: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Brand {
    id: Text<u32>,
    name: &'static str,
    sub_name: &'static str,
}

#[derive(Serialize)]
struct Photo<'p> {
    uri: Text<Picture<'p>>,
}

#[derive(Serialize)]
struct Shop<'p> {
    id: &'p str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuctionWire {
    id: &'static str,
    bid_deadline: String,
    total_bid: Text<u32>,
    highest_bid: Text<u32>,
    initial_price: Text<u32>,
}

impl AuctionWire {
    fn new(auction: &Auction) -> AuctionWire {
        let deadline = jiff::Timestamp::new(auction.deadline, auction.deadline_nanos as i32).unwrap_or_default();
        AuctionWire {
            id: "",
            bid_deadline: deadline.to_string(),
            total_bid: Text(auction.total_bid),
            highest_bid: Text(auction.highest_bid),
            initial_price: Text(auction.initial_price),
        }
    }
}

/// The address of a picture.
struct Picture<'p> {
    row: &'p Row,
    shape: Shape,
    large: bool,
}

impl Display for Picture<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (id, stamp) = (&self.row.id, self.row.picture_stamp);
        if self.row.shops {
            let size = if self.large { "large" } else { "small" };
            return write!(f, "https://assets.mercari-shops-static.com/-/{size}/plain/{id}.jpg@webp");
        }
        match (self.shape, self.large) {
            (Shape::Y2026, false) => write!(f, "https://static.mercdn.net/thumb/item/webp/{id}_1.jpg?{stamp}"),
            (_, true) => write!(f, "https://static.mercdn.net/item/detail/webp/photos/{id}_1.jpg?{stamp}"),
            _ => write!(f, "https://static.mercdn.net/c!/w=240,f=webp/thumb/photos/{id}_1.jpg?{stamp}"),
        }
    }
}

impl<'p> RowWire<'p> {
    fn new(row: &'p Row, shape: Shape) -> RowWire<'p> {
        let picture = |large| Text(Picture { row, shape, large });
        RowWire {
            id: &row.id,
            seller_id: Text(row.seller_id),
            buyer_id: "",
            status: item_status(row.state),
            name: &row.name,
            price: Text(row.price),
            created: Text(row.created),
            updated: Text(row.updated),
            thumbnails: [picture(false)],
            item_type: if row.shops { "ITEM_TYPE_BEYOND" } else { "ITEM_TYPE_MERCARI" },
            item_condition_id: Text(row.condition),
            shipping_payer_id: Text(row.shipping_payer),
            since_2024: (shape != Shape::Y2022).then(|| Since2024 {
                item_sizes: [],
                item_brand: row.brand.map(|(id, name, sub_name)| Brand { id: Text(id), name, sub_name }),
                item_promotions: [],
                shop_name: "",
                item_size: None,
                shipping_method_id: Text(row.shipping_method),
                category_id: Text(row.category),
                is_no_price: row.no_price,
                title: "",
                is_liked: false,
            }),
            since_2026: (shape == Shape::Y2026).then(|| Since2026 {
                photos: [Photo { uri: picture(true) }],
                auction: row.auction.as_ref().map(AuctionWire::new),
                shop: row.shop_id.as_deref().map(|id| Shop { id }),
                attributes: [],
            }),
        }
    }
}

/// The status of a row as written on the wire.
pub fn item_status(state: State) -> &'static str {
    match state {
        State::OnSale => "ITEM_STATUS_ON_SALE",
        State::Trading => "ITEM_STATUS_TRADING",
        State::SoldOut => "ITEM_STATUS_SOLD_OUT",
        State::Gone => "ITEM_STATUS_CANCEL",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConditionWire<'p> {
    keyword: &'p str,
    exclude_keyword: &'p str,
    sort: &'static str,
    order: &'static str,
    status: Vec<&'static str>,
    size_id: [(); 0],
    category_id: [(); 0],
    brand_id: [(); 0],
    seller_id: [(); 0],
    price_min: u32,
    price_max: u32,
    has_coupon: bool,
    created_after_date: Text<i64>,
    created_before_date: Text<i64>,
    attributes: [(); 0],
    item_types: Vec<&'static str>,
    sku_ids: [(); 0],
    shop_ids: [(); 0],
    promotion_valid_at: Option<()>,
}

impl<'p> ConditionWire<'p> {
    fn new(query: &'p SearchQuery) -> ConditionWire<'p> {
        ConditionWire {
            keyword: &query.keyword,
            exclude_keyword: &query.exclude_keyword,
            sort: match query.sort {
                Sort::CreatedTime => "SORT_CREATED_TIME",
                Sort::Score => "SORT_SCORE",
                Sort::PriceAsc | Sort::PriceDesc => "SORT_PRICE",
                Sort::NumLikes => "SORT_NUM_LIKES",
            },
            order: if query.sort == Sort::PriceAsc { "ORDER_ASC" } else { "ORDER_DESC" },
            status: query.statuses.iter().filter_map(|state| item_status(*state).strip_prefix("ITEM_")).collect(),
            size_id: [],
            category_id: [],
            brand_id: [],
            seller_id: [],
            price_min: query.price_min,
            price_max: query.price_max,
            has_coupon: false,
            created_after_date: Text(query.created_after.unwrap_or(0)),
            created_before_date: Text(query.created_before.unwrap_or(0)),
            attributes: [],
            item_types: query
                .shops
                .map(|shops| vec![if shops { "ITEM_TYPE_BEYOND" } else { "ITEM_TYPE_MERCARI" }])
                .unwrap_or_default(),
            sku_ids: [],
            shop_ids: [],
            promotion_valid_at: None,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'p> {
    row_number: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_suggest: Option<QuerySuggest<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engagement_area: Option<EngagementArea>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuerySuggest<'p> {
    suggest_facets: Facets<'p>,
}

#[derive(Serialize)]
struct Facets<'p> {
    facets: Vec<Facet<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facet<'p> {
    facet_id: String,
    searchable_value: &'p str,
    leaf: bool,
    selected: bool,
    selected_state: &'static str,
    searchable_key: &'static str,
}

#[derive(Serialize)]
struct EngagementArea {
    empty: Empty,
}

#[derive(Serialize)]
struct Empty {}

fn components(shape: Shape) -> Vec<Component<'static>> {
    if shape != Shape::Y2026 {
        return Vec::new();
    }
    let facet = |word: &'static str| Facet {
        facet_id: format!("1\u{1f}{word}"),
        searchable_value: word,
        leaf: true,
        selected: false,
        selected_state: "FACET_SELECTED_STATE_UNSPECIFIED",
        searchable_key: "keyword",
    };
    let facets = ["フィギュア", "缶バッジ", "アクスタ"].map(facet).into();
    let suggest = QuerySuggest { suggest_facets: Facets { facets } };
    vec![
        Component { row_number: "-1", query_suggest: Some(suggest), engagement_area: None },
        Component { row_number: "0", query_suggest: None, engagement_area: Some(EngagementArea { empty: Empty {} }) },
    ]
}

impl SearchPage {
    /// The body of the answer in one of the shapes.
    pub fn to_json(&self, shape: Shape) -> String {
        let page = PageWire {
            meta: MetaWire {
                next_page_token: &self.next_page_token,
                previous_page_token: &self.previous_page_token,
                num_found: Text(self.num_found),
                properties: (shape == Shape::Y2026).then_some([]),
            },
            items: Rows(&self.rows, shape),
            components: components(shape),
            search_condition: match shape {
                Shape::Y2022 => None,
                Shape::Y2024 => Some(None),
                Shape::Y2026 => Some(Some(ConditionWire::new(&self.query))),
            },
            search_condition_id: (shape != Shape::Y2022).then_some(""),
        };
        serde_json::to_string(&page).unwrap_or_default()
    }
}
