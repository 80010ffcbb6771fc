//! One suite for SQLite, MariaDB and PostgreSQL.

use crate::world::{World, secret};
use accounts::ReadingStatus;
use accounts::keys::{Import, KeyFilter, Selection, follow};
use accounts::store::keys::{KeyOrder, KeyQuery, delete_keys, ids_after, list_keys, tag_keys, tally};
use accounts::store::refreshes;
use model::WatchKind;
use servers::{MariaDb, Postgres};
use std::time::Duration;
use store::{AlertKey, Claim, Keyring, Outcome, Wording, args};

fn ring() -> Keyring {
    Keyring::parse(&store::new_key().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    suite(&World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    let Some(server) = MariaDb::start() else { return };
    suite(&World::with(Some(&server.url()), ring()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(server) = Postgres::start() else { return };
    suite(&World::with(Some(&server.url()), ring()).await).await;
}

async fn suite(w: &World) {
    keys_are_taken_in_once(w).await;
    what_is_unknown_comes_last_either_way(w).await;
    filters_find_what_they_say(w).await;
    an_organisation_is_counted_once(w).await;
    labels_come_and_go(w).await;
    a_refresh_is_counted_and_ends(w).await;
    what_is_deleted_leaves_nothing(w).await;
    w.store.close().await;
}

/// 5,000 keys, so that there are several batches; the list is given twice, and a part of it in two processes at once.
async fn keys_are_taken_in_once(w: &World) {
    let text: String = (1..=5000).map(|n| format!("key-{n:04},{}\n", secret(n))).collect();
    let twice = format!("{text}{}\nnot a key\n", secret(77));
    let (a, b) = tokio::join!(w.import(&twice), w.import(&text));
    assert_eq!(a.success + b.success, 5000, "{a:?} {b:?}");
    assert_eq!((a.total, a.failed, a.duplicates + b.duplicates), (5002, 1, 5001), "{a:?} {b:?}");
    let again = w.import(&text).await;
    assert_eq!((again.success, again.duplicates), (0, 5000));
    assert_eq!((w.count("accounts").await, w.count("targets").await), (5000, 5000));
    let sql = "SELECT MIN(next_due), MAX(next_due), COUNT(DISTINCT ref_id) FROM targets WHERE kind = 'key'";
    let due = w.store.query_one(sql, args![]).await.unwrap().unwrap();
    assert!(due.time(0).unwrap() >= w.now(), "nothing is due before it came");
    assert!(due.time(1).unwrap() <= w.now().plus(60_000), "soon");
    assert!(due.time(1).unwrap() >= w.now().plus(5_000), "and not all at once");
    assert_eq!(due.int(2).unwrap(), 5000);
    let imports = w.audit().await.into_iter().filter(|e| e.starts_with("key.import")).count();
    assert_eq!(imports, 2, "an import that added nothing changed nothing");
}

async fn page(w: &World, order: KeyOrder, descending: bool, offset: u32, limit: u32) -> Vec<i64> {
    let query = KeyQuery { filter: KeyFilter::default(), order, descending, offset, limit };
    list_keys(&w.store, &query).await.unwrap().0.into_iter().map(|k| k.id).collect()
}

async fn what_is_unknown_comes_last_either_way(w: &World) {
    let ids = w.ids().await;
    for (i, remaining) in [(0, 300), (1, 100), (2, 200), (3, -5)] {
        w.good(ids[i], Some(remaining), None).await;
    }
    for (order, up) in [
        (KeyOrder::Remaining, [ids[3], ids[1], ids[2], ids[0]]),
        (KeyOrder::UsedRatio, [ids[0], ids[2], ids[1], ids[3]]),
    ] {
        let mut down = up;
        down.reverse();
        let first = page(w, order, false, 0, 6).await;
        assert_eq!(first, [&up[..], &[ids[4], ids[5]]].concat(), "{order:?}");
        let first = page(w, order, true, 0, 6).await;
        assert_eq!(first, [&down[..], &[ids[4999], ids[4998]]].concat(), "{order:?}");
        // A page across the border, one right behind it, and the last one.
        assert_eq!(page(w, order, false, 3, 3).await, [up[3], ids[4], ids[5]]);
        assert_eq!(page(w, order, false, 4, 2).await, [ids[4], ids[5]]);
        assert_eq!(page(w, order, false, 4998, 10).await, [ids[4998], ids[4999]]);
        assert!(page(w, order, false, 5000, 10).await.is_empty());
    }
    for (_, order) in KeyOrder::WORDS {
        let mut all = Vec::new();
        for n in 0..5 {
            all.extend(page(w, order, false, n * 1000, 1000).await);
        }
        all.sort_unstable();
        assert_eq!(all, ids, "each key is on one page: {order:?}");
    }
}

async fn found(w: &World, filter: KeyFilter) -> u64 {
    let query = KeyQuery { filter, limit: 1, ..KeyQuery::default() };
    list_keys(&w.store, &query).await.unwrap().1
}

async fn filters_find_what_they_say(w: &World) {
    let ids = w.ids().await;
    let mut tx = w.store.begin().await.unwrap();
    for (id, name) in [(ids[10], "100% sure_thing!"), (ids[11], "Müller"), (ids[12], "100 sureXthing")] {
        tx.exec("UPDATE accounts SET name = ? WHERE id = ?", args![name, id]).await.unwrap();
    }
    tag_keys(&mut tx, &ids[20..30], (&["Team \"A\"".to_owned()], &[]), w.now()).await.unwrap();
    tag_keys(&mut tx, &ids[25..35], (&["team \"a\"".to_owned()], &[]), w.now()).await.unwrap();
    tx.commit().await.unwrap();
    w.bad(ids[40], ReadingStatus::Unauthorized).await;
    w.bad(ids[41], ReadingStatus::Unreachable).await;
    let q = |text: &str| KeyFilter { q: Some(text.into()), ..KeyFilter::default() };
    // The other case of a letter beyond ASCII is not known to every database.
    for (text, count) in
        [("100%", 1), ("sure_t", 1), ("THING!", 1), ("Müll", 1), ("key-00", 96), ("FK-P...", 5000), ("\\", 0), ("'", 0)]
    {
        assert_eq!(found(w, q(text)).await, count, "{text}");
    }
    let tag = |text: &str| KeyFilter { tag: Some(text.into()), ..KeyFilter::default() };
    assert_eq!((found(w, tag("Team \"A\"")).await, found(w, tag("team \"a\"")).await), (10, 10));
    assert_eq!(found(w, tag("team")).await, 0, "a part of a label is not the label");
    let status = |text: &str| KeyFilter { status: Some(text.into()), ..KeyFilter::default() };
    assert_eq!((found(w, status("failed")).await, found(w, status("unauthorized")).await), (2, 1));
    assert_eq!((found(w, status("ok")).await, found(w, status("new")).await), (4, 4994));
    let between = KeyFilter { remaining_min: Some(100.0), remaining_max: Some(200.0), ..KeyFilter::default() };
    assert_eq!(found(w, between).await, 2, "what is unknown is not between two numbers");
    let used = KeyFilter { ratio_min: Some(0.85), provider: Some("factory".into()), ..KeyFilter::default() };
    assert_eq!(found(w, used).await, 2);
}

async fn an_organisation_is_counted_once(w: &World) {
    let ids = w.ids().await;
    for (i, (minute, remaining)) in [(1, 500), (3, 400), (2, 450)].into_iter().enumerate() {
        w.clock.set(crate::world::start().plus(minute * 60_000));
        w.good(ids[100 + i], Some(remaining), Some("org_1")).await;
    }
    let (totals, oldest, newest) = tally(&w.store, &Selection::All).await.unwrap();
    let tokens = &totals.totals[0];
    assert_eq!((totals.totals.len(), totals.orgs, tokens.accounts), (1, 1, 5));
    assert_eq!(tokens.remaining.unwrap().to_string(), (300 + 100 + 200 - 5 + 400).to_string());
    assert_eq!(tokens.total.unwrap().to_string(), "5000");
    assert_eq!(totals.unknown, 5000 - 4 - 3);
    assert_eq!(oldest, Some(crate::world::start()));
    assert_eq!(newest, Some(crate::world::start().plus(3 * 60_000)));
    let two = Selection::Ids(vec![ids[100], ids[102], i64::MAX]);
    let (totals, ..) = tally(&w.store, &two).await.unwrap();
    assert_eq!(totals.totals[0].remaining.unwrap().to_string(), "450", "the freshest of those that were chosen");
    w.clock.set(crate::world::start().plus(600_000));
}

async fn labels_come_and_go(w: &World) {
    let ids = w.ids().await;
    let (a, b) = (["a".to_owned()], ["b".to_owned(), "ü".to_owned()]);
    let mut tx = w.store.begin().await.unwrap();
    assert_eq!(tag_keys(&mut tx, &ids[..1500], (&a, &[]), w.now()).await.unwrap(), 1500);
    assert_eq!(tag_keys(&mut tx, &ids[..1500], (&a, &[]), w.now()).await.unwrap(), 0, "they have it");
    assert_eq!(tag_keys(&mut tx, &ids[1000..2000], (&b, &a), w.now()).await.unwrap(), 1000);
    tx.commit().await.unwrap();
    let tag = |text: &str| KeyFilter { tag: Some(text.into()), ..KeyFilter::default() };
    assert_eq!((found(w, tag("a")).await, found(w, tag("b")).await, found(w, tag("ü")).await), (1000, 1000, 1000));
}

async fn claim(w: &World, limit: usize, token: &str) -> Vec<store::Task> {
    let claim = Claim { kinds: &[WatchKind::Key], limit, lease: Duration::from_secs(60), token };
    store::claim(&w.store, &claim, w.now()).await.unwrap()
}

async fn looked(w: &World, task: &store::Task, good: bool) {
    match good {
        true => w.good(task.ref_id, Some(1), None).await,
        false => w.bad(task.ref_id, ReadingStatus::Limited).await,
    }
    let outcome = Outcome::Success { next_due: w.now().plus(3_600_000), interval: Duration::from_secs(3600) };
    let mut tx = w.store.begin().await.unwrap();
    store::settle(&mut tx, task, &outcome, w.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_refresh_is_counted_and_ends(w: &World) {
    let mut tx = w.store.begin().await.unwrap();
    tx.exec(
        "UPDATE targets SET next_due = ?, claimable_at = ?",
        args![w.now().plus(9_000_000), w.now().plus(9_000_000)],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let ids = w.ids().await;
    let mut tx = w.store.begin().await.unwrap();
    tx.exec("UPDATE targets SET next_due = ?, claimable_at = ? WHERE ref_id = ?", args![w.now(), w.now(), ids[0]])
        .await
        .unwrap();
    store::set_target_state(&mut tx, WatchKind::Key, ids[9], model::TargetState::Paused).await.unwrap();
    tx.exec("UPDATE accounts SET state = 'paused' WHERE id = ?", args![ids[9]]).await.unwrap();
    tx.commit().await.unwrap();
    // One is being looked at when the refresh begins: it is not taken from its worker.
    let held = claim(w, 5, "before").await;
    assert_eq!(held.len(), 1);
    let mut tx = w.store.begin().await.unwrap();
    let chosen = Selection::Ids(ids[..10].to_vec());
    let refresh = refreshes::start(&mut tx, WatchKind::Key, &chosen, "admin", w.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((refresh.total, refresh.done, refresh.finished_at), (9, 0, None), "the paused one is left alone");
    let due = claim(w, 100, "after").await;
    assert_eq!(due.len(), 8);
    w.clock.set(w.now().plus(1000));
    for (i, task) in due.iter().take(5).enumerate() {
        looked(w, task, i % 2 == 0).await;
    }
    let progress = refreshes::get(&w.store, refresh.id).await.unwrap().unwrap();
    assert_eq!((progress.done, progress.ok, progress.failed, progress.finished_at), (5, 3, 2, None));
    // Nothing of it is in memory: whoever follows it finds it in the database.
    let mut events = w.engine.subscribe();
    let stop = w.stop.child_token();
    let following = tokio::spawn({
        let (engine, stop) = (w.engine.clone(), stop.clone());
        async move { follow(&engine, stop).await }
    });
    let first = events.recv().await.unwrap();
    assert_eq!((&*first.name, &first.data["done"], &first.data["total"]), ("refresh", &5.into(), &9.into()));
    for task in due[5..].iter().chain(&held) {
        looked(w, task, true).await;
    }
    loop {
        let event = events.recv().await.unwrap();
        if !event.data["finished_at"].is_null() {
            assert_eq!((&event.data["done"], &event.data["ok"]), (&9.into(), &7.into()));
            break;
        }
    }
    stop.cancel();
    following.await.unwrap();
    assert!(refreshes::unfinished(&w.store).await.unwrap().is_empty());
    a_refresh_that_stands_is_ended(w, &ids).await;
}

async fn a_refresh_that_stands_is_ended(w: &World, ids: &[i64]) {
    let mut tx = w.store.begin().await.unwrap();
    let some = Selection::Ids(ids[..2].to_vec());
    let refresh = refreshes::start(&mut tx, WatchKind::Key, &some, "admin", w.now()).await.unwrap();
    let none = refreshes::start(&mut tx, WatchKind::Key, &Selection::Ids(vec![]), "admin", w.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((none.total, none.finished_at), (0, Some(w.now())));
    w.clock.set(w.now().plus(29 * 60_000));
    let refresh = refreshes::finish(&w.store, refresh, w.now()).await.unwrap();
    assert_eq!(refresh.finished_at, None);
    w.clock.set(w.now().plus(2 * 60_000));
    let refresh = refreshes::finish(&w.store, refresh, w.now()).await.unwrap();
    assert_eq!(refresh.finished_at, Some(w.now()));
    let mut tx = w.store.begin().await.unwrap();
    w.clock.set(w.now().plus(31 * 86_400_000));
    assert!(refreshes::forget(&mut tx, w.now()).await.unwrap() > 0);
    tx.commit().await.unwrap();
    assert_eq!(w.count("refreshes").await, 1, "the newest stays");
}

async fn what_is_deleted_leaves_nothing(w: &World) {
    let ids = w.ids().await;
    let key = AlertKey { kind: WatchKind::Key, ref_id: ids[0], alert_type: "low_balance", window: "" };
    let wording =
        Wording { severity: model::Severity::Warning, title: "low".into(), message: "low".into(), value: None };
    let mut tx = w.store.begin().await.unwrap();
    let policy = model::AlertPolicy { failure_threshold: 1, ..model::AlertPolicy::default() };
    store::step_alert(&mut tx, &key, model::Condition::Bad, &wording, &policy, w.now()).await.unwrap();
    tx.exec(
        "INSERT INTO readings (account, at, seen_until, grain, burned, added, looks) VALUES (?, 1, 1, 0, 0, 0, 1)",
        args![ids[0]],
    )
    .await
    .unwrap();
    // A balance is not a key, whatever number is named.
    tx.exec("UPDATE accounts SET kind = 'account' WHERE id = ?", args![ids[1]]).await.unwrap();
    tx.exec(
        "INSERT INTO readings (account, at, seen_until, grain, burned, added, looks) VALUES (?, 1, 1, 0, 0, 0, 1)",
        args![ids[1]],
    )
    .await
    .unwrap();
    assert_eq!(ids_after(&mut tx, &Selection::All, ids[1], 2).await.unwrap(), [ids[2], ids[3]]);
    assert_eq!(delete_keys(&mut tx, &ids[..1000], w.now()).await.unwrap(), 999);
    tx.commit().await.unwrap();
    assert_eq!((w.count("accounts").await, w.count("readings").await), (4001, 1));
    assert_eq!(w.count("targets WHERE kind = 'key'").await, 4000);
    assert_eq!(w.count("alerts WHERE open_key IS NOT NULL").await, 0);
}

/// While encryption keys are exchanged, the pool has fingerprints of either.
#[tokio::test]
async fn a_key_is_known_under_an_older_encryption_key() {
    let w = World::new().await;
    w.fill(3).await;
    let both = Keyring::parse(&(store::new_key().unwrap() + "\n" + &w.keyring.to_lines())).unwrap();
    let mut import = Import::new(&w.store, &both, w.options());
    import.push(format!("{}\n{}\n", secret(2), secret(9)).as_bytes()).await.unwrap();
    let report = import.finish().await.unwrap();
    assert_eq!((report.success, report.duplicates), (1, 1));
}

/// What was written stays; the list given again does the rest.
#[tokio::test]
async fn an_import_that_breaks_off_is_finished_by_another() {
    let w = World::new().await;
    let text: String = (1..=4000).map(|n| secret(n) + "\n").collect();
    let mut import = Import::new(&w.store, &w.keyring, w.options());
    import.push(&text.as_bytes()[..text.len() - 100]).await.unwrap();
    drop(import);
    let kept = w.count("accounts").await;
    assert!(kept > 0 && kept < 4000, "{kept}");
    assert_eq!(w.count("targets").await, kept);
    let report = w.import(&text).await;
    assert_eq!((report.success as i64, report.duplicates as i64), (4000 - kept, kept));
    assert_eq!(w.count("targets").await, 4000);
}
