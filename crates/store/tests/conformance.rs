//! One suite for SQLite, MariaDB and PostgreSQL: what the store promises holds on each of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use model::{AlertPolicy, AlertStatus, Condition, NoticeKind, Severity, TargetState, Timestamp, WatchKind};
use servers::{MariaDb, Postgres};
use std::time::Duration;
use store::{
    AlertCount, AlertFilter, AlertKey, AlertStage, AuditEntry, Backlog, Claim, ENGINE_MIGRATIONS, OnConflict,
    OpenOptions, Outcome, Set, Store, StoreError, Wording, args,
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const KINDS: &[WatchKind] = &[WatchKind::Market];

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    suite(&format!("sqlite://{}", folder.path().join("t.db").display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb() {
    let Some(server) = MariaDb::start() else { return };
    suite(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_brought_up_by_many_at_once() {
    let Some(server) = MariaDb::start() else { return };
    migrations_meet(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_brought_up_by_many_at_once() {
    let Some(server) = Postgres::start() else { return };
    migrations_meet(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(server) = Postgres::start() else { return };
    suite(&server.url()).await;
}

async fn suite(url: &str) {
    let store = Store::open(&OpenOptions::new(url)).await.unwrap();
    migrations_run_once(&store).await;
    values_come_back_as_they_went(&store).await;
    many_rows_meet_their_conflicts(&store).await;
    a_dropped_transaction_leaves_nothing(&store).await;
    a_taken_key_is_a_conflict(&store).await;
    a_claim_is_exclusive_and_ends(&store).await;
    claims_of_many_never_overlap(&store).await;
    only_the_lease_holder_settles(&store).await;
    a_task_given_back_was_not_tried(&store).await;
    paused_targets_and_triggers(&store).await;
    an_alert_lives_in_its_row(&store).await;
    an_alert_is_answered(&store).await;
    an_answer_is_not_lost_to_a_look(&store).await;
    audit_and_facts(&store).await;
    sessions_open_and_end(&store).await;
    store.close().await;
}

/// Processes that start together on an empty database all find it up to date in the end.
async fn migrations_meet(url: &str) {
    let stores =
        futures::future::join_all((0..4).map(async |_| Store::open(&OpenOptions::new(url)).await.unwrap())).await;
    let applied = futures::future::join_all(stores.iter().map(|store| store.migrate(ENGINE_MIGRATIONS, NOW))).await;
    let mut names: Vec<&str> = applied.into_iter().flat_map(|names| names.unwrap()).collect();
    names.sort_unstable();
    let expected: Vec<&str> = ENGINE_MIGRATIONS.iter().map(|m| m.name).collect();
    assert_eq!(names, expected, "each is applied once");
}

async fn migrations_run_once(store: &Store) {
    let pending = store::pending(store, ENGINE_MIGRATIONS).await.unwrap();
    assert_eq!(pending.len(), ENGINE_MIGRATIONS.len());
    assert_eq!(store.migrate(ENGINE_MIGRATIONS, NOW).await.unwrap(), pending);
    assert!(store.migrate(ENGINE_MIGRATIONS, NOW).await.unwrap().is_empty());
    assert!(store::pending(store, ENGINE_MIGRATIONS).await.unwrap().is_empty());
    // An interrupted migration is run again: every statement may be repeated.
    let mut tx = store.begin().await.unwrap();
    tx.exec("DELETE FROM schema_migrations", args![]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.migrate(ENGINE_MIGRATIONS, NOW).await.unwrap(), pending);
}

async fn scratch(store: &Store) {
    let mut tx = store.begin().await.unwrap();
    tx.exec(
        "CREATE TABLE IF NOT EXISTS scratch (k VARCHAR(64) NOT NULL PRIMARY KEY, n BIGINT, r @REAL@, t @TEXT@) @TABLE@",
        args![],
    )
    .await
    .unwrap();
    tx.exec("DELETE FROM scratch", args![]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn values_come_back_as_they_went(store: &Store) {
    scratch(store).await;
    let text = "初音ミク 🎤 'quoted' \"twice\" \\ %_";
    let mut tx = store.begin().await.unwrap();
    let insert = "INSERT INTO scratch (k, n, r, t) VALUES (?, ?, ?, ?)";
    tx.exec(insert, args!["full", i64::MAX, 0.1 + 0.2, text]).await.unwrap();
    tx.exec(insert, args!["null", None::<i64>, None::<f64>, None::<String>]).await.unwrap();
    tx.exec(insert, args!["ä", i64::MIN, -1.5, ""]).await.unwrap();
    // Keys are compared to the letter: no folding of case, width or accents.
    tx.exec(insert, args!["a", 1_i64, 0.0, "x"]).await.unwrap();
    tx.exec(insert, args!["A", 2_i64, 0.0, "x"]).await.unwrap();
    tx.commit().await.unwrap();
    let row = store.query_one("SELECT n, r, t FROM scratch WHERE k = ?", args!["full"]).await.unwrap().unwrap();
    assert_eq!(row.int(0).unwrap(), i64::MAX);
    assert_eq!(row.opt_real(1).unwrap(), Some(0.1 + 0.2));
    assert_eq!(row.text(2).unwrap(), text);
    let row = store.query_one("SELECT n, r, t FROM scratch WHERE k = ?", args!["null"]).await.unwrap().unwrap();
    assert_eq!((row.opt_int(0).unwrap(), row.opt_real(1).unwrap(), row.opt_text(2).unwrap()), (None, None, None));
    assert!(row.int(0).is_err(), "a NULL is not a number");
    let sum = store.query_one("SELECT CAST(SUM(n) AS @INT@), COUNT(*) FROM scratch WHERE k IN (?, ?)", args!["a", "A"]);
    let sum = sum.await.unwrap().unwrap();
    assert_eq!((sum.int(0).unwrap(), sum.int(1).unwrap()), (3, 2));
}

async fn many_rows_meet_their_conflicts(store: &Store) {
    scratch(store).await;
    let columns = ["k", "n", "r", "t"];
    let rows = |n: i64| (0..1_501).map(|i| args![format!("k{i}"), n, 1.0, "first"]).collect::<Vec<_>>();
    let add = OnConflict::Update(&["k"], &[Set::Plus("n"), Set::To("t")]);
    for round in 1..=3_i64 {
        let mut tx = store.begin().await.unwrap();
        tx.insert_many("scratch", &columns, rows(round), add).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = store.begin().await.unwrap();
    let keep = vec![args!["k0", 99_i64, 9.0, "kept out"], args!["new", 7_i64, 9.0, "new"]];
    tx.insert_many("scratch", &columns, keep, OnConflict::Keep(&["k"])).await.unwrap();
    tx.commit().await.unwrap();
    let row = store.query_one("SELECT CAST(SUM(n) AS @INT@), COUNT(*) FROM scratch", args![]).await.unwrap().unwrap();
    assert_eq!((row.int(0).unwrap(), row.int(1).unwrap()), (1_501 * 6 + 7, 1_502));
}

async fn a_dropped_transaction_leaves_nothing(store: &Store) {
    scratch(store).await;
    let mut tx = store.begin().await.unwrap();
    tx.exec("INSERT INTO scratch (k, n) VALUES (?, ?)", args!["gone", 1_i64]).await.unwrap();
    drop(tx);
    let row = store.query_one("SELECT COUNT(*) FROM scratch", args![]).await.unwrap().unwrap();
    assert_eq!(row.int(0).unwrap(), 0);
}

async fn a_taken_key_is_a_conflict(store: &Store) {
    scratch(store).await;
    let mut tx = store.begin().await.unwrap();
    tx.exec("INSERT INTO scratch (k, n) VALUES (?, ?)", args!["same", 1_i64]).await.unwrap();
    let again = tx.exec("INSERT INTO scratch (k, n) VALUES (?, ?)", args!["same", 2_i64]).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
}

async fn targets(store: &Store, n: i64) {
    let mut tx = store.begin().await.unwrap();
    tx.exec("DELETE FROM targets", args![]).await.unwrap();
    for i in 0..n {
        store::add_target(&mut tx, WatchKind::Market, i, NOW.plus(i), 60 * MINUTE).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn claim<'a>(token: &'a str, limit: usize) -> Claim<'a> {
    Claim { kinds: KINDS, limit, lease: 15 * MINUTE, token }
}

async fn a_claim_is_exclusive_and_ends(store: &Store) {
    targets(store, 3).await;
    assert_eq!(store::claim(store, &claim("early", 9), NOW.plus(-1)).await.unwrap(), []);
    assert_eq!(store::earliest_claimable(store, KINDS).await.unwrap(), Some(NOW));
    let backlog = store::backlog(store, WatchKind::Market, NOW.plus(1)).await.unwrap();
    assert_eq!(backlog, Backlog { count: 2, oldest: Some(NOW) });
    assert_eq!(store::backlog(store, WatchKind::Key, NOW.plus(1)).await.unwrap().count, 0);
    let first = store::claim(store, &claim("a", 2), NOW.plus(5)).await.unwrap();
    assert_eq!(first.iter().map(|t| t.ref_id).collect::<Vec<_>>(), [0, 1], "oldest due first");
    let second = store::claim(store, &claim("b", 9), NOW.plus(5)).await.unwrap();
    assert_eq!(second.iter().map(|t| t.ref_id).collect::<Vec<_>>(), [2]);
    assert_eq!(store::due_depth(store, NOW.plus(5)).await.unwrap(), 0);
    let backlog = store::backlog(store, WatchKind::Market, NOW.plus(5)).await.unwrap();
    assert_eq!(backlog, Backlog { count: 0, oldest: None });
    let over = NOW.plus(5) + 15 * MINUTE;
    assert_eq!(store::claim(store, &claim("c", 9), over).await.unwrap().len(), 3, "a lease that ran out is due again");
    assert_eq!(store::release_all_leases(store).await.unwrap(), 3);
    assert_eq!(store::claim(store, &claim("d", 9), NOW.plus(5)).await.unwrap().len(), 3);
}

async fn claims_of_many_never_overlap(store: &Store) {
    targets(store, 400).await;
    let claimants = (0..8).map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            for round in 0..60 {
                let token = format!("w{worker}r{round}");
                match store::claim(&store, &claim(&token, 10), NOW.plus(1_000)).await {
                    Ok(tasks) => mine.extend(tasks.into_iter().map(|t| t.ref_id)),
                    Err(e) if e.is_retryable() => {}
                    Err(e) => panic!("{e}"),
                }
            }
            mine
        })
    });
    let mut all = Vec::new();
    for claimant in claimants.collect::<Vec<_>>() {
        all.extend(claimant.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (0..400).collect::<Vec<_>>(), "each target exactly once");
}

async fn only_the_lease_holder_settles(store: &Store) {
    targets(store, 1).await;
    let task = store::claim(store, &claim("mine", 1), NOW).await.unwrap().remove(0);
    let success = Outcome::Success { next_due: NOW + 60 * MINUTE, interval: 60 * MINUTE };
    let later = NOW + 20 * MINUTE;
    let other = store::claim(store, &claim("theirs", 1), later).await.unwrap().remove(0);
    let mut tx = store.begin().await.unwrap();
    let refused = store::settle(&mut tx, &task, &success, later).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost(_))), "{refused:?}");
    drop(tx);
    assert!(matches!(store::renew(store, &task, later + MINUTE).await, Err(StoreError::LeaseLost(_))));
    store::renew(store, &other, later + 30 * MINUTE).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let failure = Outcome::Failure { next_due: later + MINUTE, class: "transient", error: "no answer".into() };
    store::settle(&mut tx, &other, &failure, later).await.unwrap();
    tx.commit().await.unwrap();
    let row = store::get_target(store, WatchKind::Market, 0).await.unwrap().unwrap();
    assert_eq!((row.failures, row.last_error.as_deref(), row.lease_until), (1, Some("no answer"), None));
    let third = store::claim(store, &claim("again", 1), later + MINUTE).await.unwrap().remove(0);
    assert_eq!(third.failures, 1);
    let mut tx = store.begin().await.unwrap();
    store::settle(&mut tx, &third, &success, later + MINUTE).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let twice = store::settle(&mut tx, &third, &success, later + MINUTE).await;
    assert!(matches!(twice, Err(StoreError::LeaseLost(_))), "the same result twice changes nothing: {twice:?}");
    drop(tx);
    let row = store::get_target(store, WatchKind::Market, 0).await.unwrap().unwrap();
    assert_eq!((row.failures, row.last_error, row.next_due), (0, None, NOW + 60 * MINUTE));
}

async fn a_task_given_back_was_not_tried(store: &Store) {
    targets(store, 1).await;
    let task = store::claim(store, &claim("t", 1), NOW).await.unwrap().remove(0);
    store::postpone(store, &task, NOW + MINUTE).await.unwrap();
    let row = store::get_target(store, WatchKind::Market, 0).await.unwrap().unwrap();
    assert_eq!((row.failures, row.last_attempt, row.next_due), (0, None, NOW));
    assert!(store::claim(store, &claim("u", 1), NOW).await.unwrap().is_empty());
    assert_eq!(store::claim(store, &claim("v", 1), NOW + MINUTE).await.unwrap().len(), 1);
}

async fn paused_targets_and_triggers(store: &Store) {
    targets(store, 2).await;
    let late = NOW + 600 * MINUTE;
    let mut tx = store.begin().await.unwrap();
    tx.exec("UPDATE targets SET next_due = ?, claimable_at = ?", args![late, late]).await.unwrap();
    store::set_target_state(&mut tx, WatchKind::Market, 0, TargetState::Paused).await.unwrap();
    assert!(!store::trigger(&mut tx, WatchKind::Market, 0, NOW).await.unwrap(), "a paused target is not triggered");
    assert!(store::trigger(&mut tx, WatchKind::Market, 1, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let tasks = store::claim(store, &claim("x", 9), NOW).await.unwrap();
    assert_eq!(tasks.iter().map(|t| t.ref_id).collect::<Vec<_>>(), [1]);
    let mut tx = store.begin().await.unwrap();
    assert!(!store::trigger(&mut tx, WatchKind::Market, 1, NOW).await.unwrap(), "somebody is at it already");
    tx.commit().await.unwrap();
    assert!(store::claim(store, &claim("y", 9), NOW).await.unwrap().is_empty());
    assert_eq!(store::list_schedule(store, WatchKind::Market, 9).await.unwrap().len(), 1);
    assert!(store::silent(store, WatchKind::Market, 3, late).await.unwrap().is_empty());
}

async fn an_alert_lives_in_its_row(store: &Store) {
    let key = AlertKey { kind: WatchKind::Market, ref_id: 7, alert_type: "surge", window: "" };
    let wording = |value| Wording {
        severity: Severity::Critical,
        title: format!("surge {value}"),
        message: "above".into(),
        value: Some(value),
    };
    let policy = AlertPolicy { failure_threshold: 2, ..AlertPolicy::default() };
    let looks = [
        (Condition::Good, None),
        (Condition::Bad, None),
        (Condition::Bad, Some(NoticeKind::Fired)),
        (Condition::Unknown, None),
        (Condition::Good, None),
        (Condition::Good, Some(NoticeKind::Recovered)),
        (Condition::Good, None),
        (Condition::Bad, None),
        (Condition::Good, None),
    ];
    for (i, (condition, told)) in looks.into_iter().enumerate() {
        let mut tx = store.begin().await.unwrap();
        let now = NOW.plus(i as i64);
        tx.set_origin((i == 2).then(|| TRACE.to_owned()));
        let got = store::step_alert(&mut tx, &key, condition, &wording(i as f64), &policy, now).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(got, told, "look {i}");
    }
    let filter = AlertFilter { kind: Some(WatchKind::Market), ref_id: Some(7), limit: 10, ..AlertFilter::default() };
    let (rows, total) = store::list_alerts(store, &filter).await.unwrap();
    assert_eq!((rows.len(), total), (1, 1), "the pending one that went without a word left no row");
    assert_eq!(rows[0].life.status, AlertStatus::Resolved);
    assert_eq!(rows[0].title, "surge 2", "the words of the last bad look");
    let told: Vec<String> = store::list_outbox(store, 9).await.unwrap().into_iter().rev().map(|m| m.notice).collect();
    assert_eq!(told, ["fired", "recovered"]);
    let written = store.query("SELECT traceparent FROM outbox ORDER BY id", args![]).await.unwrap();
    let traces: Vec<_> = written.iter().map(|row| row.opt_text(0).unwrap()).collect();
    assert_eq!(traces, [Some(TRACE.to_owned()), None], "a message belongs to the trace it was written in");
    assert_eq!(store::outbox_depth(store).await.unwrap(), 2);
    let mut tx = store.begin().await.unwrap();
    assert!(store::ack(&mut tx, rows[0].id, "admin", NOW).await.unwrap());
    assert!(store::ack(&mut tx, rows[0].id, "another", NOW.plus(9)).await.unwrap());
    assert!(!store::ack(&mut tx, -1, "admin", NOW).await.unwrap());
    assert!(store::open_alerts_of(&mut tx, WatchKind::Market, 7).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let filter = AlertFilter { acknowledged: Some(true), severity: Some(Severity::Critical), limit: 10, ..filter };
    let (rows, _) = store::list_alerts(store, &filter).await.unwrap();
    assert_eq!((rows[0].acked_by.as_deref(), rows[0].acked_at), (Some("admin"), Some(NOW)), "seen twice is seen once");
}

#[allow(clippy::too_many_lines, reason = "one life, told in order")]
async fn an_alert_is_answered(store: &Store) {
    let look = async |ref_id, condition, policy: AlertPolicy, at: Timestamp| {
        let key = AlertKey { kind: WatchKind::Account, ref_id, alert_type: "low_balance", window: "5h" };
        let title = format!("Balance of 100%_{ref_id}");
        let wording = Wording { severity: Severity::Warning, title, message: "below".into(), value: Some(1.5) };
        let mut tx = store.begin().await.unwrap();
        let told = store::step_alert(&mut tx, &key, condition, &wording, &policy, at).await;
        tx.commit().await.unwrap();
        told.unwrap()
    };
    let policy = AlertPolicy::default();
    for ref_id in 1..=3 {
        look(ref_id, Condition::Bad, AlertPolicy { failure_threshold: ref_id as u32 % 3 + 1, ..policy }, NOW).await;
    }
    let listed = async |filter: AlertFilter| {
        let filter = AlertFilter { kind: Some(WatchKind::Account), limit: 9, ..filter };
        let (rows, total) = store::list_alerts(store, &filter).await.unwrap();
        assert_eq!(rows.len() as u64, total);
        rows
    };
    let stage = |stage| AlertFilter { stage, ..AlertFilter::default() };
    let ids = |rows: Vec<store::AlertRow>| rows.into_iter().map(|r| r.ref_id).collect::<Vec<_>>();
    assert_eq!(ids(listed(AlertFilter::default()).await), [3]);
    assert_eq!(ids(listed(stage(AlertStage::All)).await), [3, 2, 1]);
    assert_eq!(ids(listed(stage(AlertStage::Only(AlertStatus::Pending))).await), [2, 1]);
    let text = |text: &str| AlertFilter { stage: AlertStage::All, text: Some(text.into()), ..AlertFilter::default() };
    assert_eq!(ids(listed(text("100%_2")).await), [2], "no wildcard, any case");
    assert_eq!(ids(listed(text("bALANCE of")).await).len(), 3);
    assert!(listed(text("100%2")).await.is_empty());
    let id = listed(stage(AlertStage::Open)).await[0].id;
    assert_eq!(store::notice_counts(store, &[id, -1]).await.unwrap(), [(id, 1)].into());
    assert_eq!(store::outbox_of(store, id, 9).await.unwrap()[0].notice, "fired");

    let mut tx = store.begin().await.unwrap();
    assert!(store::ack(&mut tx, id, "admin", NOW).await.unwrap());
    assert!(store::snooze(&mut tx, id, NOW + MINUTE).await.unwrap());
    assert!(!store::snooze(&mut tx, -1, NOW + MINUTE).await.unwrap());
    tx.commit().await.unwrap();
    let row = store::get_alert(store, id).await.unwrap().unwrap();
    assert_eq!(
        (row.life.status, row.life.snoozed_until, row.acked_at),
        (AlertStatus::Snoozed, Some(NOW + MINUTE), None)
    );
    assert_eq!(look(3, Condition::Bad, policy, NOW.plus(1)).await, None);
    let soon = AlertPolicy { cooldown: MINUTE, ..policy };
    assert_eq!(look(3, Condition::Bad, soon, NOW + MINUTE).await, Some(NoticeKind::Reminder), "awake");
    let mut tx = store.begin().await.unwrap();
    assert!(store::ack(&mut tx, id, "admin", NOW + MINUTE).await.unwrap());
    assert_eq!(
        store::alert_standing(&mut tx, id).await.unwrap(),
        Some((AlertStatus::Acked, Some(NOW + MINUTE))),
        "seen anew"
    );
    tx.commit().await.unwrap();
    let count = |status: &str, count| {
        let words = ["account", "warning", status].map(str::to_owned);
        let [kind, severity, status] = words;
        AlertCount { kind, severity, status, count }
    };
    let counted: Vec<_> =
        store::count_alerts(store).await.unwrap().into_iter().filter(|c| c.kind == "account").collect();
    assert_eq!(counted, [count("acked", 1), count("pending", 2)]);

    let mut tx = store.begin().await.unwrap();
    assert!(store::resolve(&mut tx, id, NOW + MINUTE).await.unwrap());
    assert!(!store::resolve(&mut tx, id, NOW + MINUTE).await.unwrap());
    tx.commit().await.unwrap();
    assert!(listed(stage(AlertStage::Open)).await.is_empty());
    look(3, Condition::Bad, policy, NOW + 2 * MINUTE).await;
    assert_ne!(listed(stage(AlertStage::Open)).await[0].id, id, "what still holds is a new alert");
}

/// A person's answer between the read and the write of a look is not overwritten.
async fn an_answer_is_not_lost_to_a_look(store: &Store) {
    let key = AlertKey { kind: WatchKind::Key, ref_id: 1, alert_type: "x", window: "" };
    let wording = Wording { severity: Severity::Info, title: "t".into(), message: "m".into(), value: None };
    let policy = AlertPolicy::default();
    for n in 0..20 {
        let mut tx = store.begin().await.unwrap();
        store::step_alert(&mut tx, &key, Condition::Bad, &wording, &policy, NOW.plus(n)).await.unwrap();
        tx.commit().await.unwrap();
        let filter = AlertFilter { kind: Some(WatchKind::Key), limit: 1, ..AlertFilter::default() };
        let id = store::list_alerts(store, &filter).await.unwrap().0[0].id;
        let looks = async {
            for i in 0..5 {
                let mut tx = store.begin().await.unwrap();
                let at = NOW.plus(n * 10 + i);
                match store::step_alert(&mut tx, &key, Condition::Bad, &wording, &policy, at).await {
                    Ok(_) => drop(tx.commit().await),
                    Err(e) => assert!(e.is_retryable(), "{e}"),
                }
            }
        };
        let answer = async {
            loop {
                let mut tx = store.begin().await.unwrap();
                let acked = store::ack(&mut tx, id, "admin", NOW).await;
                if acked.is_ok() && tx.commit().await.is_ok() {
                    break;
                }
            }
        };
        futures::join!(looks, answer);
        assert_eq!(store::get_alert(store, id).await.unwrap().unwrap().life.status, AlertStatus::Acked);
        let mut tx = store.begin().await.unwrap();
        assert!(store::resolve(&mut tx, id, NOW).await.unwrap());
        tx.commit().await.unwrap();
    }
}

async fn audit_and_facts(store: &Store) {
    let entry =
        AuditEntry { at: NOW, actor: "admin".into(), action: "ip.create".into(), subject: "初音ミク".into() };
    let mut tx = store.begin().await.unwrap();
    store::audit(&mut tx, &entry).await.unwrap();
    store::set_meta(&mut tx, "a fact", "old").await.unwrap();
    store::set_meta(&mut tx, "a fact", "new").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store::audit_log(store, 1).await.unwrap(), [entry]);
    assert_eq!(store::get_meta(store, "a fact").await.unwrap().as_deref(), Some("new"));
    assert_eq!(store::get_meta(store, "no fact").await.unwrap(), None);
}

async fn sessions_open_and_end(store: &Store) {
    let session = |n: i64| store::SessionRow {
        id_hash: format!("{n:064x}"),
        principal: "user:ann".into(),
        proof: "p".into(),
        created_at: NOW,
        expires_at: NOW.plus(n * 60_000),
    };
    let mut tx = store.begin().await.unwrap();
    for n in 1..=2 {
        store::open_session(&mut tx, &session(n)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let find = async |n: i64, now| store::find_session(store, &session(n).id_hash, now).await.unwrap();
    assert_eq!(find(1, NOW).await, Some(session(1)));
    assert_eq!(find(1, NOW.plus(60_000)).await, None, "it ends at its instant");
    assert_eq!(find(3, NOW).await, None);
    let mut tx = store.begin().await.unwrap();
    let later = store::SessionRow { created_at: NOW.plus(60_000), ..session(4) };
    store::open_session(&mut tx, &later).await.unwrap();
    assert!(store::close_session(&mut tx, &session(2).id_hash).await.unwrap());
    assert!(!store::close_session(&mut tx, &session(2).id_hash).await.unwrap());
    assert!(!store::close_session(&mut tx, &session(1).id_hash).await.unwrap(), "the next log-in swept it");
    tx.commit().await.unwrap();
    assert_eq!((find(2, NOW).await, find(4, NOW).await), (None, Some(later)));
}
