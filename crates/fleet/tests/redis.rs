//! Streams, pace, counts and roster in a real Redis that is emptied, killed and started again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use api::{Guessing, SharedCounts};
use engine::{Asked, SharedPace, Turn};
use fleet::{FleetError, Link, Member, Queue, Roster, Shared};
use model::{Clock, SystemClock, Timestamp};
use servers::{Redis, Wire};
use std::sync::Arc;
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_millis(200);
const NOW: Timestamp = Timestamp(1_795_000_000_000);

async fn flush(redis: &Redis) {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
}

fn link(redis: &Redis) -> Link {
    Link::open(&redis.url(), "").unwrap()
}

fn messages(entries: &[fleet::Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.message.as_str()).collect()
}

#[tokio::test]
async fn a_message_is_taken_by_one_and_deleted_when_it_is_done() {
    let Some(redis) = Redis::start() else { return };
    let link = link(&redis);
    let (tasks, results) = (Queue::tasks(&link), Queue::results(&link));
    tasks.ensure().await.unwrap();
    tasks.ensure().await.unwrap();
    for message in ["a", "b", "c"] {
        tasks.push(message).await.unwrap();
    }
    let (mut one, mut two) = (tasks.reader("one"), tasks.reader("two"));
    let (first, second) = (one.take(2, WAIT).await.unwrap(), two.take(2, WAIT).await.unwrap());
    assert_eq!((messages(&first), messages(&second)), (vec!["a", "b"], vec!["c"]));
    assert_eq!(one.take(1, WAIT).await, Ok(Vec::new()), "nothing is left, and that is no error");
    let lengths = tasks.lengths().await.unwrap();
    assert_eq!((lengths.waiting, lengths.taken, lengths.dead), (0, 3, 0));
    tasks.done(&first[0].id).await.unwrap();
    tasks.done_with(&first[1].id, &results, "seen b").await.unwrap();
    assert_eq!(tasks.lengths().await.unwrap().taken, 1);
    assert_eq!(results.lengths().await.unwrap().waiting, 1);
    assert_eq!(messages(&results.reader("r").take(5, WAIT).await.unwrap()), ["seen b"]);
    tasks.leave("one").await.unwrap();
    tasks.leave("two").await.unwrap();
    assert_eq!(tasks.lengths().await.unwrap().taken, 1, "who holds something stays on the list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_cut_off_without_a_word_is_made_anew() {
    let Some(redis) = Redis::start() else { return };
    let wire = Wire::to(redis.port()).await.unwrap();
    let url = redis.url().replace(&format!(":{}/", redis.port()), &format!(":{}/", wire.port()));
    let tasks = Queue::tasks(&Link::open(&url, "").unwrap());
    tasks.ensure().await.unwrap();
    let mut reader = tasks.reader("one");
    tasks.push("a").await.unwrap();
    assert_eq!(messages(&reader.take(1, WAIT).await.unwrap()), ["a"]);
    wire.cut();
    let (pushed, taken) = tokio::join!(tasks.push("b"), reader.take(1, WAIT));
    assert!(matches!(pushed, Err(FleetError::Unreachable(_))), "{pushed:?}");
    assert!(matches!(taken, Err(FleetError::Unreachable(_))), "{taken:?}");
    wire.mend();
    let begun = Instant::now();
    while let Err(e) = tasks.push("c").await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{e}");
    }
    assert_eq!(messages(&reader.take(5, WAIT).await.unwrap()), ["c"]);
}

#[tokio::test]
async fn what_a_dead_taker_held_is_taken_by_another_and_what_is_kept_is_not() {
    let Some(redis) = Redis::start() else { return };
    let tasks = Queue::tasks(&link(&redis));
    tasks.ensure().await.unwrap();
    tasks.push("kept").await.unwrap();
    tasks.push("orphan").await.unwrap();
    let (mut dead, mut alive) = (tasks.reader("dead"), tasks.reader("alive"));
    let taken = dead.take(2, WAIT).await.unwrap();
    let idle = Duration::from_millis(300);
    assert_eq!(alive.orphans(idle, 10).await, Ok(Vec::new()), "too early");
    tokio::time::sleep(idle).await;
    tasks.keep("dead", &taken[0].id).await.unwrap();
    let orphans = alive.orphans(idle, 10).await.unwrap();
    assert_eq!((messages(&orphans), orphans[0].deliveries), (vec!["orphan"], 2));
    tokio::time::sleep(idle).await;
    let again = dead.orphans(idle, 10).await.unwrap();
    assert_eq!(again.iter().find(|e| e.message == "orphan").unwrap().deliveries, 3);
}

#[tokio::test]
async fn dead_letters_are_seen_replayed_once_and_dropped() {
    let Some(redis) = Redis::start() else { return };
    let tasks = Queue::tasks(&link(&redis));
    tasks.ensure().await.unwrap();
    tasks.push("{}").await.unwrap();
    tasks.push("nonsense").await.unwrap();
    for entry in tasks.reader("w").take(2, WAIT).await.unwrap() {
        tasks.bury(&entry, "keyword: missing", NOW).await.unwrap();
    }
    let lengths = tasks.lengths().await.unwrap();
    assert_eq!((lengths.waiting, lengths.taken, lengths.dead), (0, 0, 2));
    let letters = tasks.dead_letters((0, 10)).await.unwrap();
    assert_eq!((letters[0].message.as_str(), letters[0].at), ("nonsense", Some(NOW)));
    assert_eq!(letters[1].reason, "keyword: missing");
    assert_eq!(tasks.dead_letters((1, 10)).await.unwrap(), letters[1..]);
    assert_eq!(tasks.replay(&letters[1]).await, Ok(true));
    assert_eq!(tasks.replay(&letters[1]).await, Ok(false), "not twice");
    assert_eq!(tasks.drop_dead(&letters[0].id).await, Ok(true));
    assert_eq!(tasks.dead_letter(&letters[0].id).await, Ok(None));
    assert_eq!(messages(&tasks.reader("w").take(5, WAIT).await.unwrap()), ["{}"]);
}

#[tokio::test]
async fn an_emptied_and_a_restarted_redis_is_gone_on_with() {
    let Some(mut redis) = Redis::start() else { return };
    let tasks = Queue::tasks(&link(&redis));
    tasks.ensure().await.unwrap();
    let mut reader = tasks.reader("w");
    assert_eq!(reader.take(1, WAIT).await, Ok(Vec::new()));
    flush(&redis).await;
    tasks.push("after the flush").await.unwrap();
    assert_eq!(messages(&reader.take(1, WAIT).await.unwrap()), ["after the flush"]);
    redis.kill();
    assert!(matches!(tasks.push("lost").await, Err(FleetError::Unreachable(_))));
    assert!(matches!(reader.take(1, WAIT).await, Err(FleetError::Unreachable(_))));
    redis.restart();
    let begun = Instant::now();
    while tasks.push("after the restart").await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the link does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(messages(&reader.take(1, WAIT).await.unwrap()), ["after the restart"]);
}

#[tokio::test]
async fn all_processes_together_keep_to_one_pace() {
    let Some(redis) = Redis::start() else { return };
    let shared: Vec<_> = (0..3).map(|_| Arc::new(Shared::new(link(&redis)))).collect();
    let asked = Asked {
        interval: Duration::from_millis(50),
        burst: 4,
        jitter: Duration::from_millis(10),
        max_wait: Duration::from_secs(1),
    };
    let begun = Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..24 {
        let shared = Arc::clone(&shared[n % 3]);
        asking.spawn(async move { (shared.reserve("mercari", asked).await, begun.elapsed()) });
    }
    let (mut went, mut refused) = (Vec::new(), 0);
    for (turn, at) in asking.join_all().await {
        match turn.expect("Redis answers") {
            Turn::In(wait) => went.push((at + wait).as_secs_f64()),
            Turn::TooFar(wait) => {
                assert!(wait > asked.max_wait, "{wait:?}");
                refused += 1;
            }
        }
    }
    went.sort_by(f64::total_cmp);
    assert!(went.len() >= 20 && refused + went.len() == 24, "{} went", went.len());
    for (i, from) in went.iter().enumerate() {
        for (n, to) in went[i..].iter().enumerate() {
            // What is measured here begins after Redis answered, so a little later than what it counted.
            let most = 4.0 + (to - from + 0.05) / 0.05;
            assert!((n + 1) as f64 <= most, "{} in {:.3} s, at most {most:.1}", n + 1, to - from);
        }
    }
    shared[0].hold_off("mercari", Duration::from_secs(30)).await;
    let Some(Turn::TooFar(wait)) = shared[1].reserve("mercari", asked).await else { panic!("nobody holds off") };
    assert!((25..=30).contains(&wait.as_secs()), "{wait:?}");
    assert!(matches!(shared[1].reserve("another", asked).await, Some(Turn::In(_))));
}

#[tokio::test]
async fn a_client_has_one_allowance_and_a_guesser_one_wait_at_all_processes() {
    let Some(mut redis) = Redis::start() else { return };
    let (one, two) = (Shared::new(link(&redis)), Shared::new(link(&redis)));
    let minute = Duration::from_secs(60);
    for n in 0..6 {
        let counted = if n % 2 == 0 {
            one.ask("log_in:1.2.3.4", 6, minute).await
        } else {
            two.ask("log_in:1.2.3.4", 6, minute).await
        };
        assert_eq!(counted.unwrap().over, None);
    }
    let over = one.ask("log_in:1.2.3.4", 6, minute).await.unwrap();
    assert!(over.over.is_some_and(|wait| (8..=10).contains(&wait.as_secs())), "{over:?}");
    assert_eq!(one.ask("log_in:5.6.7.8", 6, minute).await.unwrap().over, None);
    let rule = Guessing { free: 3, first: minute, longest: minute * 15, forget: minute * 60 };
    for _ in 0..3 {
        assert_eq!(one.begin("1.2.3.4", "ann", rule).await, Some(Ok(())));
    }
    for (address, account) in [("1.2.3.4", "bob"), ("9.9.9.9", "ann")] {
        let wait = two.begin(address, account, rule).await.unwrap().unwrap_err();
        assert!(wait > Duration::from_secs(50) && wait <= minute, "{wait:?}");
    }
    two.succeeded("1.2.3.4", "ann").await;
    assert_eq!(one.begin("9.9.9.9", "ann", rule).await, Some(Ok(())), "the account begins anew");
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let names: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    assert!(names.iter().all(|name| !name.contains("ann")), "{names:?}");
    redis.kill();
    let begun = Instant::now();
    assert_eq!(one.ask("log_in:1.2.3.4", 6, minute).await, None, "each process counts for itself");
    assert!(begun.elapsed() < Duration::from_secs(2), "a request does not wait for its counter");
}

#[tokio::test]
async fn who_is_silent_is_forgotten() {
    let Some(redis) = Redis::start() else { return };
    let roster = Roster::new(link(&redis));
    // A line about a process tells whole seconds.
    let now = Timestamp::from_secs(SystemClock.now().secs());
    let member = |name: &str, seen_at| Member {
        name: name.into(),
        role: "worker".into(),
        version: "1".into(),
        running: 2,
        capacity: 8,
        lag_seconds: None,
        draining: false,
        started_at: now,
        seen_at,
    };
    roster.write(&member("b", now)).await.unwrap();
    roster.write(&member("a", now)).await.unwrap();
    roster.write(&member("gone", now - Duration::from_secs(300))).await.unwrap();
    assert_eq!(roster.all(now).await.unwrap(), [member("a", now), member("b", now)]);
    roster.leave("a").await.unwrap();
    assert_eq!(roster.all(now).await.unwrap(), [member("b", now)]);
}

#[tokio::test]
async fn a_wrong_url_or_password_is_said_without_the_secret() {
    assert!(matches!(Link::open("mysql://u:hunter2@h/d", ""), Err(FleetError::Unusable(e)) if !e.contains("hunter2")));
    let Some(redis) = Redis::start() else { return };
    let refused = Link::open(&redis.url_without_password(), "hunter2").unwrap().check().await.unwrap_err();
    assert!(matches!(&refused, FleetError::Refused(e) if !e.contains("hunter2")), "{refused:?}");
    let version = Link::open(&redis.url_without_password(), redis.password()).unwrap().check().await.unwrap();
    assert!(version.starts_with(['6', '7', '8']), "{version}");
}
