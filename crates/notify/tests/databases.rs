//! One suite for SQLite, MariaDB and PostgreSQL: what the tables promise holds on each of them.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod sink;

use model::{Clock as _, Timestamp};
use notify::{DeliverOptions, DeliveryFilter, DeliveryState, depths, list_deliveries, resend};
use serde_json::{Value, json};
use servers::{MariaDb, Postgres};
use sink::{RULES, START, Sink, World};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use store::args;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    suite(&World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    let Some(server) = MariaDb::start() else { return };
    suite(&World::on(&server.url()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(server) = Postgres::start() else { return };
    suite(&World::on(&server.url()).await).await;
}

/// The channel says yes while the database is away, for longer than a busy one would be.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_when_a_message_is_out_costs_no_second_one() {
    let Some(server) = MariaDb::start() else { return };
    let world = World::on(&server.url()).await;
    let server = Arc::new(Mutex::new(server));
    let sink = Sink::start({
        let server = Arc::clone(&server);
        move |_, _| {
            server.lock().unwrap().kill();
            (200, "ok".into())
        }
    })
    .await;
    world.channel(draft(&sink)).await;
    world.tell(0..2, "warning").await;
    let deliverer = world.deliverer(DeliverOptions::default());
    let (sending, back) = tokio::join!(deliverer.step(), async {
        while sink.count() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        tokio::task::spawn_blocking(move || server.lock().unwrap().restart()).await
    });
    sending.unwrap();
    back.unwrap();
    for _ in 0..3 {
        world.wait(600);
        deliverer.step().await.unwrap();
    }
    assert_eq!(sink.count(), 1, "told once");
    assert_eq!(world.states().await, [("sent".to_owned(), 2)]);
    world.store.close().await;
}

async fn suite(world: &World) {
    migrations_can_be_repeated(world).await;
    many_processes_send_each_message_once(world).await;
    what_is_dead_can_be_seen_sent_and_swept(world).await;
    the_configuration_keeps_its_channels(world).await;
    world.store.close().await;
}

fn draft(sink: &Sink) -> Value {
    json!({
        "kind": "webhook", "gather_seconds": 0, "per_second": 0, "per_minute": 0,
        "quiet": "03:00-03:01 +00:00", "language": "zh",
        "config": { "url": sink.url("/hook"), "template": r#"{"items":{{items}}}"# },
    })
}

async fn migrations_can_be_repeated(world: &World) {
    let mut tx = world.store.begin().await.unwrap();
    tx.exec("DELETE FROM schema_migrations WHERE name LIKE 'notify%'", args![]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.store.migrate(notify::MIGRATIONS, START).await.unwrap(), ["notify/001-first"]);
}

async fn many_processes_send_each_message_once(world: &World) {
    let sink = Sink::start(|_, _| (200, "ok".into())).await;
    let mut channels = Vec::new();
    for _ in 0..3 {
        channels.push(world.channel(draft(&sink)).await);
    }
    let options = DeliverOptions { digest: 3, batch: 7, ..DeliverOptions::default() };
    let deliverers: Vec<_> = (0..4).map(|_| world.deliverer(options)).collect();
    for round in 0..10 {
        world.tell(round * 10..round * 10 + 10, "warning").await;
        let steps = deliverers.iter().cloned().map(|d| tokio::spawn(async move { d.step().await }));
        for step in futures::future::join_all(steps).await {
            step.unwrap().unwrap();
        }
    }
    deliverers[0].step().await.unwrap();
    let mut counts = HashMap::<String, u32>::new();
    for request in sink.seen() {
        for item in request.body["items"].as_array().unwrap() {
            *counts.entry(item["id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(counts.len(), 100);
    assert!(counts.values().all(|n| *n == 3), "each message once to each of three channels: {counts:?}");
    let left = world.store.query("SELECT id FROM outbox WHERE state <> 'fanned'", args![]).await.unwrap();
    assert!(left.is_empty());
    for id in channels {
        let row = notify::get_channel(&world.store, id).await.unwrap().unwrap();
        assert_eq!(row.draft.quiet.unwrap().to_string(), "03:00-03:01 +00:00");
        let mut tx = world.store.begin().await.unwrap();
        assert!(notify::remove_channel(&mut tx, id).await.unwrap());
        tx.commit().await.unwrap();
    }
}

async fn the_configuration_keeps_its_channels(world: &World) {
    let draft = |name: &str, key: &str| {
        let config = json!({ "url": format!("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}") });
        let draft = json!({ "name": name, "kind": "wecom", "config": config, "gather_seconds": 9 });
        serde_json::from_value::<notify::ChannelDraft>(draft).unwrap()
    };
    let keep = async |drafts: &[notify::ChannelDraft]| {
        let mut tx = world.store.begin().await.unwrap();
        let kept = notify::keep(&mut tx, drafts, &RULES, START).await.unwrap();
        tx.commit().await.unwrap();
        (kept.added, kept.changed, kept.removed)
    };
    assert_eq!(keep(&[draft("运维", "a"), draft("b", "b")]).await, (2, 0, 0));
    assert_eq!(keep(&[draft("运维", "a"), draft("b", "b")]).await, (0, 0, 0));
    assert_eq!(keep(&[draft("运维", "other")]).await, (0, 1, 1));
    let counts = notify::channel_counts(&world.store).await.unwrap();
    assert!(counts.is_empty(), "{counts:?}");
    assert_eq!(keep(&[]).await, (0, 0, 1));
}

async fn what_is_dead_can_be_seen_sent_and_swept(world: &World) {
    let status = Arc::new(AtomicU16::new(404));
    let answer = status.clone();
    let sink = Sink::start(move |_, _| (answer.load(Ordering::SeqCst), "gone 😶".into())).await;
    let id = world.channel(draft(&sink)).await;
    world.tell(1_000..1_002, "critical").await;
    world.deliverer(DeliverOptions::default()).step().await.unwrap();
    let filter = DeliveryFilter {
        channel_id: Some(id),
        state: Some(DeliveryState::Dead),
        limit: 1,
        ..DeliveryFilter::default()
    };
    let (rows, total) = list_deliveries(&world.store, &filter).await.unwrap();
    assert_eq!((rows.len(), total, rows[0].attempts), (1, 2, 1));
    assert_eq!(rows[0].last_error.as_deref(), Some("HTTP 404: gone 😶"));
    status.store(204, Ordering::SeqCst);
    let mut tx = world.store.begin().await.unwrap();
    assert!(resend(&mut tx, rows[0].id, world.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    let counts = notify::channel_counts(&world.store).await.unwrap()[&id].clone();
    assert_eq!((counts.waiting, counts.dead, counts.last_sent_at), (1, 1, None));
    let about = DeliveryFilter { alert_id: Some(1_000), limit: 9, ..DeliveryFilter::default() };
    let (about, _) = list_deliveries(&world.store, &about).await.unwrap();
    assert_eq!((about.len(), about[0].alert_id, about[0].notice.as_deref()), (1, Some(1_000), Some("fired")));
    assert_eq!(notify::get_delivery(&world.store, about[0].id).await.unwrap().as_ref(), Some(&about[0]));
    let mut tx = world.store.begin().await.unwrap();
    let of = DeliveryFilter { channel_id: Some(id), alert_id: Some(1_000), ..DeliveryFilter::default() };
    let again = notify::resend_all(&mut tx, &of, world.clock.now()).await.unwrap();
    assert_eq!(again, u64::from(about[0].state == DeliveryState::Dead));
    tx.rollback().await.unwrap();
    let counted = depths(&world.store).await.unwrap();
    assert_eq!((counted.unfanned, counted.waiting, counted.dead), (0, 1, 1));
    assert!(counted.oldest_waiting.is_some());
    world.deliverer(DeliverOptions::default()).step().await.unwrap();
    assert_eq!(depths(&world.store).await.unwrap().waiting, 0);
    let mut tx = world.store.begin().await.unwrap();
    let end = Timestamp(i64::MAX);
    assert_eq!(notify::sweep(&mut tx, end, 100).await.unwrap(), 100);
    assert_eq!(notify::sweep(&mut tx, end, 100).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert!(world.states().await.is_empty());
}
