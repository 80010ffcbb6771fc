//! What an operator sees of a running program: its metrics as documented, sound for promtool, and through a real
//! Prometheus data for every expression of the dashboards and rules.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use product::{KEY, tidewatch, until};
use reqwest::Client;
use serde_json::{Value, json};
use servers::{Dovecot, Prometheus, promtool};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The whole product on its simulated upstreams, with everything there is to watch.
struct Everything {
    _process: Child,
    base: String,
    _dir: TempDir,
    _mails: Option<Dovecot>,
}

impl Everything {
    async fn start(speed: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command =
            tidewatch(dir.path(), &["demo", "--listen", "127.0.0.1:0", "--keys", "500", "--speed", speed]);
        let mut process = command.env("ADMIN_API_KEY", KEY).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut base = None;
        while base.is_none() {
            let line = lines.next_line().await.unwrap().expect("it says where it listens");
            base = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:")).map(str::to_owned);
        }
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let base = base.unwrap().trim_end_matches('/').to_owned();
        let mails = Dovecot::start();
        let everything = Self { _process: process, base, _dir: dir, _mails: mails };
        everything.add_what_fails_and_mails().await;
        everything
    }

    /// The demo has neither an account that cannot be read nor a mailbox.
    async fn add_what_fails_and_mails(&self) {
        let add = async |path: &str, body: Value| {
            let request = Client::new().post(format!("{}{path}", self.base)).header("X-API-Key", KEY).json(&body);
            let answer = request.send().await.unwrap();
            let (status, said) = (answer.status(), answer.text().await.unwrap());
            assert_eq!(status.as_u16(), 201, "{path}: {said}");
        };
        let params = json!({"url": "http://127.0.0.1:1/", "remaining": "x"});
        add("/api/v1/accounts", json!({"name": "gone", "provider": "http_json", "secret": "sk-x", "params": params}))
            .await;
        if let Some(mails) = &self._mails {
            let mail = b"From: b@example.com\r\nTo: a@example.com\r\nSubject: Invoice overdue\r\n\r\nPlease pay.\r\n";
            mails.deliver("bills", "1", mail);
            add(
                "/api/v1/reminders/mailboxes",
                json!({"name": "bills", "host": "127.0.0.1", "port": mails.port(), "tls": "none",
                "username": "bills", "secret": Dovecot::PASSWORD, "allow_private": true}),
            )
            .await;
        }
    }

    async fn scrape(&self) -> String {
        reqwest::get(format!("{}/metrics", self.base)).await.unwrap().text().await.unwrap()
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Family {
    kind: String,
    labels: BTreeSet<String>,
}

/// The tables of the manual: name, type, labels.
fn documented() -> BTreeMap<String, Family> {
    let manual = read("docs/operations/metrics.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let labels = cells[2].split(", ").filter(|l| !l.is_empty()).map(str::to_owned).collect();
        Some((cells[0].trim_end_matches('`').to_owned(), Family { kind: cells[1].to_owned(), labels }))
    };
    manual.lines().filter_map(row).collect()
}

/// What a scrape shows: name, type, labels of its samples.
fn shown(text: &str) -> BTreeMap<String, Family> {
    let mut all = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some((described, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            name = described.to_owned();
            all.entry(name.clone()).or_insert(Family { kind: kind.to_owned(), labels: BTreeSet::new() });
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&name), "{line} stands under {name}");
            let inside = line[name.len()..].split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
            let pairs = inside.map_or("", |(pairs, _)| pairs).split("\",").filter(|pair| !pair.is_empty());
            let labels = pairs.map(|pair| pair.split('=').next().unwrap().to_owned()).filter(|label| label != "le");
            all.get_mut(&name).unwrap().labels.extend(labels);
        }
    }
    all
}

/// Names of old that promtool dislikes; the manual says why each stays.
const EXPLAINED: [&str; 3] = [
    "balance_alert_active_projects_count non-histogram and non-summary metrics should not have \"_count\" suffix",
    "balance_alert_email_scan_total non-counter metrics should not have \"_total\" suffix",
    "balance_alert_subscription_days use base unit \"seconds\" instead of \"days\"",
];

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_as_documented_and_promtool_is_content() {
    let (everything, documented) = (Everything::start("600").await, documented());
    let mut text = String::new();
    let begun = Instant::now();
    loop {
        text = if text.is_empty() { everything.scrape().await } else { text };
        let shown = shown(&text);
        let missing: Vec<_> = documented.keys().filter(|name| !shown.contains_key(*name)).collect();
        let without_mails = everything._mails.is_none() && missing.iter().all(|name| name.contains("_email_"));
        if missing.is_empty() || without_mails {
            for (name, family) in &shown {
                assert_eq!(Some(family), documented.get(name), "{name}: shown, documented");
            }
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(80), "never shown: {missing:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
        text.clear();
    }
    assert!(text.lines().count() < 3000, "{} lines: a label without bound?", text.lines().count());
    let Some(promtool) = promtool() else { return };
    let mut tool = Blocking::new(promtool);
    let mut tool = tool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = tool.wait_with_output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    let said: Vec<&str> = said.lines().filter(|line| !EXPLAINED.contains(line)).collect();
    assert!(said.is_empty(), "{said:#?}");
}

/// A rule: its alert and its expression.
fn rules() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for part in ["engine", "market", "accounts"] {
        let text = read(&format!("deploy/prometheus/rules/{part}.yml"));
        let mut alert = String::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("- alert: ") {
                alert = name.to_owned();
            } else if let Some(expression) = line.strip_prefix("expr: ") {
                all.push((alert.clone(), expression.trim_matches('\'').to_owned()));
            }
        }
    }
    all
}

#[test]
fn each_alert_fires_and_keeps_silent_and_has_a_page() {
    let (runbook, rules) = (read("docs/operations/runbook.md"), rules());
    assert!(rules.len() > 20, "{}", rules.len());
    let tests: String =
        ["engine", "market", "accounts"].iter().map(|p| read(&format!("deploy/prometheus/tests/{p}.yml"))).collect();
    for (alert, _) in &rules {
        assert!(runbook.contains(&format!("\n### {alert}\n")), "{alert} has no section in the runbook");
        for what in ["fires", "is silent"] {
            assert!(tests.contains(&format!("- name: {alert} {what}\n")), "no test that {alert} {what}");
        }
    }
    let Some(promtool) = promtool() else { return };
    let run = |arguments: &[&str]| {
        let out =
            Blocking::new(&promtool).current_dir(root().join("deploy/prometheus")).args(arguments).output().unwrap();
        assert!(
            out.status.success(),
            "{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    };
    run(&["check", "config", "prometheus.yml"]);
    run(&["test", "rules", "tests/engine.yml", "tests/market.yml", "tests/accounts.yml"]);
}

/// An alert's expression answers nothing while all is well; with `bool` it answers 0 or 1, if it has anything to judge.
fn judged(expression: &str) -> String {
    let (mut out, mut braces) = (String::new(), 0);
    for word in expression.split_inclusive(' ') {
        out.push_str(word);
        let comparison = ["== ", "!= ", "> ", "< ", ">= ", "<= "].contains(&word);
        if comparison && braces == 0 {
            out.push_str("bool ");
        }
        braces += word.matches('{').count();
        braces -= word.matches('}').count();
    }
    out
}

/// Every expression there is and where it stands.
fn expressions() -> Vec<(String, String)> {
    let mut all: Vec<_> = rules().into_iter().map(|(alert, expression)| (alert, judged(&expression))).collect();
    for part in ["engine", "market", "accounts"] {
        let dashboard: Value = serde_json::from_str(&read(&format!("deploy/grafana/dashboards/{part}.json"))).unwrap();
        let mut ids = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{part}: two panels {}", panel["id"]);
            for target in panel["targets"].as_array().into_iter().flatten() {
                let mut expression = target["expr"].as_str().unwrap().to_owned();
                for (variable, value) in
                    [("$instance", ".*"), ("$project", ".*"), ("$provider", ".*"), ("$__rate_interval", "10s")]
                {
                    expression = expression.replace(variable, value);
                }
                assert!(!expression.contains('$'), "{expression}");
                all.push((format!("{part}: {}", panel["title"].as_str().unwrap()), expression));
            }
        }
    }
    all
}

async fn ask(prometheus: &str, expression: &str) -> Result<usize, String> {
    let mut url = url::Url::parse(&format!("{prometheus}/api/v1/query")).unwrap();
    url.query_pairs_mut().append_pair("query", expression);
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    if answer["status"] == "success" {
        Ok(answer["data"]["result"].as_array().unwrap().len())
    } else {
        Err(answer["error"].to_string())
    }
}

/// A Prometheus that scrapes these every second, by the files we ship.
fn scraped(programs: &[Everything]) -> Option<(Prometheus, TempDir)> {
    let dir = tempfile::tempdir().unwrap();
    let rules = root().join("deploy/prometheus/rules/*.yml");
    let targets: Vec<&str> = programs.iter().map(|p| p.base.trim_start_matches("http://")).collect();
    let configuration = read("deploy/prometheus/prometheus.yml")
        .replace("15s", "1s")
        .replace("rules/*.yml", rules.to_str().unwrap())
        .replace("tidewatch:8080", &targets.join("\", \""));
    let file = dir.path().join("prometheus.yml");
    std::fs::write(&file, configuration).unwrap();
    Some((Prometheus::start(&file)?, dir))
}

/// Asks for every expression until each had data.
async fn all_have_data(programs: &[Everything], url: &str) -> usize {
    let mut pending = expressions();
    let all = pending.len();
    if programs[0]._mails.is_none() {
        // No mailbox without Dovecot.
        pending.retain(|(_, expression)| !expression.contains("email"));
    }
    assert!(all > 100, "{all}");
    let begun = Instant::now();
    while !pending.is_empty() {
        for program in programs {
            // The web page is what asks for the leaderboard; here nobody looks at it.
            reqwest::get(format!("{}/api/v1/leaderboard", program.base)).await.unwrap();
        }
        let mut still = Vec::new();
        for (place, expression) in pending {
            match ask(url, &expression).await {
                Ok(0) => still.push((place, expression)),
                Ok(_) => {}
                Err(error) => panic!("{place}: {expression}: {error}"),
            }
        }
        pending = still;
        assert!(begun.elapsed() < Duration::from_secs(75), "no data for {pending:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let judged: Value = reqwest::get(format!("{url}/api/v1/rules")).await.unwrap().json().await.unwrap();
    let groups = judged["data"]["groups"].as_array().unwrap();
    let health: Vec<&str> =
        groups.iter().flat_map(|g| g["rules"].as_array().unwrap()).map(|r| r["health"].as_str().unwrap()).collect();
    assert!(health.len() > 20 && health.iter().all(|h| *h == "ok"), "{health:?}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_has_data_for_every_expression() {
    let programs = [Everything::start("600").await];
    let Some((prometheus, _configuration)) = scraped(&programs) else { return };
    let begun = Instant::now();
    let all = all_have_data(&programs, &prometheus.url()).await;
    until("up", async || ask(&prometheus.url(), "up{job=\"tidewatch\"} == 1").await == Ok(1)).await;
    eprintln!("{all} expressions have data after {:.0?}", begun.elapsed());
}

/// The one number of an expression.
async fn number(prometheus: &str, expression: &str) -> f64 {
    let mut url = url::Url::parse(&format!("{prometheus}/api/v1/query")).unwrap();
    url.query_pairs_mut().append_pair("query", expression);
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    answer["data"]["result"][0]["value"][1].as_str().and_then(|v| v.parse().ok()).unwrap_or(f64::NAN)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten minutes: make observe"]
async fn three_programs_watched_for_long() {
    let seconds = std::env::var("OBSERVE_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(600);
    let programs = [Everything::start("60").await, Everything::start("60").await, Everything::start("60").await];
    let (prometheus, _configuration) = scraped(&programs).expect("apt-get install prometheus");
    let (url, begun) = (prometheus.url(), Instant::now());
    let all = all_have_data(&programs, &url).await;
    let left = Duration::from_secs(seconds).saturating_sub(begun.elapsed());
    tokio::time::sleep(left).await;
    let window = format!("{seconds}s");
    let rows = [
        ("expressions with data", format!("vector({all})")),
        ("programs up", "sum(up{job=\"tidewatch\"})".to_owned()),
        ("scrapes, least of the three", format!("min(count_over_time(up{{job=\"tidewatch\"}}[{window}]))")),
        (
            "scrapes that failed",
            format!(
                "sum(count_over_time(up{{job=\"tidewatch\"}}[{window}]) - sum_over_time(up{{job=\"tidewatch\"}}[{window}]))"
            ),
        ),
        ("series of a program, most", "max(scrape_samples_scraped{job=\"tidewatch\"})".to_owned()),
        (
            "scrape, 95 %, ms",
            format!("1000 * max(quantile_over_time(0.95, scrape_duration_seconds{{job=\"tidewatch\"}}[{window}]))"),
        ),
        (
            "of it asking, mean, ms",
            "1000 * sum(tidewatch_scrape_duration_seconds_sum) / sum(tidewatch_scrape_duration_seconds_count)"
                .to_owned(),
        ),
        ("checks", format!("sum(increase(animetop_tasks_processed_total[{window}]))")),
        ("checks that failed", format!("sum(increase(animetop_tasks_processed_total{{status=\"failed\"}}[{window}]))")),
        ("messages delivered", format!("sum(increase(tidewatch_deliveries_total{{status=\"delivered\"}}[{window}]))")),
        (
            "statement, 95 %, ms",
            format!(
                "1000 * histogram_quantile(0.95, sum by (le) (rate(animetop_db_query_duration_seconds_bucket[{window}])))"
            ),
        ),
        ("memory, most, MB", format!("max(max_over_time(tidewatch_process_resident_bytes[{window}])) / 1e6")),
        (
            "memory, slope of the last half, MB/min",
            format!("60 * max(deriv(tidewatch_process_resident_bytes[{}s])) / 1e6", seconds / 2),
        ),
        ("open files, most", format!("max(max_over_time(tidewatch_process_open_fds[{window}]))")),
        (
            "open files, slope of the last half, /min",
            format!("60 * max(deriv(tidewatch_process_open_fds[{}s]))", seconds / 2),
        ),
        ("alerts firing", "count(ALERTS{alertstate=\"firing\"}) or vector(0)".to_owned()),
    ];
    eprintln!("\n{:<42} {:>12}   after {:.0?}", "observed", "", begun.elapsed());
    for (what, expression) in rows {
        eprintln!("{what:<42} {:>12.2}", number(&url, &expression).await);
    }
    assert!(number(&url, "sum(up{job=\"tidewatch\"})").await == 3.0);
}
