//! Reading a search request as strictly and as loosely as the real server does: wrong types and enums are refused,
//! unknown keys are ignored.

use crate::item::State;
use crate::search::{SearchQuery, Sort};
use serde_json::{Map, Value};

const STRINGS: [&str; 2] = ["keyword", "excludeKeyword"];
const STRING_LISTS: [&str; 4] = ["sizeId", "sellerId", "shopIds", "skuIds"];
const INT_LISTS: [&str; 6] =
    ["categoryId", "brandId", "itemConditionId", "shippingPayerId", "shippingFromArea", "excludeShippingMethodIds"];

/// The message of a refusal (400, gRPC code 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequest(pub String);

fn type_error(value: &Value, due: &str) -> BadRequest {
    let found = match value {
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Array(_) => "array",
        _ => "object",
    };
    BadRequest(format!("cannot unmarshal {found} into Go value of type {due}"))
}

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> Result<&'v str, BadRequest> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(type_error(other, "string")),
    }
}

fn number(map: &Map<String, Value>, key: &str) -> Result<Option<i64>, BadRequest> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read_number(value).map(Some),
    }
}

fn read_number(value: &Value) -> Result<i64, BadRequest> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| type_error(value, "int32"))
}

fn list<'v>(map: &'v Map<String, Value>, key: &str) -> Result<&'v [Value], BadRequest> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(other) => Err(type_error(other, "[]json.RawMessage")),
    }
}

fn enums<'v>(map: &'v Map<String, Value>, key: &str) -> Result<Vec<&'v str>, BadRequest> {
    let values = list(map, key)?.iter();
    values.map(|value| value.as_str().ok_or_else(|| type_error(value, "string"))).collect()
}

fn bad_enum(value: &str, key: &str) -> BadRequest {
    BadRequest(format!("unknown value \"{value}\" for enum {key}"))
}

/// Reads the body of a search; the page is taken from the token (`v1:<n>`).
pub fn parse(body: &[u8]) -> Result<SearchQuery, BadRequest> {
    let body: Value = serde_json::from_slice(body).map_err(|e| BadRequest(format!("invalid json: {e}")))?;
    let Value::Object(body) = body else { return Err(BadRequest("invalid json: not an object".to_owned())) };
    let empty = Map::new();
    let condition = match body.get("searchCondition") {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(condition)) => condition,
        Some(other) => return Err(type_error(other, "SearchCondition")),
    };
    check_types(&body, condition)?;
    let mut query = SearchQuery::newest(text(condition, "keyword")?, &statuses(condition)?, page(&body)?);
    query.exclude_keyword = text(condition, "excludeKeyword")?.to_owned();
    query.sort = sort(condition)?;
    query.page_size = number(&body, "pageSize")?.unwrap_or(120).clamp(1, 500) as u32;
    query.with_auction = body.get("withAuction").and_then(Value::as_bool).unwrap_or(false);
    query.shops = item_types(condition)?;
    let price = |key| number(condition, key).map(|n| n.unwrap_or(0).clamp(0, i64::from(u32::MAX)) as u32);
    query.price_min = price("priceMin")?;
    query.price_max = price("priceMax")?;
    query.created_after = number(condition, "createdAfterDate")?.filter(|n| *n != 0);
    query.created_before = number(condition, "createdBeforeDate")?.filter(|n| *n != 0);
    Ok(query)
}

fn check_types(body: &Map<String, Value>, condition: &Map<String, Value>) -> Result<(), BadRequest> {
    for key in STRINGS {
        text(condition, key)?;
    }
    for key in STRING_LISTS {
        enums(condition, key)?;
    }
    for key in INT_LISTS {
        list(condition, key)?.iter().try_for_each(|value| read_number(value).map(|_| ()))?;
    }
    for key in ["searchSessionId", "laplaceDeviceUuid", "userId"] {
        text(body, key)?;
    }
    for name in enums(body, "thumbnailTypes")? {
        if !["WEBP", "JPEG"].iter().any(|known| name.ends_with(known)) {
            return Err(bad_enum(name, "thumbnailTypes"));
        }
    }
    match body.get("withAuction") {
        None | Some(Value::Null | Value::Bool(_)) => Ok(()),
        Some(other) => Err(type_error(other, "bool")),
    }
}

fn page(body: &Map<String, Value>) -> Result<i64, BadRequest> {
    let token = text(body, "pageToken")?;
    if token.is_empty() {
        return Ok(0);
    }
    let page = token.strip_prefix("v1:").and_then(|n| n.parse::<i64>().ok());
    let page = page.filter(|n| (-1..100_000).contains(n));
    page.ok_or_else(|| BadRequest(format!("invalid page token: {token}")))
}

fn statuses(condition: &Map<String, Value>) -> Result<Vec<State>, BadRequest> {
    let state = |name: &str| match name {
        "STATUS_ON_SALE" => Ok(State::OnSale),
        "STATUS_TRADING" => Ok(State::Trading),
        "STATUS_SOLD_OUT" => Ok(State::SoldOut),
        other => Err(bad_enum(other, "status")),
    };
    enums(condition, "status")?.into_iter().map(state).collect()
}

fn sort(condition: &Map<String, Value>) -> Result<Sort, BadRequest> {
    let ascending = match text(condition, "order")? {
        "" | "ORDER_DESC" => false,
        "ORDER_ASC" => true,
        other => return Err(bad_enum(other, "order")),
    };
    match text(condition, "sort")? {
        "" | "SORT_SCORE" => Ok(Sort::Score),
        "SORT_CREATED_TIME" => Ok(Sort::CreatedTime),
        "SORT_PRICE" if ascending => Ok(Sort::PriceAsc),
        "SORT_PRICE" => Ok(Sort::PriceDesc),
        "SORT_NUM_LIKES" => Ok(Sort::NumLikes),
        other => Err(bad_enum(other, "sort")),
    }
}

fn item_types(condition: &Map<String, Value>) -> Result<Option<bool>, BadRequest> {
    let types = enums(condition, "itemTypes")?;
    if let Some(other) = types.iter().find(|t| !["ITEM_TYPE_MERCARI", "ITEM_TYPE_BEYOND"].contains(*t)) {
        return Err(bad_enum(other, "itemTypes"));
    }
    let (personal, shops) = (types.contains(&"ITEM_TYPE_MERCARI"), types.contains(&"ITEM_TYPE_BEYOND"));
    Ok((personal != shops).then_some(shops))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: Value) -> Result<SearchQuery, BadRequest> {
        parse(body.to_string().as_bytes())
    }

    #[test]
    fn a_web_request_is_read() {
        let query = read(json!({"pageSize":120,"pageToken":"v1:2","withAuction":true,"withAuctionItems":3,
            "searchCondition":{"keyword":"初音ミク","excludeKeyword":null,"sort":"SORT_CREATED_TIME","order":"ORDER_DESC",
            "status":["STATUS_TRADING","STATUS_SOLD_OUT"],"priceMin":null,"itemConditionId":null}}));
        let query = query.unwrap();
        assert_eq!((query.keyword.as_str(), query.page, query.sort), ("初音ミク", 2, Sort::CreatedTime));
        assert_eq!(query.statuses, [State::Trading, State::SoldOut]);
        assert!(query.with_auction);
    }

    #[test]
    fn null_token_is_the_first_page_and_minus_one_is_accepted() {
        assert_eq!(read(json!({"pageToken":null})).unwrap().page, 0);
        assert_eq!(read(json!({"pageToken":"v1:-1"})).unwrap().page, -1);
    }

    #[test]
    fn wrong_types_and_enums_are_refused() {
        let number = read(json!({"searchCondition":{"sizeId":[3]}})).unwrap_err();
        assert_eq!(number.0, "cannot unmarshal number into Go value of type string");
        for bad in [
            json!({"searchCondition":{"keyword":7}}),
            json!({"searchCondition":{"status":["ON_SALE"]}}),
            json!({"searchCondition":{"sort":"SORT_NEW"}}),
            json!({"searchCondition":{"order":"DESC"}}),
            json!({"searchCondition":{"itemTypes":["SHOPS"]}}),
            json!({"searchCondition":{"sellerId":[1]}}),
            json!({"thumbnailTypes":["PNG"]}),
            json!({"pageToken":"v2:1"}),
            json!({"pageToken":1}),
            json!([]),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
