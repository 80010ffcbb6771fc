//! Unknown is never 0.

use crate::world::{Setup, at, flows, hour, start, world};
use market::detect::{Flow, HourFlow, Tracking, detect};
use market::fetch::stream::{Crawl, Stream, StreamEnd};
use market::fetch::wire::{Row, RowKind, RowStatus};
use market::{MarketOptions, store as rows};
use model::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What a crawl makes of these sales: `(when, id, price)`.
fn sold(sales: &[(Timestamp, &str, i64)]) -> Flow {
    let row = |(at, id, price): &(Timestamp, &str, i64)| Row {
        source_id: (*id).to_owned(),
        title: format!("title {id}"),
        price: Some(*price),
        status: RowStatus::Trading,
        created: Some(*at),
        updated: Some(*at),
        image_url: None,
        item_url: format!("https://jp.mercari.com/item/{id}"),
        kind: RowKind::Personal,
    };
    let stream = |rows| Stream {
        rows,
        pages: 1,
        end: StreamEnd::Exhausted,
        num_found: None,
        skipped: vec![],
        duplicates: 0,
        reached: None,
        doubt: None,
    };
    let crawl = Crawl { on_sale: stream(vec![]), sold: stream(sales.iter().map(row).collect()) };
    let before = Some(hour(-30));
    let tracking = Tracking { since: before, previous: before, covered_until: before, known_on_sale: 0 };
    detect(&HashMap::new(), &tracking, &crawl, hour(12), hour(12), &MarketOptions::default()).flow
}

#[tokio::test]
async fn an_ip_that_was_never_crawled_has_no_numbers() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    let seen = w.data(&format!("/api/v1/ips/{id}/liquidity")).await;
    for field in [
        "on_sale_inflow",
        "on_sale_outflow",
        "on_sale_total",
        "sold_inflow",
        "sold_total",
        "liquidity_index",
        "hot_score",
        "saturated",
        "updated_at",
        "hour_bucket",
    ] {
        assert!(seen.as_object().unwrap().contains_key(field) && seen[field].is_null(), "{field}: {seen}");
    }
    assert_eq!((&seen["ip_name"], &seen["from_cache"]), (&json!("初音ミク"), &json!(false)));
    let stats = w.data(&format!("/api/v1/ips/{id}/stats/hourly")).await;
    assert_eq!((&stats["stats"], &stats["count"]), (&json!([]), &json!(0)));
    assert_eq!(w.data(&format!("/api/v1/ips/{id}/stats/weekly")).await["count"], 0);
    let ip = w.data(&format!("/api/v1/ips/{id}")).await;
    assert_eq!((&ip["last_crawled_at"], &ip["failing"]), (&Value::Null, &json!(false)));
    assert_eq!(ip["next_due"], "2026-11-21T12:30:00+09:00");
    assert_eq!(w.refused("/api/v1/ips/99/liquidity").await.0, 404);
}

#[tokio::test]
async fn the_latest_complete_hour_counts_and_an_index_needs_inflow() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    // The hour from 11:00 has begun to fill, but the crawl at 11:40 does not cover it.
    let mut changes = flows(&[(9, 4, 6), (10, 0, 5), (11, 3, 3)], at("2026-11-21T11:40:00+09:00"));
    changes.gap.outflow = Some((hour(10), hour(11)));
    changes.sold_total = Some(321);
    w.record(id, &changes).await;
    let seen = w.data(&format!("/api/v1/ips/{id}/liquidity")).await;
    assert_eq!(seen["hour_bucket"], "2026-11-21T10:00:00+09:00");
    let numbers = ["on_sale_inflow", "on_sale_outflow", "sold_inflow", "on_sale_total", "sold_total"];
    assert_eq!(numbers.map(|n| seen[n].as_i64().unwrap()), [0, 5, 5, 500, 321]);
    assert_eq!((&seen["liquidity_index"], &seen["saturated"]), (&Value::Null, &json!(true)));
    assert_eq!((&seen["inflow_saturated"], &seen["outflow_saturated"]), (&json!(false), &json!(true)));
    assert!((seen["hot_score"].as_f64().unwrap() - 6.0 * 6_f64.ln()).abs() < 1e-9);
    let stats = w.data(&format!("/api/v1/ips/{id}/stats/hourly")).await;
    let hours: Vec<&str> =
        stats["stats"].as_array().unwrap().iter().map(|h| h["hour_bucket"].as_str().unwrap()).collect();
    assert_eq!(hours, ["2026-11-21T10:00:00+09:00", "2026-11-21T09:00:00+09:00"]);
    assert_eq!(
        (&stats["stats"][1]["liquidity_index"], &stats["stats"][0]["liquidity_index"]),
        (&json!(1.5), &Value::Null)
    );
    assert_eq!((&stats["stats"][0]["median_price"], &stats["stats"][0]["sample_count"]), (&Value::Null, &json!(0)));
}

#[tokio::test]
async fn a_window_picks_the_hours_that_begin_in_it() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    let all: Vec<(i64, i64, i64)> = (0..12).map(|n| (n, n, n)).collect();
    w.hours(id, &all, at("2026-11-21T12:28:00+09:00")).await;
    let hours = async |query: &str| -> Vec<i64> {
        let stats = w.data(&format!("/api/v1/ips/{id}/stats/hourly?{query}")).await;
        stats["stats"].as_array().unwrap().iter().map(|h| h["inflow"].as_i64().unwrap()).collect()
    };
    assert_eq!(hours("").await, (0..12).rev().collect::<Vec<_>>());
    assert_eq!(hours("limit=2").await, [11, 10]);
    assert_eq!(hours("start=2026-11-21T09:00:00%2B09:00").await, [11, 10, 9]);
    assert_eq!(hours("start=2026-11-21T09:00:01+09:00&end=2026-11-21T02:00:00Z").await, [10]);
    assert_eq!(hours("end=2026-11-21T03:00:00%2B09:00&limit=168").await, [2, 1, 0]);
    let path = |query| format!("/api/v1/ips/{id}/stats/hourly?{query}");
    assert_eq!(w.refused(&path("limit=169")).await, (400, "limit must be 1..168, got 169".into()));
    assert_eq!(w.refused(&path("limit=0")).await.1, "limit must be 1..168, got 0");
    assert_eq!(w.refused(&path("start=5&end=5")).await, (400, "start must be before end".into()));
    assert!(w.refused(&path("start=yesterday")).await.1.starts_with("start must be RFC 3339"));
    assert!(w.refused(&path("from=5")).await.1.starts_with("unknown parameter \"from\""));
    assert_eq!(w.refused(&path("limit=1&limit=2")).await.1, "limit is given twice");
}

#[tokio::test]
async fn prices_are_over_all_sales_of_the_hour() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    let mut changes = flows(&[(9, 1, 3)], at("2026-11-21T10:30:00+09:00"));
    changes.flow.sales = sold(&[(hour(9), "m1", 300), (hour(9), "m2", 900), (hour(9), "m3", 600)]).sales;
    w.record(id, &changes).await;
    let stats = w.data(&format!("/api/v1/ips/{id}/stats/hourly")).await;
    let seen = &stats["stats"][0];
    assert_eq!((&seen["avg_price"], &seen["median_price"]), (&json!(600.0), &json!(600.0)));
    assert_eq!((&seen["min_price"], &seen["max_price"], &seen["sample_count"]), (&json!(300), &json!(900), &json!(3)));
    assert_eq!(seen["min_price_item"]["source_id"], "m1");
    assert_eq!(seen["max_price_item"]["item_url"], "https://jp.mercari.com/item/m2");
    assert!((seen["price_stddev"].as_f64().unwrap() - 60_000_f64.sqrt()).abs() < 1e-9);
}

#[tokio::test]
async fn shops_count_when_asked_to() {
    for (include_shops, inflow, outflow) in [(false, 2, 3), (true, 12, 8)] {
        let options = MarketOptions { include_shops, ..MarketOptions::default() };
        let w = start(Setup { options, ..Setup::default() }).await;
        let id = w.add("初音ミク").await;
        let mut changes = flows(&[(11, 0, 0)], hour(12));
        let flow = HourFlow { inflow: 2, outflow: 3, shops_inflow: 10, shops_outflow: 5 };
        changes.flow.hours.insert(hour(11), flow);
        w.record(id, &changes).await;
        let seen = w.data(&format!("/api/v1/ips/{id}/liquidity")).await;
        assert_eq!((&seen["on_sale_inflow"], &seen["on_sale_outflow"]), (&json!(inflow), &json!(outflow)));
        let board = w.data("/api/v1/leaderboard?hours=1&type=inflow").await;
        assert_eq!((&board["items"][0]["inflow"], &board["items"][0]["shops_inflow"]), (&json!(inflow), &json!(10)));
        assert_eq!(board["items"][0]["score"], json!(f64::from(inflow)));
        let stats = w.data(&format!("/api/v1/ips/{id}/stats/hourly")).await;
        assert_eq!((&stats["stats"][0]["outflow"], &stats["stats"][0]["shops_outflow"]), (&json!(outflow), &json!(5)));
    }
}

#[tokio::test]
async fn a_day_is_archived_again_and_again_with_the_same_result() {
    let w = world().await;
    let (whole, part) = (w.add("初音ミク").await, w.add("鬼滅の刃").await);
    let day: Vec<(i64, i64, i64)> = (-24..0).map(|n| (n, 10, 5)).collect();
    let mut changes = flows(&day, hour(0));
    changes.flow.sales = sold(&[(hour(-3), "m1", 500), (hour(-20), "m2", 700)]).sales;
    w.record(whole, &changes).await;
    w.hours(part, &[(-24, 1, 1)], hour(-10)).await;
    for _ in 0..2 {
        let (status, body) = w.admin("POST", "/api/v1/admin/archive/daily?date=2026-11-20", Value::Null).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!((&body["data"]["rolled_up"], &body["data"]["incomplete"]), (&json!(1), &json!(1)));
        let stats = w.data(&format!("/api/v1/ips/{whole}/stats/daily")).await;
        assert_eq!((&stats["count"], &stats["stats"][0]["hours"]), (&json!(1), &json!(24)));
        let seen = &stats["stats"][0];
        assert_eq!(
            (&seen["inflow"], &seen["outflow"], &seen["liquidity_index"]),
            (&json!(240), &json!(120), &json!(0.5))
        );
        assert_eq!((&seen["median_price"], &seen["complete"]), (&json!(600.0), &json!(true)));
        assert_eq!(seen["starts_at"], "2026-11-20T00:00:00+09:00");
        assert_eq!(w.data(&format!("/api/v1/ips/{part}/stats/daily")).await["count"], 0);
    }
    let audit = w.audit().await;
    assert_eq!(audit.len(), 2);
    assert_eq!(audit[0].1, "archive.daily");
}

#[tokio::test]
async fn a_period_that_cannot_be_archived_says_why() {
    let w = world().await;
    let refused = async |path: &str| {
        let (status, body) = w.admin("POST", &format!("/api/v1/admin/archive/{path}"), Value::Null).await;
        assert_eq!(status, 400, "{path}: {body}");
        body["message"].as_str().unwrap().to_owned()
    };
    assert!(refused("daily?date=2026-11-21").await.starts_with("the period is not over"));
    assert!(refused("daily?date=2026-10-01").await.contains("no longer kept"));
    for bad in ["21.11.2026", "2026-13-01", "2026-02-30", "", "2026-11-1x"] {
        assert!(refused(&format!("daily?date={bad}")).await.starts_with("date must be a date"), "{bad}");
    }
    assert_eq!(refused("weekly?week_start=2026-11-10").await, "week_start must be a Monday");
    let (status, body) = w.admin("POST", "/api/v1/admin/archive/weekly?week_start=2026-11-09", Value::Null).await;
    assert_eq!((status, &body["data"]["ends_at"]), (200, &json!("2026-11-16T00:00:00+09:00")));
    let (_, body) = w.admin("POST", "/api/v1/admin/archive/weekly", Value::Null).await;
    assert_eq!(body["data"]["starts_at"], "2026-11-09T00:00:00+09:00");
}

#[tokio::test]
async fn a_week_is_the_sum_of_its_days() {
    let w = world().await;
    w.clock.set(at("2026-11-23T02:00:00+09:00"));
    let id = w.add("初音ミク").await;
    // Monday the 16th 00:00 to Monday the 23rd 00:00.
    let week: Vec<(i64, i64, i64)> = (-5 * 24..2 * 24).map(|n| (n, 2, 1)).collect();
    w.hours(id, &week, at("2026-11-23T00:00:00+09:00")).await;
    let (status, _) = w.admin("POST", "/api/v1/admin/archive/weekly?week_start=2026-11-16", Value::Null).await;
    assert_eq!(status, 200);
    let stats = w.data(&format!("/api/v1/ips/{id}/stats/weekly")).await;
    let seen = &stats["stats"][0];
    assert_eq!((&seen["hours"], &seen["inflow"], &seen["outflow"]), (&json!(168), &json!(336), &json!(168)));
    assert_eq!(w.data(&format!("/api/v1/ips/{id}/stats/daily")).await["count"], 7);
    let listed = rows::list_rollups(&w.store, id, model::Period::Weekly, Timestamp(0), Timestamp(i64::MAX), 9).await;
    assert_eq!(listed.unwrap().len(), 1);
}
