//! One suite for SQLite, MariaDB and PostgreSQL: what the tables promise holds on each of them.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod world;

use engine::{Checked, Registered as _};
use model::{Timestamp, WatchKind};
use reminders::MailboxOptions;
use reminders::cycle::CycleType;
use reminders::imap::Observation;
use reminders::store::{
    Hit, Mark, SubscriptionDraft, delete_mailbox, delete_subscription, find_subscription, get_mailbox,
    get_subscription, hold_subscription, list_hits, list_subscriptions, update_mailbox, update_subscription,
    write_renewed,
};
use servers::{MariaDb, Postgres};
use std::time::Duration;
use store::{Claim, StoreError, Task, args};
use world::{World, at, mailbox, noon, subscription};

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    suite(&World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    let Some(server) = MariaDb::start() else { return };
    suite(&World::on(&server.url(), MailboxOptions::default()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(server) = Postgres::start() else { return };
    suite(&World::on(&server.url(), MailboxOptions::default()).await).await;
}

async fn suite(world: &World) {
    migrations_can_be_repeated(world).await;
    what_is_written_is_read(world).await;
    names_are_taken_until_deleted(world).await;
    a_payment_and_a_look_at_the_same_time_leave_nothing_open(world).await;
    a_mail_is_told_once_whoever_brings_it(world).await;
    world.store.close().await;
}

async fn migrations_can_be_repeated(world: &World) {
    let mut tx = world.store.begin().await.unwrap();
    tx.exec("DELETE FROM schema_migrations WHERE name LIKE 'reminders%'", args![]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.store.migrate(reminders::MIGRATIONS, noon()).await.unwrap(), ["reminders/001-first"]);
}

async fn what_is_written_is_read(world: &World) {
    let mut draft = subscription("续费 😶", CycleType::Yearly, 229, "7,3,1,0");
    draft.terms.last_renewed = Some("2026-02-28".parse().unwrap());
    draft.terms.end = Some("2030-02-28".parse().unwrap());
    draft.amount = Some("0.10".parse().unwrap());
    let id = world.subscribe(&draft).await;
    assert_eq!(get_subscription(&world.store, id).await.unwrap().unwrap().draft, draft);
    let changed = SubscriptionDraft { amount: None, enabled: false, ..subscription("x", CycleType::Weekly, 7, "5,") };
    let mut tx = world.store.begin().await.unwrap();
    assert!(update_subscription(&mut tx, id, &changed, noon()).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(get_subscription(&world.store, id).await.unwrap().unwrap().draft, changed);
    let mut box_draft = mailbox("收件箱", 143, "secret");
    box_draft.words = Some(vec!["欠费".to_owned()]);
    let id = world.mailbox(&box_draft).await;
    let kept = get_mailbox(&world.store, id).await.unwrap().unwrap();
    assert_eq!((kept.draft, kept.mark), (box_draft, None));
    let mut tx = world.store.begin().await.unwrap();
    assert!(delete_mailbox(&mut tx, id, noon()).await.unwrap());
    assert!(!delete_mailbox(&mut tx, id, noon()).await.unwrap());
    tx.commit().await.unwrap();
    assert!(get_mailbox(&world.store, id).await.unwrap().is_none());
    let rows = world.store.query("SELECT secret FROM mailboxes WHERE id = ?", args![id]).await.unwrap();
    assert_eq!(rows[0].text(0).unwrap(), "");
}

async fn names_are_taken_until_deleted(world: &World) {
    let draft = subscription("twice", CycleType::Weekly, 1, "0,");
    let id = world.subscribe(&draft).await;
    let mut tx = world.store.begin().await.unwrap();
    let again = reminders::store::add_subscription(&mut tx, &draft, noon()).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    drop(tx);
    let mut tx = world.store.begin().await.unwrap();
    assert_eq!(find_subscription(&mut tx, "twice").await.unwrap(), Some(id));
    assert!(delete_subscription(&mut tx, id, noon()).await.unwrap());
    tx.commit().await.unwrap();
    let next = world.subscribe(&draft).await;
    assert_ne!(next, id);
    assert_eq!(list_subscriptions(&world.store).await.unwrap().iter().filter(|s| s.draft.name == "twice").count(), 1);
    let mut tx = world.store.begin().await.unwrap();
    assert!(delete_subscription(&mut tx, next, noon()).await.unwrap());
    tx.commit().await.unwrap();
}

async fn claim(world: &World, kind: WatchKind, id: i64) -> Task {
    let mut tx = world.store.begin().await.unwrap();
    assert!(store::trigger(&mut tx, kind, id, world.now()).await.unwrap());
    tx.commit().await.unwrap();
    let token = uuid::Uuid::new_v4().to_string();
    let claim = Claim { kinds: &[kind], limit: 100, lease: Duration::from_secs(900), token: &token };
    let tasks = store::claim(&world.store, &claim, world.now()).await.unwrap();
    tasks.into_iter().find(|t| t.ref_id == id).unwrap()
}

async fn open(world: &World, kind: WatchKind, id: i64) -> usize {
    let mut tx = world.store.begin().await.unwrap();
    let open = store::open_alerts_of(&mut tx, kind, id).await.unwrap().len();
    tx.rollback().await.unwrap();
    open
}

async fn a_payment_and_a_look_at_the_same_time_leave_nothing_open(world: &World) {
    for n in 0..10 {
        let id = world.subscribe(&subscription(&format!("race {n}"), CycleType::Monthly, 24, "3,1")).await;
        let task = claim(world, WatchKind::Subscription, id).await;
        let pay = async {
            let mut tx = world.store.begin().await.unwrap();
            let row = hold_subscription(&mut tx, id).await.unwrap().unwrap();
            let today = row.draft.zone.date(world.now()).unwrap();
            write_renewed(&mut tx, id, today, world.now()).await.unwrap();
            tx.commit().await.unwrap();
        };
        let ((), checked) = tokio::join!(pay, world.subscriptions.check(&world.engine, &task));
        assert!(matches!(checked, Checked::Recorded(_)), "{checked:?}");
        let task = claim(world, WatchKind::Subscription, id).await;
        world.subscriptions.check(&world.engine, &task).await;
        assert_eq!(open(world, WatchKind::Subscription, id).await, 0);
    }
}

fn hit(n: u32, received: Timestamp) -> Hit {
    Hit {
        message_hash: format!("{n:08x}{:056}", 0),
        message_id: format!("{n}@x"),
        uid: n,
        received_at: Some(received),
        sender: "a@b.c".to_owned(),
        subject: "欠费 😶".to_owned(),
        service: "云".to_owned(),
        amount: Some("-11.19".parse().unwrap()),
        currency: Some("CNY".to_owned()),
        words: vec!["欠费".to_owned()],
    }
}

async fn a_mail_is_told_once_whoever_brings_it(world: &World) {
    let id = world.mailbox(&mailbox("bills", 143, "secret")).await;
    let seen = |uidvalidity: u32, numbers: std::ops::Range<u32>, version: i64| Observation {
        mark: Mark { uidvalidity, last_uid: numbers.end },
        scanned: numbers.len() as u32,
        more: false,
        hits: numbers.map(|n| hit(n, noon())).collect(),
        took: Duration::from_millis(5),
        version,
    };
    let before = world.told().await.len();
    for (uidvalidity, numbers, told) in [(1, 0..600, 600), (1, 500..650, 650), (2, 0..650, 650)] {
        let task = claim(world, WatchKind::Mailbox, id).await;
        let observation = seen(uidvalidity, numbers, 0);
        engine::deliver(&world.engine, &world.mailboxes, &task, &observation, world.now()).await.unwrap();
        let again = engine::deliver(&world.engine, &world.mailboxes, &task, &observation, world.now()).await;
        assert!(matches!(again, Err(StoreError::LeaseLost(_))), "{again:?}");
        assert_eq!(world.told().await.len() - before, told);
    }
    assert_eq!(get_mailbox(&world.store, id).await.unwrap().unwrap().mark.unwrap().uidvalidity, 2);
    let (rows, total) = list_hits(&world.store, id, (0, 3)).await.unwrap();
    assert_eq!((rows.len(), total, rows[0].hit.clone()), (3, 650, hit(649, noon())));

    // What was seen of another folder leaves no mark on this one.
    let task = claim(world, WatchKind::Mailbox, id).await;
    let mut draft = mailbox("bills", 143, "secret");
    draft.folder = "Other".to_owned();
    let mut tx = world.store.begin().await.unwrap();
    assert!(update_mailbox(&mut tx, id, &draft, world.now()).await.unwrap());
    tx.commit().await.unwrap();
    engine::deliver(&world.engine, &world.mailboxes, &task, &seen(2, 700..701, 0), world.now()).await.unwrap();
    let kept = get_mailbox(&world.store, id).await.unwrap().unwrap();
    assert_eq!((kept.mark, kept.scan.hits), (None, 651));

    // Alerts of mails are never over by themselves; they are put away after a month, without a word.
    assert_eq!(open(world, WatchKind::Mailbox, id).await, 651);
    let told = world.told().await.len();
    world.mailboxes.housekeep(&world.store, at("2026-12-20T00:00:00+09:00")).await.unwrap();
    assert_eq!(open(world, WatchKind::Mailbox, id).await, 651);
    world.mailboxes.housekeep(&world.store, at("2026-12-22T00:00:00+09:00")).await.unwrap();
    assert_eq!((open(world, WatchKind::Mailbox, id).await, world.told().await.len()), (0, told));
}
