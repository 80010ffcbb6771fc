//! The market watch in a real headless Chromium, on a simulated Mercari over loopback.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use engine::FetchError;
use engine::upstream::{Upstream, UpstreamPolicy};
use market::fetch::browser::find;
use market::fetch::{Brief, Browser, BrowserOptions, Crawl, EitherWay, MercariClient, MercariSettings, Observer, Page};
use market::fetch::{RowKind, SearchPages, Statuses, TakeOver, crawl};
use model::{Clock, SteppedClock, Timestamp};
use sim::faults::Faults;
use sim::{MarketConfig, RunningSim, SearchPageStyle, SimConfig, SimServer, profiles};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const START: i64 = 1_788_188_400_000;
const KEYWORD: &str = "初音ミク";

/// Remembers what it was told.
#[derive(Default)]
struct Told {
    browser_requests: AtomicUsize,
    most_pages: AtomicUsize,
    open_pages: AtomicUsize,
    switches: std::sync::Mutex<Vec<bool>>,
}

impl Observer for Told {
    fn request(&self, _: &'static str, _: Duration) {
        self.browser_requests.fetch_add(1, Ordering::SeqCst);
    }

    fn browser_mode(&self, on: bool) {
        self.switches.lock().unwrap().push(on);
    }

    fn browser_pages(&self, open: usize) {
        self.most_pages.fetch_max(open, Ordering::SeqCst);
        self.open_pages.store(open, Ordering::SeqCst);
    }
}

/// A simulated Mercari that stands still, and the ways to ask it.
struct Bench {
    sim: RunningSim,
    clock: SteppedClock,
    upstream: Arc<Upstream>,
    told: Arc<Told>,
    options: BrowserOptions,
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH");
    let found = find(Path::new(""), path.as_deref());
    if found.is_err() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI needs Chromium");
        eprintln!("no Chromium here: not tested");
    }
    found.ok()
}

impl Bench {
    async fn new(program: PathBuf) -> Self {
        let config = MarketConfig::new(7, profiles::well_known(), START);
        let sim = SimServer::start(SimConfig::new(config, Arc::new(|| START))).await.unwrap();
        let clock = SteppedClock::new(Timestamp(START));
        let policy = UpstreamPolicy { rate: 1_000.0, burst: 1_000, ..UpstreamPolicy::default() };
        let upstream = Arc::new(Upstream::new("mercari", policy, Arc::new(clock.clone()), 1));
        let options = BrowserOptions {
            program,
            web_url: sim.base_url(),
            // Whatever a page names, nobody but the simulator is asked.
            arguments: vec!["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1".into()],
            ..BrowserOptions::default()
        };
        Self { sim, clock, upstream, told: Arc::default(), options }
    }

    fn http(&self) -> MercariClient {
        let settings = MercariSettings { base_url: self.sim.base_url(), ..MercariSettings::default() };
        let entropy = Arc::new(|| 7);
        let (upstream, clock) = (Arc::clone(&self.upstream), Arc::new(self.clock.clone()));
        MercariClient::new(settings, upstream, clock, entropy, Arc::new(market::fetch::NoObserver)).unwrap()
    }

    fn browser(&self) -> Arc<Browser> {
        let (upstream, clock) = (Arc::clone(&self.upstream), Arc::new(self.clock.clone()));
        Arc::new(Browser::new(self.options.clone(), upstream, clock, Arc::clone(&self.told) as Arc<dyn Observer>))
    }

    fn either(&self, browser: &Arc<Browser>) -> EitherWay {
        let http = Arc::new(self.http().with_stand_in());
        let observer = Arc::clone(&self.told) as Arc<dyn Observer>;
        let clock = Arc::new(self.clock.clone());
        let pause = Duration::from_millis(1);
        EitherWay::new(http, Arc::clone(browser), TakeOver::default(), pause, clock, observer)
    }

    fn faults(&self, spec: &str) {
        self.sim.set_faults(spec.parse::<Faults>().unwrap());
    }

    fn fault(&self, name: &str) -> u64 {
        self.sim.counters().by_fault.get(name).copied().unwrap_or_default()
    }

    fn asked(&self, path: &str) -> u64 {
        self.sim.counters().by_path.get(path).copied().unwrap_or_default()
    }
}

fn brief(pages: u32) -> Brief {
    Brief { pages_on_sale: pages, pages_sold: pages, ..Brief::first(KEYWORD) }
}

/// Ids with price and whether they are sold.
fn facts(page: &Page) -> BTreeMap<String, (Option<i64>, bool)> {
    let row = |r: &market::fetch::Row| (r.price, r.status != market::fetch::RowStatus::OnSale);
    page.rows.iter().map(|r| (r.source_id.clone(), row(r))).collect()
}

/// Processes of a group, without those that have ended and wait to be read.
fn processes(group: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        if fields[0] != "Z" && fields[2] == group.to_string() {
            found.push(pid);
        }
    }
    found
}

/// Summed resident and proportional memory, kB.
fn memory(pids: &[u32]) -> (u64, u64) {
    let of = |file: &str, key: &str| -> u64 {
        let value = |pid: &u32| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
            let line = text.lines().find(|line| line.starts_with(key))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        pids.iter().filter_map(value).sum()
    };
    (of("status", "VmRSS:"), of("smaps_rollup", "Pss:"))
}

/// The profile directory that a browser of this group was given.
fn profile(group: u32) -> PathBuf {
    let lines = processes(group).into_iter().filter_map(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).ok());
    let all: Vec<u8> = lines.flatten().collect();
    let text = String::from_utf8_lossy(&all).into_owned();
    text.split('\0').find_map(|part| part.strip_prefix("--user-data-dir=")).unwrap().into()
}

async fn ended(group: u32) -> bool {
    for _ in 0..100 {
        if processes(group).is_empty() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_plain_requests_hand_over_within_the_crawl_and_come_back_after_a_probe() {
    let Some(program) = chromium() else { return };
    let bench = Bench::new(program).await;
    let by_http: Crawl = crawl(&bench.http(), &brief(2)).await.unwrap();
    assert!(by_http.on_sale.rows.len() > 200 && by_http.sold.rows.len() > 50);
    let browser = bench.browser();
    let either = bench.either(&browser);

    bench.faults("no-browser");
    let taken_over = crawl(&either, &brief(2)).await.unwrap();
    assert_eq!(taken_over, by_http, "rows, order, times, ends: everything");
    assert!(either.is_browser());
    assert!((3..=4).contains(&bench.fault("no-browser")), "{} refusals", bench.fault("no-browser"));
    assert_eq!(*bench.told.switches.lock().unwrap(), [false, true]);
    assert_eq!((bench.asked("/_static/banner.png"), bench.asked("/_static/font.woff2")), (0, 0), "not loaded");
    assert_eq!(bench.told.open_pages.load(Ordering::SeqCst), 0);
    let group = browser.process_group().await.unwrap();

    // Five minutes later one request finds that nothing has changed; the crawl goes on in the browser.
    bench.clock.advance(Duration::from_secs(299));
    crawl(&either, &brief(1)).await.unwrap();
    let refused = bench.fault("no-browser");
    bench.clock.advance(Duration::from_secs(1));
    crawl(&either, &brief(1)).await.unwrap();
    assert_eq!(bench.fault("no-browser"), refused + 1, "one probe");
    assert!(either.is_browser());

    bench.faults("");
    bench.clock.advance(Duration::from_secs(300));
    assert_eq!(crawl(&either, &brief(2)).await.unwrap(), by_http);
    assert!(!either.is_browser());
    assert_eq!(*bench.told.switches.lock().unwrap(), [false, true, false]);
    assert!(ended(group).await, "the browser is closed when plain requests are answered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_of_both_ways_leaves_mercari_alone() {
    let Some(program) = chromium() else { return };
    let mut bench = Bench::new(program).await;
    bench.options.challenge_patience = Duration::from_millis(300);
    bench.faults("no-browser,challenge");
    let browser = bench.browser();
    let either = bench.either(&browser);
    let error = either.page(Statuses::OnSale, KEYWORD, None).await.unwrap_err();
    assert!(matches!(&error, FetchError::Blocked(_)), "{error:?}");
    let asked = bench.sim.counters().requests;
    let error = either.page(Statuses::OnSale, KEYWORD, None).await.unwrap_err();
    assert_eq!(error, FetchError::Postponed(Duration::from_secs(900)));
    assert_eq!(bench.sim.counters().requests, asked, "nobody was asked");
    browser.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn captured_answer_and_both_generations_of_tiles_say_the_same() {
    let Some(program) = chromium() else { return };
    let bench = Bench::new(program).await;
    let (http, browser) = (bench.http(), bench.browser());
    for (statuses, token) in [(Statuses::OnSale, None), (Statuses::Sold, Some("v1:1"))] {
        let plain = http.page(statuses, KEYWORD, token).await.unwrap();
        assert!(plain.rows.len() > 50, "{}", plain.rows.len());
        bench.sim.set_page(SearchPageStyle::Asks);
        assert_eq!(browser.page(statuses, KEYWORD, token).await.unwrap(), plain);
        for style in [SearchPageStyle::Older, SearchPageStyle::Newer] {
            bench.sim.set_page(style);
            let begun = Instant::now();
            let page = browser.page(statuses, KEYWORD, token).await.unwrap();
            println!("{style:?} tiles, {statuses:?}: {} rows in {:?}", page.rows.len(), begun.elapsed());
            assert_eq!(facts(&page), facts(&plain), "{style:?}");
            assert_eq!(page.next_token, plain.next_token);
            assert!(page.skipped.is_empty(), "{:?}", page.skipped);
            assert!(page.rows.iter().all(|r| r.created.is_none() && r.updated.is_none()));
            let titles = |page: &Page| -> BTreeMap<String, String> {
                page.rows.iter().map(|r| (r.source_id.clone(), r.title.clone())).collect()
            };
            assert_eq!(titles(&page), titles(&plain));
            if style == SearchPageStyle::Newer {
                let kinds = |page: &Page| -> BTreeMap<String, RowKind> {
                    page.rows.iter().map(|r| (r.source_id.clone(), r.kind)).collect()
                };
                assert_eq!(kinds(&page), kinds(&plain));
            }
        }
    }
    // Nothing found is nothing, not the substitutes.
    bench.sim.set_page(SearchPageStyle::Newer);
    let none = browser.page(Statuses::OnSale, "存在しない作品", None).await.unwrap();
    assert_eq!((none.rows.len(), none.num_found, none.next_token), (0, Some(0), None));
    browser.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_hangs_is_ended_and_a_dead_browser_started_again() {
    let Some(program) = chromium() else { return };
    let mut bench = Bench::new(program).await;
    bench.options.page_timeout = Duration::from_secs(6);
    let browser = bench.browser();
    browser.page(Statuses::OnSale, KEYWORD, None).await.unwrap();
    let group = browser.process_group().await.unwrap();
    bench.faults("hung-page");
    let begun = Instant::now();
    let error = browser.page(Statuses::OnSale, KEYWORD, None).await.unwrap_err();
    let took = begun.elapsed();
    assert!(matches!(&error, FetchError::Transient(why) if why.contains("was ended")), "{error:?}");
    assert!(took < Duration::from_secs(9), "{took:?}");
    bench.faults("");
    browser.page(Statuses::OnSale, KEYWORD, None).await.unwrap();
    assert!(ended(group).await, "the renderer that hung is gone with its browser");

    let group = browser.process_group().await.unwrap();
    let killed = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).status().unwrap();
    assert!(killed.success());
    browser.page(Statuses::OnSale, KEYWORD, None).await.unwrap();
    let again = browser.process_group().await.unwrap();
    assert_ne!(again, group);

    // Dropped without a word, as when a task is cut off.
    let profile = profile(again);
    assert!(profile.is_dir());
    drop(browser);
    assert!(ended(again).await, "{:?} left", processes(again));
    assert!(!profile.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_cut_off_is_closed() {
    let Some(program) = chromium() else { return };
    let bench = Bench::new(program).await;
    let browser = bench.browser();
    browser.page(Statuses::OnSale, KEYWORD, None).await.unwrap();
    bench.faults("hung-page");
    let group = browser.process_group().await.unwrap();
    let cut = tokio::time::timeout(Duration::from_secs(2), browser.page(Statuses::OnSale, KEYWORD, None)).await;
    assert!(cut.is_err());
    assert_eq!(bench.told.open_pages.load(Ordering::SeqCst), 0);
    bench.faults("");
    browser.page(Statuses::OnSale, KEYWORD, None).await.unwrap();
    assert!(ended(group).await, "it was replaced");
    browser.rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_no_browser_is_said_and_not_held_against_mercari() {
    let bench = Bench::new("/bin/false".into()).await;
    let error = bench.browser().page(Statuses::OnSale, KEYWORD, None).await.unwrap_err();
    assert!(matches!(&error, FetchError::Transient(why) if why.contains("/bin/false did not start")), "{error:?}");
    assert_eq!(bench.upstream.snapshot().failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_crawls_leave_nothing_behind() {
    let Some(program) = chromium() else { return };
    let mut bench = Bench::new(program).await;
    bench.options.recycle_after = 20;
    let (http, browser) = (bench.http(), bench.browser());
    let mut by_http = Duration::ZERO;
    let (mut most, mut rss, mut pss) = (0, 0, 0);
    let mut groups = std::collections::BTreeSet::new();
    let mut by_browser = Vec::new();
    for _ in 0..30 {
        let begun = Instant::now();
        let plain = crawl(&http, &brief(1)).await.unwrap();
        by_http += begun.elapsed();
        let begun = Instant::now();
        let seen = crawl(browser.as_ref(), &brief(1)).await.unwrap();
        by_browser.push(begun.elapsed());
        assert_eq!(seen, plain);
        let group = browser.process_group().await.unwrap();
        groups.insert(group);
        let running = processes(group);
        most = most.max(running.len());
        let (r, p) = memory(&running);
        (rss, pss) = (rss.max(r), pss.max(p));
    }
    let total: Duration = by_browser.iter().sum();
    println!(
        "30 crawls of 2 pages: HTTP {:.3} s each, browser {:.3} s each (first {:.3} s)",
        by_http.as_secs_f64() / 30.0,
        total.as_secs_f64() / 30.0,
        by_browser[0].as_secs_f64()
    );
    println!("most processes {most}, summed RSS {} MB, PSS {} MB, {} browsers", rss / 1024, pss / 1024, groups.len());
    assert_eq!(groups.len(), 3, "60 pages, 20 each");
    assert!(most <= 16, "{most} processes");
    assert!(bench.told.most_pages.load(Ordering::SeqCst) <= 2);
    browser.rest().await;
    for group in groups {
        assert!(ended(group).await, "{:?} of {group} left", processes(group));
    }
    assert!(bench.clock.now() == Timestamp(START));
}
