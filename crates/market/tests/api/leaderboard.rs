//! The leaderboard: order, window, cache.

use crate::world::{World, at, flows, hour, noon, world};
use market::leaderboard::{Ranking, Which};
use serde_json::{Value, json};
use std::time::Duration;

async fn ranked(w: &World, query: &str) -> Vec<(i64, i64)> {
    let board = w.data(&format!("/api/v1/leaderboard?{query}")).await;
    let items = board["items"].as_array().unwrap();
    assert_eq!(board["count"], items.len());
    items.iter().map(|i| (i["ip_id"].as_i64().unwrap(), i["rank"].as_i64().unwrap())).collect()
}

#[tokio::test]
async fn each_ranking_has_its_order_and_ties_go_by_id() {
    let w = world().await;
    let mut ids = Vec::new();
    for (name, inflow, outflow) in [("a", 10, 5), ("b", 10, 5), ("c", 1, 5), ("d", 50, 1), ("e", 10, 5)] {
        let id = w.add(name).await;
        w.hours(id, &[(11, inflow, outflow)], hour(12)).await;
        ids.push(id);
    }
    let order = |board: Vec<(i64, i64)>| board.into_iter().map(|(id, _)| id - ids[0]).collect::<Vec<_>>();
    assert_eq!(order(ranked(&w, "hours=1").await), [2, 0, 1, 4, 3]);
    assert_eq!(order(ranked(&w, "hours=1&type=inflow").await), [3, 0, 1, 4, 2]);
    assert_eq!(order(ranked(&w, "hours=1&type=outflow").await), [0, 1, 2, 4, 3]);
    let top = ranked(&w, "hours=1&limit=2").await;
    assert_eq!(top.iter().map(|(_, rank)| *rank).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn the_window_is_made_of_complete_hours() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    // Known up to 12:05: the hour from 12:00 is not complete, the one from 11:00 is.
    w.hours(
        id,
        &[(8, 1, 1), (9, 10, 10), (10, 100, 100), (11, 1000, 1000), (12, 7, 7)],
        at("2026-11-21T12:05:00+09:00"),
    )
    .await;
    let board = w.data("/api/v1/leaderboard?hours=3&type=inflow").await;
    assert_eq!(
        board["time_range"],
        json!({ "start": "2026-11-21T09:00:00+09:00", "end": "2026-11-21T12:00:00+09:00" })
    );
    assert_eq!((&board["items"][0]["inflow"], &board["items"][0]["hours"]), (&json!(1110), &json!(3)));
    // The next hour: the window moves, though no crawl has filled its last hour yet.
    w.clock.set(hour(13));
    let board = w.data("/api/v1/leaderboard?hours=3&type=inflow").await;
    assert_eq!((&board["items"][0]["inflow"], &board["items"][0]["hours"]), (&json!(1100), &json!(2)));
    w.clock.set(at("2026-11-21T20:00:00+09:00"));
    assert_eq!(w.data("/api/v1/leaderboard?hours=3").await["items"], json!([]));
    assert_eq!(w.data("/api/v1/leaderboard?hours=168").await["items"][0]["inflow"], 1111);
}

#[tokio::test]
async fn no_inflow_has_no_index_and_a_lower_bound_is_marked() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    let mut changes = flows(&[(10, 0, 4), (11, 0, 4)], hour(12));
    changes.gap.outflow = Some((hour(10), hour(11)));
    w.record(id, &changes).await;
    let board = w.data("/api/v1/leaderboard?hours=2").await;
    let item = &board["items"][0];
    assert_eq!((&item["liquidity_index"], &item["saturated"]), (&Value::Null, &json!(true)));
    assert!((item["score"].as_f64().unwrap() - 9.0 * 9_f64.ln()).abs() < 1e-9);
    assert_eq!(w.data("/api/v1/leaderboard?hours=1").await["items"][0]["saturated"], json!(false));
}

#[tokio::test]
async fn an_answer_is_kept_until_a_crawl_or_a_change_says_otherwise() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    w.hours(id, &[(11, 3, 1)], hour(12)).await;
    let first = w.data("/api/v1/leaderboard").await;
    let again = w.data("/api/v1/leaderboard").await;
    assert_eq!((&first["from_cache"], &again["from_cache"]), (&json!(false), &json!(true)));
    assert_eq!((&first["items"], &first["cached_at"]), (&again["items"], &again["cached_at"]));
    assert_eq!(first["cached_at"], noon().to_rfc3339_jst());
    // The same sums serve another ranking.
    assert_eq!(w.data("/api/v1/leaderboard?type=inflow").await["from_cache"], true);
    w.hours(id, &[(11, 2, 0)], hour(12)).await;
    let after = w.data("/api/v1/leaderboard").await;
    assert_eq!((&after["from_cache"], &after["items"][0]["inflow"]), (&json!(false), &json!(5)));
    w.admin("PUT", &format!("/api/v1/ips/{id}"), json!({ "name_en": "Miku" })).await;
    assert_eq!(w.data("/api/v1/leaderboard").await["items"][0]["ip_name_en"], "Miku");
    w.admin("DELETE", &format!("/api/v1/ips/{id}"), Value::Null).await;
    assert_eq!(w.data("/api/v1/leaderboard").await["items"], json!([]));
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_sum() {
    let w = world().await;
    let id = w.add("初音ミク").await;
    w.hours(id, &[(11, 3, 1)], hour(12)).await;
    let which = Which { ranking: Ranking::Hot, hours: 24, limit: 10 };
    let boards = futures::future::join_all((0..50).map(|_| w.board.board(which))).await;
    let made = boards.iter().filter(|b| !b.as_ref().unwrap().from_cache).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn listeners_are_told_when_the_top_changes() {
    let w = world().await;
    let (a, b) = (w.add("a").await, w.add("b").await);
    w.hours(a, &[(11, 3, 1)], hour(12)).await;
    let mut events = w.engine.subscribe();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let board = w.board.clone();
    let follower = tokio::spawn(board.follow(async {
        let _ = stopped.await;
    }));
    // The follower must have looked at the top before it changes.
    tokio::time::sleep(Duration::from_millis(50)).await;
    w.hours(b, &[(11, 1, 9)], hour(12)).await;
    let told = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let event = events.recv().await.unwrap();
            if event.name == "leaderboard" {
                return event.data;
            }
        }
    });
    assert_eq!(told.await.unwrap(), json!({ "top": [b, a] }));
    stop.send(()).unwrap();
    follower.await.unwrap();
}

#[tokio::test]
async fn wrong_queries_say_what_would_be_right() {
    let w = world().await;
    let refused = async |query: &str| w.refused(&format!("/api/v1/leaderboard?{query}")).await;
    assert_eq!(refused("hours=500").await, (400, "hours must be 1..168, got 500".into()));
    assert_eq!(refused("hours=x").await, (400, "hours must be 1..168, got \"x\"".into()));
    assert_eq!(refused("limit=101").await.1, "limit must be 1..100, got 101");
    assert_eq!(refused("type=cold").await.1, "type must be one of hot, inflow, outflow, got \"cold\"");
    assert_eq!(refused("kind=hot").await.1, "unknown parameter \"kind\"; known are: type, hours, limit");
}
