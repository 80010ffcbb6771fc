//! One look at an account, from brief to record, on a real database, against a provider that answers what it is told.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use accounts::draft::Stated;
use accounts::fetch::Fetcher;
use accounts::provider::Catalog;
use accounts::store::{Account, AccountPatch, add_account, get_account, history, update_account};
use accounts::{AccountOptions, AccountWatch};
use engine::http::ClientSettings;
use engine::{Checked, Engine, EngineMetrics, EngineOptions, check};
use model::{SharedClock, SteppedClock, Timestamp, WatchKind};
use notify::Reach;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{AlertFilter, Claim, ENGINE_MIGRATIONS, Keyring, OpenOptions, Store};

struct World {
    clock: Arc<SteppedClock>,
    engine: Engine,
    watch: AccountWatch,
    keyring: Arc<Keyring>,
    providers: Arc<Catalog>,
    answer: Arc<Mutex<(u16, String)>>,
    url: String,
}

async fn world() -> World {
    let answer = Arc::new(Mutex::new((200, "{}".to_owned())));
    let told = Arc::clone(&answer);
    let app = axum::Router::new().fallback(move || {
        let (status, body) = told.lock().unwrap().clone();
        async move { (axum::http::StatusCode::from_u16(status).unwrap(), body) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/balance", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let store = Store::open(&OpenOptions::new("sqlite::memory:")).await.unwrap();
    let clock = Arc::new(SteppedClock::new(Timestamp::parse("2026-11-21T12:03:00Z").unwrap()));
    let shared: SharedClock = clock.clone();
    let migrations = [ENGINE_MIGRATIONS, notify::MIGRATIONS, accounts::MIGRATIONS].concat();
    store.migrate(&migrations, shared.now()).await.unwrap();
    let metrics = Arc::new(EngineMetrics::new(&mut Default::default()));
    let tokens = Arc::new(|| uuid::Uuid::new_v4().to_string());
    let engine = Engine::new(store, shared.clone(), EngineOptions::default(), metrics, tokens);
    let keyring = Arc::new(Keyring::parse(&store::new_key().unwrap()).unwrap());
    let providers = Arc::new(Catalog::built_in().unwrap());
    let fetcher = Fetcher::new(&ClientSettings::default(), Reach::Private, shared).unwrap();
    // Nobody is spared here: what is asked by the thirty must be answered at once.
    let fetcher = Arc::new(fetcher.with_rates([("http_json".to_owned(), 1e6)].into()));
    let options = AccountOptions::default();
    let watch = AccountWatch::new(WatchKind::Account, providers.clone(), fetcher, keyring.clone(), options);
    World { clock, engine, watch, keyring, providers, answer, url }
}

impl World {
    async fn add(&self, thresholds: Value) -> i64 {
        self.add_named("prod", "sk-planted-secret-0001", thresholds).await
    }

    async fn add_named(&self, name: &str, secret: &str, thresholds: Value) -> i64 {
        let stated: Stated = serde_json::from_value(json!({
            "name": name, "provider": "http_json", "secret": secret,
            "params": {"url": self.url, "remaining": "balance", "unit": "USD"}, "thresholds": thresholds,
        }))
        .unwrap();
        let draft = stated.draft(&self.providers, &self.keyring, &AccountOptions::default(), "ui").unwrap();
        let mut tx = self.engine.store.begin().await.unwrap();
        let id = add_account(&mut tx, &draft, self.engine.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    fn says(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    /// Waits until the account is due and looks at it.
    async fn look(&self, id: i64) -> (Checked, Account) {
        let due = store::get_target(&self.engine.store, WatchKind::Account, id).await.unwrap().unwrap().next_due;
        self.clock.set(self.engine.clock.now().max(due));
        let claim = Claim { kinds: &[WatchKind::Account], limit: 1, lease: Duration::from_secs(900), token: "t" };
        let task = store::claim(&self.engine.store, &claim, self.engine.clock.now()).await.unwrap().remove(0);
        let checked = check(&self.engine, &self.watch, &task).await;
        (checked, get_account(&self.engine.store, id).await.unwrap().unwrap())
    }

    async fn alerts(&self) -> Vec<(String, String, String)> {
        let filter = AlertFilter { limit: 100, ..AlertFilter::default() };
        let (rows, _) = store::list_alerts(&self.engine.store, &filter).await.unwrap();
        rows.into_iter().map(|a| (a.alert_type, a.window, a.life.status.as_str().to_owned())).collect()
    }
}

fn left(account: &Account) -> String {
    account.reading.as_ref().unwrap().remaining.unwrap().to_string()
}

#[tokio::test]
async fn a_failed_look_leaves_the_last_good_numbers_and_is_shown_beside_them() {
    let w = world().await;
    let id = w.add(json!(null)).await;
    w.says(200, r#"{"balance": 12.50}"#);
    let (checked, first) = w.look(id).await;
    assert!(matches!(checked, Checked::Recorded(_)), "{checked:?}");
    assert_eq!((left(&first).as_str(), first.status.as_str()), ("12.50", "ok"));
    for (status, body, expected) in [
        (200, r#"{"other": 1}"#, "malformed"),
        (200, "<html>maintenance</html>", "malformed"),
        (401, r#"{"error": "sk-planted-secret-0001 is no good"}"#, "unauthorized"),
        (403, "{}", "forbidden"),
        (200, r#"{"balance": null}"#, "malformed"),
        (200, r#"{"balance": ""}"#, "malformed"),
    ] {
        w.says(status, body);
        let (_, account) = w.look(id).await;
        assert_eq!(account.status, expected, "{body}");
        assert_eq!((left(&account), account.good_at), ("12.50".to_owned(), first.good_at), "{body}");
        assert!(account.checked_at > first.checked_at);
        assert!(!account.error.unwrap_or_default().contains("planted"), "{body}");
    }
    w.says(200, r#"{"balance": 0}"#);
    let (_, account) = w.look(id).await;
    assert_eq!((left(&account).as_str(), account.status.as_str()), ("0", "ok"));
}

#[tokio::test]
async fn what_does_not_change_is_one_row_and_what_changes_says_by_how_much() {
    let w = world().await;
    let id = w.add(json!(null)).await;
    for level in ["100", "100", "100", "80.5", "180.5", "180.5"] {
        w.says(200, &format!(r#"{{"balance": {level}}}"#));
        w.look(id).await;
    }
    let all = (Timestamp(0), Timestamp(i64::MAX / 2));
    let rows = history(&w.engine.store, id, all, 100).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|r| (r.remaining.clone().unwrap(), r.looks, r.burned, r.added)).collect();
    let expected = [("100", 3, 0.0, 0.0), ("80.5", 1, 19.5, 0.0), ("180.5", 2, 0.0, 100.0)];
    assert_eq!(seen, expected.map(|(level, looks, burned, added)| (level.to_owned(), looks, burned, added)));
    assert!(rows.windows(2).all(|pair| pair[0].until < pair[1].at));
    // Blind for long: the same number again is a new row.
    w.clock.set(w.engine.clock.now().plus(5 * 3_600_000));
    w.look(id).await;
    assert_eq!(history(&w.engine.store, id, all, 100).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_threshold_is_told_once_and_its_end_too() {
    let w = world().await;
    let id = w.add(json!([100, {"when": "remaining < 10", "severity": "critical"}])).await;
    let told = |alerts: Vec<(String, String, String)>| alerts;
    w.says(200, r#"{"balance": 150}"#);
    w.look(id).await;
    assert_eq!(told(w.alerts().await), []);
    for (body, outbox) in [(r#"{"balance": 99}"#, 1), (r#"{"balance": 98}"#, 1), (r#"{"nothing": 1}"#, 3), ("", 3)] {
        w.says(200, body);
        w.look(id).await;
        // The limit is told once; an answer that cannot be understood is a matter of its own, told after three.
        let messages = store::list_outbox(&w.engine.store, 100).await.unwrap().len();
        assert!(messages <= outbox, "{body}: {messages}");
    }
    let firing = |kind: &str, window: &str| (kind.to_owned(), window.to_owned(), "firing".to_owned());
    assert!(w.alerts().await.contains(&firing("low_balance", "100")));
    for _ in 0..2 {
        w.says(200, r#"{"balance": 150}"#);
        w.look(id).await;
    }
    assert!(w.alerts().await.iter().all(|(_, _, status)| status == "resolved"), "{:?}", w.alerts().await);
}

#[tokio::test]
async fn a_threshold_that_is_removed_ends_its_alert() {
    let w = world().await;
    let id = w.add(json!(100)).await;
    w.says(200, r#"{"balance": 5}"#);
    let (_, account) = w.look(id).await;
    assert_eq!(w.alerts().await.len(), 1);
    let patch = AccountPatch { thresholds: Some(Vec::new()), ..AccountPatch::default() };
    let mut tx = w.engine.store.begin().await.unwrap();
    update_account(&mut tx, &account, &patch, w.engine.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    w.look(id).await;
    assert_eq!(w.alerts().await[0].2, "resolved");
}

#[tokio::test]
async fn a_refused_secret_is_told_at_once() {
    let w = world().await;
    let id = w.add(json!(null)).await;
    w.says(401, "{}");
    w.look(id).await;
    assert_eq!(w.alerts().await, [("unreadable".to_owned(), String::new(), "firing".to_owned())]);
    w.says(200, r#"{"balance": 5}"#);
    w.look(id).await;
    assert_eq!(w.alerts().await[0].2, "resolved");
}

#[tokio::test]
async fn the_database_holds_no_secret_in_clear() {
    let w = world().await;
    let id = w.add(json!(null)).await;
    let account = get_account(&w.engine.store, id).await.unwrap().unwrap();
    assert!(account.secret.as_deref().unwrap().starts_with("enc:v1:"));
    assert_eq!(account.mask, "sk-p...0001");
    assert!(!format!("{account:?}").contains("planted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_recorded_together_are_still_each_their_own() {
    let w = world().await;
    w.says(200, r#"{"balance": 5}"#);
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(w.add_named(&format!("prod {n}"), &format!("sk-planted-secret-{n:04}"), json!(null)).await);
    }
    let now = w.engine.clock.now();
    let claim = Claim { kinds: &[WatchKind::Account], limit: 100, lease: Duration::from_secs(900), token: "t" };
    let tasks = store::claim(&w.engine.store, &claim, now).await.unwrap();
    assert_eq!(tasks.len(), 30);
    // Somebody else has come by the lease of one of them.
    let mut tx = w.engine.store.begin().await.unwrap();
    let sql = "UPDATE targets SET lease_token = 'another' WHERE kind = 'account' AND ref_id = ?";
    tx.exec(sql, store::args![ids[7]]).await.unwrap();
    tx.commit().await.unwrap();
    let checked = futures::future::join_all(tasks.iter().map(|task| check(&w.engine, &w.watch, task))).await;
    for (task, checked) in tasks.iter().zip(&checked) {
        let account = get_account(&w.engine.store, task.ref_id).await.unwrap().unwrap();
        if task.ref_id == ids[7] {
            assert!(matches!(checked, Checked::Stale), "{checked:?}");
            assert_eq!((account.status.as_str(), account.reading), ("new", None));
        } else {
            assert!(matches!(checked, Checked::Recorded(_)), "{checked:?}");
            assert_eq!(left(&account), "5");
        }
    }
    // Delivered again, nothing is written.
    let again = check(&w.engine, &w.watch, &tasks[0]).await;
    assert!(matches!(again, Checked::Stale), "{again:?}");
}

/// Old history is thinned to one row an hour, in more than one step, and what was burnt and added is all still there.
#[tokio::test]
async fn old_history_is_thinned_and_its_sums_stay() {
    let w = world().await;
    let now = w.engine.clock.now();
    let begin = Timestamp(now.0 - now.0.rem_euclid(86_400_000)).plus(-40 * 86_400_000);
    let columns = ["account", "at", "seen_until", "grain", "level", "low", "high", "burned", "added", "looks"];
    let row = |n: i64| {
        let (at, level) = (begin.plus(n * 60_000), f64::from(u32::try_from(n % 60).unwrap()));
        store::args![1_i64, at, at, 0_i64, level, level, level, 1.5, 0.25, 1_i64]
    };
    let mut tx = w.engine.store.begin().await.unwrap();
    let rows = (0..5000).map(row).collect();
    tx.insert_many("readings", &columns, rows, store::OnConflict::Fail).await.unwrap();
    tx.commit().await.unwrap();
    engine::Watch::housekeep(&w.watch, &w.engine.store, now).await.unwrap();
    let kept = history(&w.engine.store, 1, (Timestamp(0), now), 10_000).await.unwrap();
    assert_eq!(kept.len(), 84, "5,000 minutes lie in 84 hours");
    assert_eq!(kept.iter().map(|r| r.looks).sum::<i64>(), 5000);
    assert_eq!(
        kept.iter().map(|r| (r.burned, r.added)).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (7500.0, 1250.0)
    );
    assert!(kept[..83].iter().all(|r| (r.low, r.high) == (Some(0.0), Some(59.0))), "{:?}", kept[0]);
    engine::Watch::housekeep(&w.watch, &w.engine.store, now).await.unwrap();
    assert_eq!(history(&w.engine.store, 1, (Timestamp(0), now), 10_000).await.unwrap(), kept, "once is enough");
    // A year on, one a day is left.
    engine::Watch::housekeep(&w.watch, &w.engine.store, now.plus(400 * 86_400_000)).await.unwrap();
    let days = history(&w.engine.store, 1, (Timestamp(0), now), 10_000).await.unwrap();
    assert_eq!((days.len(), days.iter().map(|r| r.looks).sum::<i64>()), (4, 5000));
}
