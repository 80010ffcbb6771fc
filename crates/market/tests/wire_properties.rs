//! Whatever comes in place of a search answer, reading it ends in rows with sound fields or in an error, never in a
//! panic.

#![expect(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

use market::fetch::wire::MAX_ROWS;
use market::fetch::{Page, parse_page};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

/// A recorded page where there is one, else one built in the same shape.
fn sample() -> Value {
    let file = "../../../shared/facts/mercari/carimer-api/search_page_auction.response.json";
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_else(built)
}

fn built() -> Value {
    let item = |n: u64| {
        json!({"id": format!("m{}", 87_177_707_015 + n), "sellerId": "900000001", "buyerId": "",
            "status": "ITEM_STATUS_ON_SALE", "name": "初音ミク フィギュア", "price": "70000", "created": "1788341954",
            "updated": "1788342482", "thumbnails": [format!("https://static.mercdn.net/thumb/item/webp/m{n}_1.jpg?1")],
            "itemType": "ITEM_TYPE_MERCARI", "itemSizes": [], "itemBrand": {"id": "1", "name": "a"},
            "isNoPrice": false, "photos": [{"uri": "https://static.mercdn.net/item/detail/webp/photos/m1_1.jpg?1"}],
            "auction": {"id": "", "bidDeadline": "2026-09-02T11:39:00Z", "totalBid": "21"}, "attributes": []})
    };
    json!({"meta": {"nextPageToken": "v1:1", "previousPageToken": "", "numFound": "40", "properties": []},
        "items": (0..4).map(item).collect::<Vec<_>>(), "components": [], "searchCondition": null})
}

/// What holds of every page that is believed.
fn check(page: &Page) {
    assert!(page.rows.len() + page.skipped.len() <= MAX_ROWS);
    for row in &page.rows {
        assert!((1..=64).contains(&row.source_id.len()) && row.source_id.is_ascii());
        assert!(row.item_url.ends_with(&row.source_id) && row.item_url.starts_with("https://jp.mercari.com/"));
        assert!(row.price.is_none_or(|p| (1..9_999_999).contains(&p)));
        assert!(!row.title.contains(char::is_control) && row.title.chars().count() <= 300);
        assert!(row.image_url.as_deref().is_none_or(|u| u.starts_with("https://") && u.len() <= 2_000));
        for time in [row.created, row.updated].into_iter().flatten() {
            assert!(time.secs() > 0 && time.secs() < 32_503_680_000);
        }
    }
    for skipped in &page.skipped {
        assert!(!skipped.reason.is_empty() && skipped.reason.chars().count() < 300);
    }
    assert_ne!(page.next_token.as_deref(), Some(""));
    let text = serde_json::to_string(page).unwrap();
    assert_eq!(&serde_json::from_str::<Page>(&text).unwrap(), page, "a page survives the way to another process");
}

fn read(body: &[u8]) -> Result<Page, engine::FetchError> {
    parse_page(body).inspect(check)
}

/// Any JSON value, small, with the numbers and texts that hurt.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        Just(json!("")),
        Just(json!("9999999999999999999999")),
        Just(json!("-1")),
        Just(json!("ITEM_STATUS_SOLD_OUT")),
        Just(json!("a\0\u{202e}\n")),
        ".{0,20}".prop_map(Value::from),
        Just(json!("x".repeat(5_000))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4).prop_map(|m| json!(m)),
        ]
    })
}

/// The JSON pointers of every value below `value`.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| {
            out.push(format!("{at}/{i}"));
            pointers(v, &format!("{at}/{i}"), out);
        }),
        Value::Object(map) => map.iter().for_each(|(k, v)| {
            out.push(format!("{at}/{k}"));
            pointers(v, &format!("{at}/{k}"), out);
        }),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn bytes_that_flipped_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut body = sample().to_string().into_bytes();
        for (at, byte) in flips {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = read(&body);
    }

    #[test]
    fn a_page_cut_short_is_malformed(cut in any::<prop::sample::Index>()) {
        let body = sample().to_string().into_bytes();
        prop_assert_eq!(read(&body[..cut.index(body.len())]).unwrap_err().class(), "malformed");
    }

    #[test]
    fn another_value_in_a_row_costs_that_row_at_most(at in any::<prop::sample::Index>(), value in any_value()) {
        let mut page = sample();
        let total = page["items"].as_array().unwrap().len();
        let mut inside = Vec::new();
        pointers(&page["items"][0], "/items/0", &mut inside);
        *page.pointer_mut(&inside[at.index(inside.len())]).unwrap() = value;
        let read = read(page.to_string().as_bytes()).unwrap();
        prop_assert_eq!(read.rows.len() + read.skipped.len(), total);
        prop_assert!(read.skipped.len() <= 1);
    }

    #[test]
    fn another_value_anywhere_is_rows_or_malformed(
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any_value()), 1..8),
    ) {
        let mut page = sample();
        for (at, value) in swaps {
            let mut all = vec![String::new()];
            pointers(&page, "", &mut all);
            *page.pointer_mut(&all[at.index(all.len())]).unwrap() = value;
        }
        if let Err(error) = read(page.to_string().as_bytes()) {
            prop_assert_eq!(error.class(), "malformed");
        }
    }

    #[test]
    fn a_key_that_is_gone_never_panics(at in any::<prop::sample::Index>()) {
        let mut page = sample();
        let mut all = Vec::new();
        pointers(&page, "", &mut all);
        let (parent, key) = all[at.index(all.len())].rsplit_once('/').map(|(p, k)| (p.to_owned(), k.to_owned())).unwrap();
        if let Some(map) = page.pointer_mut(&parent).and_then(Value::as_object_mut) {
            map.remove(&key);
        }
        let _ = read(page.to_string().as_bytes());
    }
}

#[test]
fn deep_nesting_and_huge_numbers_never_panic() {
    let page = sample().to_string();
    for depth in [100, 1_000, 100_000] {
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        for body in [
            deep.clone(),
            page.replacen("[]", &deep, 1),
            format!(r#"{{"meta":{deep},"items":[]}}"#),
            format!(r#"{{"meta":{{"numFound":"1"}},"items":[{deep}]}}"#),
            format!(r#"{{"meta":{{"numFound":"1"}},"items":[{{"name":{deep}}}]}}"#),
            r#"{"a":"#.repeat(depth),
        ] {
            let _ = read(body.as_bytes());
        }
    }
    for number in ["1e999", "-1e999", &"9".repeat(1_000), "0.1e-400", "-0", "1E5"] {
        let _ = read(format!(r#"{{"meta":{{"numFound":{number}}},"items":[{{"price":{number}}}]}}"#).as_bytes());
    }
}
