//! Every result is recorded exactly once, whoever dies in the middle and however often it is delivered.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use engine::{Checked, FetchError, Watch, check, deliver};
use market::MarketWatch;
use market::fetch::client::Statuses;
use market::fetch::stream::{Brief, Crawl, SearchPages};
use market::fetch::wire::Page;
use model::{HOUR, WatchKind};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use store::{Claim, StoreError, Task};
use testkit::World;
use testkit::chaos::{Scale, begins, options};
use testkit::digest::{Digest, digest};

const KINDS: &[WatchKind] = &[WatchKind::Market];

#[test]
fn a_run_killed_25_times_ends_like_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_chaos_kill"))
        .args(["--kills", "25", "--days", "3", "--ips", "8", "--seed", "7"])
        .env("TIDEWATCH_FIGURES", folder.path())
        .output()
        .unwrap();
    let (said, complained) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}\n{complained}");
    assert_eq!(figure(folder.path(), "rows that differ"), 0.0, "{said}");
    assert!(figure(folder.path(), "rows compared") > 1_000.0, "{said}");
    assert!(figure(folder.path(), "of these inside a record transaction") > 0.0, "no kill hit a record\n{said}");
}

fn figure(folder: &Path, name: &str) -> f64 {
    let text = std::fs::read(folder.join("chaos_kill.json")).unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let row = rows.as_array().unwrap().iter().find(|r| r["name"] == name);
    row.and_then(|r| r["value"].as_f64()).unwrap_or_else(|| panic!("no figure {name:?}"))
}

/// An upstream that answers nothing.
struct Down;

#[async_trait::async_trait]
impl SearchPages for Down {
    async fn page(&self, _: Statuses, _: &str, _: Option<&str>) -> Result<Page, FetchError> {
        Err(FetchError::Transient("down".to_owned()))
    }
}

/// A world some hours old, so that there are items, sales and alerts, and the watch that recorded them.
async fn lived(folder: &Path) -> (World, MarketWatch) {
    let options = options(&folder.join("world.db"), Scale { days: 1, ips: 3, seed: 5 });
    let watch = options.options.clone();
    let world = World::open(options).await.unwrap();
    world.run(begins().plus(9 * HOUR), |_, _| ()).await.unwrap();
    let pages = Arc::clone(&world.pages) as Arc<dyn SearchPages>;
    (world, MarketWatch::new(pages, watch))
}

/// Claims one target and fetches for it; the clock stands where it is due.
async fn observed(world: &World, watch: &MarketWatch, token: &str) -> (Task, Crawl) {
    let due = store::earliest_claimable(world.store(), KINDS).await.unwrap().unwrap();
    world.clock.set(due);
    let task = claimed(world, token).await;
    let brief: Brief = watch.brief(world.store(), &task).await.unwrap().unwrap();
    let crawl = watch.fetch(&brief).await.unwrap();
    (task, crawl)
}

async fn claimed(world: &World, token: &str) -> Task {
    let lease = world.engine.options.lease;
    let claim = Claim { kinds: KINDS, limit: 1, lease, token };
    store::claim(world.store(), &claim, model::Clock::now(&world.clock)).await.unwrap().remove(0)
}

async fn state(world: &World) -> Digest {
    digest(world.store()).await.unwrap()
}

#[tokio::test]
async fn the_same_result_delivered_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (world, watch) = lived(folder.path()).await;
    let before = state(&world).await;
    let (task, crawl) = observed(&world, &watch, "first").await;
    let seen_at = model::Clock::now(&world.clock);
    deliver(&world.engine, &watch, &task, &crawl, seen_at).await.unwrap();
    let once = state(&world).await;
    assert_ne!(before, once, "the first delivery writes");
    world.clock.advance(Duration::from_secs(40));
    let again = deliver(&world.engine, &watch, &task, &crawl, seen_at).await;
    assert!(matches!(again, Err(StoreError::LeaseLost(_))), "{again:?}");
    assert_eq!(state(&world).await.differences(&once), []);
}

#[tokio::test]
async fn a_result_that_comes_after_the_next_look_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (world, watch) = lived(folder.path()).await;
    let (task, crawl) = observed(&world, &watch, "first").await;
    let seen_at = model::Clock::now(&world.clock);
    deliver(&world.engine, &watch, &task, &crawl, seen_at).await.unwrap();
    world.run(begins().plus(14 * HOUR), |_, _| ()).await.unwrap();
    let later = state(&world).await;
    let again = deliver(&world.engine, &watch, &task, &crawl, seen_at).await;
    assert!(matches!(again, Err(StoreError::LeaseLost(_))), "{again:?}");
    assert_eq!(state(&world).await.differences(&later), []);
}

#[tokio::test]
async fn a_lease_taken_over_by_another_leaves_the_first_holder_stale() {
    let folder = tempfile::tempdir().unwrap();
    let (world, watch) = lived(folder.path()).await;
    let (slow, crawl) = observed(&world, &watch, "slow").await;
    let seen_at = model::Clock::now(&world.clock);
    // The lease runs out, and another process claims the same target.
    world.clock.advance(world.engine.options.lease + Duration::from_secs(1));
    let mut quick = claimed(&world, "quick-0").await;
    let mut tries = 1;
    while quick.target != slow.target {
        quick = claimed(&world, &format!("quick-{tries}")).await;
        tries += 1;
    }
    let taken = state(&world).await;
    // The slow one's result comes while the quick one works …
    let late = deliver(&world.engine, &watch, &slow, &crawl, seen_at).await;
    assert!(matches!(late, Err(StoreError::LeaseLost(_))), "{late:?}");
    assert_eq!(state(&world).await.differences(&taken), []);
    // … and so does a whole check begun with the lost lease, whether it succeeds or fails.
    assert!(matches!(check(&world.engine, &watch, &slow).await, Checked::Stale));
    let down = MarketWatch::new(Arc::new(Down), watch.options().clone());
    let in_good_faith = Task { lease_until: quick.lease_until, ..slow.clone() };
    assert!(matches!(check(&world.engine, &watch, &in_good_faith).await, Checked::Stale));
    assert!(matches!(check(&world.engine, &down, &in_good_faith).await, Checked::Stale));
    assert_eq!(state(&world).await.differences(&taken), []);
    // The quick one's counts, once.
    assert!(matches!(check(&world.engine, &watch, &quick).await, Checked::Recorded(_)));
    let once = state(&world).await;
    assert!(!taken.differences(&once).is_empty());
    assert!(matches!(check(&world.engine, &watch, &quick).await, Checked::Stale));
    assert_eq!(state(&world).await.differences(&once), []);
}
