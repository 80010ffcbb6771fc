//! Recorded pages, made up here in the form of real recordings, and the real ones where they are at hand.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use sim::replay::{Asked, Replay, load};
use std::fs;
use std::path::Path;

fn write(dir: &Path, name: &str, value: &Value) {
    fs::write(dir.join(name), value.to_string()).unwrap();
}

fn record(dir: &Path, name: &str, date: &str, token: Value, condition: Value, ids: &[(&str, &str)]) {
    let request = json!({"url": "https://api.mercari.jp/v2/entities:search",
        "body": {"pageToken": token, "searchCondition": condition}});
    let items: Vec<Value> = ids.iter().map(|(id, s)| json!({"id": id, "status": format!("ITEM_STATUS_{s}")})).collect();
    let body = json!({"meta": {"nextPageToken": "", "numFound": ids.len().to_string()}, "items": items});
    write(dir, &format!("{name}.request.json"), &request);
    write(dir, &format!("{name}.body.json"), &body);
    write(dir, &format!("{name}.response.json"), &json!({"status": 200, "headers": {"Date": date}, "body": body}));
}

fn asked(keyword: &str, token: &str, statuses: &[&str]) -> Asked {
    Asked::from_request(&json!({"pageToken": token, "searchCondition":
        {"keyword": keyword, "excludeKeyword": "", "sort": "SORT_CREATED_TIME", "order": "ORDER_DESC", "status": statuses}}))
}

fn ids(body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).unwrap();
    body["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn recordings_are_served_in_order_by_keyword_page_and_status() {
    let dir = tempfile::tempdir().unwrap();
    let any = json!({"keyword": "sharpnel", "status": [], "sort": "SORT_SCORE"});
    let cheap = json!({"keyword": "sharpnel", "status": [], "sort": "SORT_SCORE", "priceMax": 500});
    let first = [("m1", "ON_SALE"), ("m2", "TRADING")];
    record(dir.path(), "b", "Sun, 07 Aug 2022 13:53:44 GMT", json!(""), any.clone(), &first);
    record(dir.path(), "c", "Sun, 07 Aug 2022 13:53:50 GMT", json!("v1:1"), any.clone(), &[("m3", "ON_SALE")]);
    record(dir.path(), "a", "Mon, 15 Aug 2022 22:45:09 GMT", Value::Null, any, &[("m1", "SOLD_OUT")]);
    record(dir.path(), "d", "Mon, 15 Aug 2022 22:45:10 GMT", json!(""), cheap, &[("m9", "ON_SALE")]);
    fs::create_dir(dir.path().join("other")).unwrap();
    let page = json!({"meta": {"numFound": "1"}, "items": [{"id": "m7", "status": "ITEM_STATUS_ON_SALE"}]});
    write(&dir.path().join("other"), "page.response.json", &page);
    let manifest = json!({"recorded": "2024-10-21", "file": "page.response.json", "keyword": "comme des garcons",
        "request": {"pageToken": "v1:-1", "searchCondition": {"status": ["STATUS_ON_SALE"]}}});
    write(&dir.path().join("other"), "manifest.json", &manifest);

    let recordings = load(dir.path()).unwrap();
    assert_eq!(recordings.len(), 5);
    assert_eq!(recordings[0].file, "b.body.json");
    assert_eq!(recordings[0].date_ms, 1_659_880_424_000);
    let replay = Replay::new(recordings);
    let get = |asked: &Asked, step| ids(&replay.answer(asked, step).unwrap());
    assert_eq!(get(&asked("sharpnel", "", &[]), 0), ["m1", "m2"]);
    assert_eq!(get(&asked("sharpnel", "v1:1", &[]), 0), ["m3"]);
    assert_eq!(get(&asked("sharpnel", "v1:0", &["STATUS_TRADING", "STATUS_SOLD_OUT"]), 0), ["m2"]);
    assert_eq!(get(&asked("sharpnel", "", &[]), 1), ["m1"]);
    assert_eq!(get(&asked("sharpnel", "", &[]), 9), ["m1"]);
    assert_eq!(get(&asked("sharpnel", "v1:1", &[]), 1), [""; 0]);
    assert_eq!(get(&asked("comme des garcons", "", &["STATUS_ON_SALE"]), 0), ["m7"]);
    assert_eq!(replay.answer(&asked("never", "", &[]), 0), None);
}

#[test]
fn the_real_pair_of_one_keyword_comes_in_order() {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/facts/mercari"));
    if !dir.is_dir() {
        return;
    }
    let replay = Replay::new(load(dir).unwrap());
    assert_eq!(replay.recordings().len(), 25);
    let first = ids(&replay.answer(&asked("sharpnel", "", &[]), 0).unwrap());
    let second = ids(&replay.answer(&asked("sharpnel", "", &[]), 1).unwrap());
    assert_eq!((first.len(), second.len()), (106, 93));
    assert_eq!(second.iter().filter(|id| first.contains(id)).count(), 89);
    let sold = replay.answer(&asked("sharpnel", "", &["STATUS_SOLD_OUT", "STATUS_TRADING"]), 1).unwrap();
    assert_eq!(ids(&sold).len(), 46);
}
