//! `items/get`: the legacy answer about one item, snake_case with real numbers.

use crate::ids;
use crate::item::{Change, Kind, NO_PRICE, State, What};
use crate::life::auction_length;
use crate::market::Market;
use crate::rng::hash;
use crate::row::title;
use serde_json::{Value, json};

fn refusal(code: &str, message: &str, meta: Value) -> Value {
    json!({"result": "error", "errors": [{"code": code, "message": message}], "meta": meta})
}

/// The refusal of a request without `X-Platform: web`.
pub fn unsupported_version() -> Value {
    refusal("UnsupportedVersionException", "このバージョンはサポートされていません", json!({}))
}

/// The refusal of an id that no listing has.
pub fn not_found() -> Value {
    refusal("RecordNotFoundException", "見つかりませんでした", json!({}))
}

/// Status and body about the item with this id as of `now_ms`.
pub fn items_get(market: &Market, id: &str, include_auction: bool, now_ms: i64) -> (u16, Value) {
    if ids::is_shops(id) || !id.starts_with('m') {
        return (400, refusal("InvalidArgument", "入力されたデータが正しくありません。", json!({})));
    }
    let Some(truth) = market.item(id, now_ms) else { return (404, not_found()) };
    let now = now_ms.div_euclid(1000);
    let lived = truth.changes.partition_point(|c| i64::from(c.at) <= now);
    let lived = &truth.changes[..lived];
    let Some(change) = lived.last() else { return (404, not_found()) };
    let (seed, number) = (market.config().seed, ids::parse(id).unwrap_or(0));
    let word = hash(&[seed, number, 0x9e7]);
    if change.state == State::Gone {
        let meta = if word.is_multiple_of(2) { json!({}) } else { json!({"sub_error_code": "404"}) };
        return (403, refusal("InvisibleItemException", "この商品は現在表示できません", meta));
    }
    let photo = format!("https://static.mercdn.net/item/detail/orig/photos/{id}_1.jpg?{}", truth.created);
    let mut data = json!({
        "id": id,
        "seller": {"id": 100_000_000 + word % 890_000_000, "name": "seller", "num_sell_items": word % 500},
        "status": match change.state { State::OnSale => "on_sale", State::Trading => "trading", _ => "sold_out" },
        "name": title(number, lived, &truth.keyword, seed),
        "price": change.price,
        "description": "",
        "photos": [photo],
        "thumbnails": [format!("https://static.mercdn.net/c!/w=240/thumb/photos/{id}_1.jpg?{}", truth.created)],
        "item_condition": {"id": 1 + word % 6, "name": ""},
        "shipping_payer": {"id": 2, "name": "送料込み(出品者負担)", "code": "seller"},
        "num_likes": word % 40,
        "num_comments": word % 4,
        "comments": [],
        "updated": change.updated,
        "created": truth.created,
        "pager_id": word >> 32,
        "liked": false,
        "is_shop_item": "no",
        "is_no_price": truth.kind == Kind::NoPrice && change.price == NO_PRICE,
    });
    if let Some(evidence) = evidence(change.state, change.what) {
        data["transaction_evidence"] = json!({"id": word >> 34, "status": evidence});
        data["buyer"] = json!({"id": 100_000_000 + (word >> 8) % 890_000_000, "name": "*"});
    }
    if include_auction && truth.kind == Kind::Auction {
        data["auction_info"] = auction_info(truth.created, lived, word);
    }
    (200, json!({"result": "OK", "data": data, "meta": {}}))
}

fn auction_info(created: u32, lived: &[Change], word: u64) -> Value {
    let bids = lived.iter().filter(|c| c.what == What::Bid).count();
    json!({
        "id": (word >> 40).to_string(),
        "start_time": created,
        "expected_end_time": created + auction_length(created),
        "total_bids": bids,
        "initial_price": lived.first().map(|c| c.price),
        "highest_bid": lived.last().map(|c| c.price),
        "state": if bids > 0 { "STATE_ONGOING" } else { "STATE_NO_BID" },
        "auction_type": "AUCTION_TYPE_NORMAL",
    })
}

fn evidence(state: State, what: What) -> Option<&'static str> {
    match (state, what) {
        (State::SoldOut, _) => Some("done"),
        (State::Trading, What::Shipped) => Some("wait_review"),
        (State::Trading, _) => Some("wait_shipping"),
        _ => None,
    }
}
