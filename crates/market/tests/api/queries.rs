//! Whatever is asked, the program answers for itself: never 5xx, always an envelope.

use crate::world::{KEY, World, hour, read, world};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const PATHS: &[&str] = &[
    "/api/v1/ips",
    "/api/v1/ips/1",
    "/api/v1/ips/1/liquidity",
    "/api/v1/ips/1/stats/hourly",
    "/api/v1/ips/1/stats/daily",
    "/api/v1/ips/1/stats/monthly",
    "/api/v1/ips/1/items",
    "/api/v1/leaderboard",
    "/api/v1/alerts",
    "/api/v1/system/scheduler",
    "/api/v1/ips/-9223372036854775808/liquidity",
];

fn query() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "page",
        "page_size",
        "status",
        "category",
        "keyword",
        "start",
        "end",
        "limit",
        "type",
        "hours",
        "ip_id",
        "severity",
        "acknowledged",
        "x",
    ]);
    let value = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (0i64..200).prop_map(|n| n.to_string()),
        "[a-z%+&=;]{0,12}",
        "(%[0-9a-fA-F]{2}){0,6}",
        Just("hot".to_owned()),
        Just("2026-11-21T12:00:00%2B09:00".to_owned()),
        Just("-9999-01-01T00:00:00Z".to_owned()),
    ];
    let pairs = prop::collection::vec((name, value), 0..4);
    prop_oneof![
        4 => pairs.prop_map(|p| p.into_iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&")),
        1 => "[ -~&&[^#]]{0,40}",
    ]
}

async fn ask(w: &World, path: &str, query: &str) -> Result<(), TestCaseError> {
    let Ok(request) = w.request("GET", &format!("{path}?{query}")).header("x-api-key", KEY).build() else {
        return Ok(());
    };
    let response = reqwest::Client::new().execute(request).await.map_err(|e| TestCaseError::fail(e.to_string()))?;
    let (status, body) = read(response).await;
    prop_assert!(status == 200 || status == 400 || status == 404, "{path}?{query}: {status} {body}");
    prop_assert_eq!(&body["code"], if status == 200 { 0 } else { status.as_u16() });
    Ok(())
}

#[test]
fn any_query_is_answered() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let w = runtime.block_on(async {
        let w = world().await;
        let id = w.add("初音ミク").await;
        w.hours(id, &[(10, 1, 1), (11, 2, 3)], hour(12)).await;
        w
    });
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(400) });
    let cases = (prop::sample::select(PATHS.to_vec()), query());
    runner.run(&cases, |(path, query)| runtime.block_on(ask(&w, path, &query))).unwrap();
}
