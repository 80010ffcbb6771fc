//! From the outbox to a sink on this machine, with a real database and a clock that is moved by hand.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod sink;

use model::{Clock as _, MINUTE, SECOND, SystemClock, Timestamp};
use notify::{
    DeliverOptions, Deliverer, DeliveryFilter, DeliveryState, Origin, Sender, SenderOptions, Unsealed, depths,
    list_deliveries, resend,
};
use serde_json::{Value, json};
use sink::{Dice, RULES, Request, START, Sink, World};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use store::args;
use tokio_util::sync::CancellationToken;

const OK: &str = r#"{"id":1,"code":0,"errcode":0,"status":"success"}"#;

/// A webhook that gets every item's number.
fn webhook(sink: &Sink) -> Value {
    json!({ "kind": "webhook", "config": { "url": sink.url("/hook"), "template": r#"{"items":{{items}}}"# } })
}

fn ids(request: &Request) -> Vec<String> {
    request.body["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect()
}

async fn dead(world: &World) -> Vec<notify::DeliveryRow> {
    let filter = DeliveryFilter { state: Some(DeliveryState::Dead), limit: 100, ..DeliveryFilter::default() };
    list_deliveries(&world.store, &filter).await.unwrap().0
}

#[tokio::test]
async fn alerts_of_half_a_minute_are_one_digest() {
    let (world, sink) = (World::new().await, Sink::start(|_, _| (200, OK.into())).await);
    world.channel(webhook(&sink)).await;
    let deliverer = world.deliverer(DeliverOptions::default());
    world.tell(0..3, "warning").await;
    deliverer.step().await.unwrap();
    world.wait(20);
    world.tell(3..5, "critical").await;
    deliverer.step().await.unwrap();
    assert_eq!(sink.count(), 0, "still gathering");
    world.wait(10);
    world.tell(5..6, "info").await;
    deliverer.step().await.unwrap();
    assert_eq!(sink.count(), 1);
    assert_eq!(ids(&sink.seen()[0]), ["0:fired", "1:fired", "2:fired", "3:fired", "4:fired"]);
    world.wait(30);
    deliverer.step().await.unwrap();
    assert_eq!(ids(&sink.seen()[1]), ["5:fired"]);
    deliverer.step().await.unwrap();
    assert_eq!((sink.count(), world.states().await), (2, vec![("sent".to_owned(), 6)]));
}

#[tokio::test]
async fn an_alert_of_the_store_arrives_with_its_labels_and_its_recovery_closes_it() {
    let (world, sink) = (World::new().await, Sink::start(|_, _| (202, OK.into())).await);
    let config = json!({ "routing_key": "R", "url": sink.url("/v2/enqueue") });
    world.channel(json!({ "kind": "pagerduty", "config": config })).await;
    let key = store::AlertKey { kind: model::WatchKind::Market, ref_id: 7, alert_type: "surge", window: "" };
    let wording = store::Wording {
        severity: model::Severity::Critical,
        title: "Surge: X".into(),
        message: "liquidity 4.2 > 2".into(),
        value: Some(4.2),
    };
    let deliverer = world.deliverer(DeliverOptions::default());
    for condition in [model::Condition::Bad, model::Condition::Good, model::Condition::Good] {
        let mut tx = world.store.begin().await.unwrap();
        let policy = model::AlertPolicy::default();
        store::step_alert(&mut tx, &key, condition, &wording, &policy, world.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        world.wait(1);
        deliverer.step().await.unwrap();
    }
    let seen: Vec<Value> = sink.seen().into_iter().map(|r| r.body).collect();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0]["payload"]["class"], "surge");
    assert_eq!(seen[0]["payload"]["custom_details"]["value"], 4.2);
    assert_eq!((&seen[0]["event_action"], &seen[1]["event_action"]), (&json!("trigger"), &json!("resolve")));
    assert_eq!(seen[0]["dedup_key"], seen[1]["dedup_key"]);
}

#[tokio::test]
async fn a_channel_gets_what_it_asked_for_when_it_asked_for_it() {
    let (world, sink) = (World::new().await, Sink::start(|_, _| (200, OK.into())).await);
    let with = |more: Value| {
        let mut draft = webhook(&sink);
        draft.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        draft["gather_seconds"] = json!(0);
        draft
    };
    // START is 17:10 JST.
    let quiet = world.channel(with(json!({ "quiet": "17:00-18:00 +09:00" }))).await;
    let floor = world.channel(with(json!({ "severity_floor": "warning" }))).await;
    let off = world.channel(with(json!({ "enabled": false }))).await;
    world.tell(0..1, "info").await;
    world.tell(1..2, "warning").await;
    world.tell(2..3, "critical").await;
    let deliverer = world.deliverer(DeliverOptions::default());
    deliverer.step().await.unwrap();
    let sent = async |channel: i64| {
        let filter = DeliveryFilter {
            channel_id: Some(channel),
            state: Some(DeliveryState::Sent),
            limit: 9,
            ..DeliveryFilter::default()
        };
        let mut ids: Vec<i64> =
            list_deliveries(&world.store, &filter).await.unwrap().0.iter().map(|d| d.outbox_id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(sent(quiet).await, [3]);
    assert_eq!(sent(floor).await, [2, 3]);
    assert_eq!(sent(off).await, [0_i64; 0]);
    // What comes critical in quiet hours does not wait with what sleeps.
    world.tell(3..4, "critical").await;
    deliverer.step().await.unwrap();
    assert_eq!(sent(quiet).await, [3, 4]);
    world.wait(3_600);
    deliverer.step().await.unwrap();
    assert_eq!(sent(quiet).await, [1, 2, 3, 4]);
    assert_eq!(ids(sink.seen().last().unwrap()), ["0:fired", "1:fired"]);
}

#[tokio::test]
async fn a_refusal_is_dead_at_once_visible_and_sent_after_all_when_asked() {
    let mended = Arc::new(AtomicBool::new(false));
    let ok = mended.clone();
    let sink = Sink::start(move |_, _| {
        let good = ok.load(Ordering::SeqCst);
        (200, if good { r#"{"code":0}"# } else { r#"{"code":19024,"msg":"Key Words Not Found"}"# }.to_owned())
    })
    .await;
    let world = World::new().await;
    world.channel(json!({ "kind": "feishu", "config": { "url": sink.url("/hook/abcdefgh") } })).await;
    world.tell(0..1, "warning").await;
    let deliverer = world.deliverer(DeliverOptions::default());
    for _ in 0..5 {
        deliverer.step().await.unwrap();
        world.wait(3_600);
    }
    assert_eq!(sink.count(), 1, "a wrong keyword stays wrong");
    let gone = dead(&world).await;
    assert!(gone[0].last_error.as_ref().unwrap().contains("19024") && gone[0].title.as_deref() == Some("title 0"));
    assert_eq!(depths(&world.store).await.unwrap().dead, 1);
    mended.store(true, Ordering::SeqCst);
    let mut tx = world.store.begin().await.unwrap();
    assert!(resend(&mut tx, gone[0].id, world.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    world.wait(60);
    deliverer.step().await.unwrap();
    assert_eq!((sink.count(), world.states().await), (2, vec![("sent".to_owned(), 1)]));
    let mut tx = world.store.begin().await.unwrap();
    assert!(!resend(&mut tx, gone[0].id, world.clock.now()).await.unwrap(), "what was sent is not sent again");
}

#[tokio::test]
async fn eight_tries_with_longer_and_longer_waits_then_dead() {
    let (world, sink) = (World::new().await, Sink::start(|_, _| (500, "oops".into())).await);
    world.channel(webhook(&sink)).await;
    world.tell(0..2, "warning").await;
    let deliverer = world.deliverer(DeliverOptions::default());
    let mut tried = Vec::new();
    for _ in 0..14 * 360 {
        let before = sink.count();
        deliverer.step().await.unwrap();
        if sink.count() > before {
            tried.push((world.clock.now().millis() - START.millis()) / SECOND);
        }
        world.wait(10);
    }
    let waits: Vec<i64> = tried.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(tried.len(), 8, "{waits:?}");
    for (wait, least) in waits.iter().zip([15, 60, 240, 960, 3_840, 15_360, 21_600]) {
        assert!((least..=least + least / 10 + 10).contains(wait), "{waits:?}");
    }
    assert_eq!(dead(&world).await.len(), 2);
}

#[tokio::test]
async fn retry_after_holds_the_whole_channel_and_outlives_a_restart() {
    let sink =
        Sink::start(|n, _| if n == 0 { (429, "Retry-After: 4260\n\nslow".into()) } else { (200, OK.into()) }).await;
    let world = World::new().await;
    world.channel(webhook(&sink)).await;
    world.tell(0..1, "warning").await;
    let first = world.deliverer(DeliverOptions::default());
    first.step().await.unwrap();
    world.wait(30);
    first.step().await.unwrap();
    world.tell(1..2, "critical").await;
    for _ in 0..141 {
        world.wait(30);
        world.deliverer(DeliverOptions::default()).step().await.unwrap();
    }
    assert_eq!(sink.count(), 1, "71 minutes are 71 minutes");
    world.wait(30);
    world.deliverer(DeliverOptions::default()).step().await.unwrap();
    assert_eq!(ids(&sink.seen()[1]), ["0:fired", "1:fired"], "the new one comes along");
}

#[tokio::test]
async fn rates_hold_across_restarts() {
    for (kind, per_second, per_minute) in [("dingtalk", 5, 20), ("feishu", 5, 100), ("wecom", 5, 20)] {
        let times = Arc::new(Mutex::new(Vec::<i64>::new()));
        let world = World::new().await;
        let (log, clock) = (times.clone(), world.clock.clone());
        let sink = Sink::start(move |_, _| {
            log.lock().unwrap().push(clock.now().millis());
            (200, OK.into())
        })
        .await;
        let config = json!({ "url": sink.url("/hook/abcdefgh") });
        world.channel(json!({ "kind": kind, "gather_seconds": 0, "config": config })).await;
        world.tell(0..130, "warning").await;
        // Digests of one, and a new process for every step: the database remembers.
        let options = DeliverOptions { digest: 1, ..DeliverOptions::default() };
        let deliverers = [world.deliverer(options), world.deliverer(options)];
        let mut rounds = 0;
        while world.states().await != [("sent".to_owned(), 130)] {
            deliverers[rounds % 2].step().await.unwrap();
            world.clock.advance(Duration::from_millis(250));
            rounds += 1;
            assert!(rounds < 4_000, "{kind} never ends");
        }
        let times = times.lock().unwrap();
        for (limit, span) in [(per_second, SECOND), (per_minute, MINUTE)] {
            assert!(
                times.windows(limit + 1).all(|w| w[limit] - w[0] >= span),
                "{kind}: more than {limit} in {span} ms"
            );
        }
        let least = (130 / per_minute) as i64 * MINUTE;
        let took = times[129] - times[0];
        assert!((least..least + 2 * MINUTE).contains(&took), "{kind} took {took}");
        if kind == "feishu" {
            assert!(times.iter().all(|t| (t / SECOND).rem_euclid(30) >= 2), "off the marks");
        }
    }
}

/// A future that is dropped after some polls, as a process that is killed.
struct Killed<F> {
    inner: Pin<Box<F>>,
    polls: u64,
}

impl<F: Future> Future for Killed<F> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        if self.polls == 0 {
            return Poll::Ready(false);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(context).map(|_| true)
    }
}

/// A sink fails half of the time, before or after it took the message, and processes are killed at random points:
/// everything arrives, and nothing is sent again once its yes is written down.
#[tokio::test]
async fn everything_arrives_however_often_it_is_killed() {
    let mut total_kills = 0;
    for seed in 0..6 {
        let dice = Mutex::new(Dice(seed));
        let yes = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
        let counted = yes.clone();
        let sink = Sink::start(move |_, request| {
            if dice.lock().unwrap().roll(2) == 0 {
                return (503, "busy".into());
            }
            ids(request).into_iter().for_each(|id| *counted.lock().unwrap().entry(id).or_default() += 1);
            (200, OK.into())
        })
        .await;
        let world = World::new().await;
        let mut draft = webhook(&sink);
        draft["gather_seconds"] = json!(5);
        world.channel(draft).await;
        let options = DeliverOptions { digest: 3, ..DeliverOptions::default() };
        let (mut dice, mut written, mut kills, mut checked) = (Dice(seed + 100), HashSet::new(), 0, 0);
        for round in 0..600 {
            if round < 40 {
                world.tell(round * 2..round * 2 + 2, "warning").await;
            }
            let deliverer = world.deliverer(options);
            let polls = if dice.roll(3) == 0 { u64::MAX } else { 1 + dice.roll(16) };
            let killed = !pin!(Killed { inner: Box::pin(deliverer.step()), polls }).await;
            kills += u32::from(killed);
            // A request that was under way when its sender died still arrives.
            tokio::time::sleep(Duration::from_millis(if killed { 3 } else { 0 })).await;
            let seen = sink.seen();
            for id in seen[checked..].iter().flat_map(ids) {
                assert!(!written.contains(&id), "{id} was sent again after its yes was written (seed {seed})");
            }
            checked = seen.len();
            let sql = "SELECT o.dedup FROM deliveries d JOIN outbox o ON o.id = d.outbox_id WHERE d.state = 'sent'";
            let rows = world.store.query(sql, args![]).await.unwrap();
            written.extend(rows.iter().map(|r| r.text(0).unwrap()));
            // The dead's lease passes; later the back-offs do, too.
            world.wait(if killed { 130 } else { 20 } + if round < 100 { 0 } else { 3_600 });
            if written.len() == 80 {
                break;
            }
        }
        let states = world.states().await;
        let yes = yes.lock().unwrap().clone();
        total_kills += kills;
        assert!(dead(&world).await.is_empty() || states.len() == 2, "{states:?}");
        let given_up = dead(&world).await.len();
        assert!(yes.len() + given_up >= 80 && written.len() + given_up == 80, "{states:?}");
        let twice = yes.values().filter(|n| **n > 1).count();
        println!("seed {seed}: {kills} kills, {} requests, {twice} twice, {given_up} dead", checked);
    }
    assert!(total_kills > 100, "{total_kills}");
}

/// The one moment in which a message can go twice: between the channel's yes and the write. The second carries the
/// first's key.
#[tokio::test]
async fn a_death_between_yes_and_write_sends_the_same_key_again() {
    let arrived = Arc::new(tokio::sync::Notify::new());
    let tell = arrived.clone();
    let sink = Sink::start(move |_, _| {
        tell.notify_one();
        (200, OK.into())
    })
    .await;
    let world = World::new().await;
    world.channel(webhook(&sink)).await;
    world.tell(0..2, "warning").await;
    world.deliverer(DeliverOptions::default()).step().await.unwrap();
    world.wait(30);
    let deliverer = world.deliverer(DeliverOptions::default());
    tokio::select! {
        biased;
        () = arrived.notified() => {}
        _ = deliverer.step() => panic!("it should have died"),
    }
    world.wait(60);
    world.deliverer(DeliverOptions::default()).step().await.unwrap();
    assert_eq!(sink.count(), 1, "the dead process still holds the lease");
    world.wait(60);
    world.deliverer(DeliverOptions::default()).step().await.unwrap();
    let keys: Vec<_> = sink.seen().iter().map(|r| r.headers["idempotency-key"].clone()).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
    world.wait(3_600);
    world.deliverer(DeliverOptions::default()).step().await.unwrap();
    assert_eq!(sink.count(), 2);
}

#[tokio::test]
async fn the_loop_delivers_and_a_hanging_channel_keeps_nobody_waiting() {
    let world = World::new().await;
    let good = Sink::start(|_, _| (200, OK.into())).await;
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut draft = json!({ "kind": "webhook", "gather_seconds": 0,
        "config": { "url": format!("http://{}/", hanging.local_addr().unwrap()) } });
    world.channel(draft.clone()).await;
    draft["config"] = json!({ "url": good.url("/") });
    world.channel(draft).await;
    let clock = Arc::new(SystemClock);
    let options = SenderOptions { total: Duration::from_millis(800), ..SenderOptions::default() };
    let sender = Sender::new(options, clock.clone()).unwrap();
    let options = DeliverOptions { allow_private: true, ..DeliverOptions::default() };
    let deliverer = Arc::new(Deliverer::new(world.store.clone(), sender, Arc::new(Unsealed), clock, options));
    let stop = CancellationToken::new();
    let running = tokio::spawn(deliverer.clone().run(stop.clone()));
    for n in 0..5 {
        world.tell(n..n + 1, "warning").await;
        deliverer.wake();
        let arrived = async {
            while good.count() <= n as usize {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(600), arrived).await.expect("the good channel waited for the other");
    }
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), running).await.unwrap().unwrap();
    let leased = world.store.query("SELECT id FROM channels WHERE lease_until > 0", args![]).await.unwrap();
    assert!(leased.is_empty(), "all leases are given back");
}

#[tokio::test]
async fn a_lease_that_ends_at_once_still_lets_a_message_go() {
    let (world, sink) = (World::new().await, Sink::start(|_, _| (200, OK.into())).await);
    world.channel(webhook(&sink)).await;
    world.tell(0..4, "warning").await;
    let options = DeliverOptions { lease: Duration::ZERO, digest: 2, ..DeliverOptions::default() };
    let deliverer = world.deliverer(options);
    deliverer.step().await.unwrap();
    world.wait(30);
    for sent in 1..=2 {
        deliverer.step().await.unwrap();
        assert_eq!(sink.count(), sent);
        world.wait(1);
    }
    assert_eq!(world.states().await, [("sent".to_owned(), 4)]);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read_keeps_its_messages() {
    let (world, sink) = (World::new().await, Sink::start(|_, _| (200, OK.into())).await);
    let id = world.channel(webhook(&sink)).await;
    world.tell(0..1, "warning").await;
    let mut tx = world.store.begin().await.unwrap();
    let kept = tx.query_one("SELECT config FROM channels", args![]).await.unwrap().unwrap().text(0).unwrap();
    tx.exec("UPDATE channels SET config = 'hunter2'", args![]).await.unwrap();
    tx.commit().await.unwrap();
    let deliverer = world.deliverer(DeliverOptions::default());
    deliverer.step().await.unwrap();
    world.wait(30);
    deliverer.step().await.unwrap();
    let (rows, _) =
        list_deliveries(&world.store, &DeliveryFilter { limit: 9, ..DeliveryFilter::default() }).await.unwrap();
    assert_eq!((rows[0].state, rows[0].attempts), (DeliveryState::Waiting, 1));
    assert!(!rows[0].last_error.as_ref().unwrap().contains("hunter2"));
    let mut tx = world.store.begin().await.unwrap();
    tx.exec("UPDATE channels SET config = ? WHERE id = ?", args![kept, id]).await.unwrap();
    tx.commit().await.unwrap();
    world.wait(30);
    deliverer.step().await.unwrap();
    assert_eq!(sink.count(), 1);
}

#[tokio::test]
async fn channels_are_kept_changed_and_removed() {
    let (world, sink) = (World::new().await, Sink::start(|_, _| (200, OK.into())).await);
    let id = world.channel(webhook(&sink)).await;
    world.tell(0..3, "warning").await;
    world.deliverer(DeliverOptions::default()).fan(&world).await;
    let mut draft = notify::get_channel(&world.store, id).await.unwrap().unwrap().draft;
    assert_eq!((draft.gather_seconds, draft.config.is_none()), (None, true));
    draft.name = "renamed".into();
    let mut tx = world.store.begin().await.unwrap();
    assert!(notify::update_channel(&mut tx, id, &draft, Origin::Ui, &RULES, START).await.unwrap());
    assert!(!notify::update_channel(&mut tx, id + 1, &draft, Origin::Ui, &RULES, START).await.unwrap());
    draft.allow_private = false;
    let refused = notify::update_channel(&mut tx, id, &draft, Origin::Ui, &RULES, START).await.unwrap_err();
    assert!(refused.to_string().contains("loopback"), "{refused}");
    tx.commit().await.unwrap();
    let row = notify::list_channels(&world.store).await.unwrap().remove(0);
    assert_eq!(row.draft.name, "renamed");
    assert!(!format!("{row:?} {}", serde_json::to_string(&row.draft).unwrap()).contains("127.0.0.1"));
    row.open(&RULES).unwrap();
    let mut tx = world.store.begin().await.unwrap();
    assert!(notify::remove_channel(&mut tx, id).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(world.states().await, [("dropped".to_owned(), 3)]);
    let mut tx = world.store.begin().await.unwrap();
    assert_eq!(notify::sweep(&mut tx, Timestamp(START.millis() + 1), 10).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert!(world.states().await.is_empty());
}

trait Fan {
    async fn fan(&self, world: &World);
}

impl Fan for Deliverer {
    async fn fan(&self, world: &World) {
        assert_eq!(notify::fan_out(&world.store, world.clock.now(), 100, Duration::from_secs(30)).await.unwrap(), 3);
        assert_eq!(notify::fan_out(&world.store, world.clock.now(), 100, Duration::from_secs(30)).await.unwrap(), 0);
    }
}
