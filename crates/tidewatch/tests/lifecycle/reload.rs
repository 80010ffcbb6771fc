//! The running program reads its configuration again.

use super::product::{KEY, START, tidewatch, until, upstream};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use model::{SharedClock, SteppedClock};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sim::{Profile, RunningSim};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A running program, its configuration and what it says.
pub(super) struct Served {
    pub(super) dir: TempDir,
    pub(super) base: String,
    child: Child,
    client: Client,
}

impl Served {
    async fn start(config: &str, at: impl FnOnce(&Path, &str) -> PathBuf) -> Self {
        Self::start_as(&["serve", "--data-dir", "data"], config, at).await
    }

    /// With these arguments beside where it listens and what it reads.
    pub(super) async fn start_as(args: &[&str], config: &str, at: impl FnOnce(&Path, &str) -> PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = at(dir.path(), config);
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut command = tidewatch(dir.path(), args);
        command.args(["--listen", "127.0.0.1:0", "--config", place.to_str().unwrap()]);
        let child = command.stderr(log).stdout(Stdio::null()).spawn().unwrap();
        let mut served = Self { dir, base: String::new(), child, client: Client::new() };
        let listens = |log: &str| {
            let said = ["listen=", "page="].iter().find_map(|mark| log.split_once(&format!("{mark}http://")));
            said.and_then(|(_, rest)| Some(format!("http://{}", rest.split_whitespace().next()?)))
        };
        until("started", async || listens(&served.log()).is_some()).await;
        served.base = listens(&served.log()).unwrap();
        served
    }

    /// Has an IP crawled now.
    pub(super) async fn trigger(&self, ip: i64) {
        let trigger = self.client.post(format!("{}/api/v1/ips/{ip}/trigger", self.base));
        trigger.header("X-API-Key", KEY).send().await.unwrap();
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    async fn get(&self, path: &str, key: bool) -> (StatusCode, String) {
        let mut request = self.client.get(format!("{}{path}", self.base));
        if key {
            request = request.header("X-API-Key", KEY);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    pub(super) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path, true).await.1).unwrap()
    }

    async fn counted(&self, result: &str) -> u64 {
        let (_, text) = self.get("/metrics", true).await;
        let line = format!("balance_alert_config_reload_total{{result=\"{result}\"}} ");
        text.lines().find_map(|l| l.strip_prefix(&line)).unwrap_or_else(|| panic!("{line}: {text}")).parse().unwrap()
    }

    pub(super) async fn accepted(&self, n: u64) {
        until("reloaded", async || self.counted("success").await == n).await;
    }

    pub(super) async fn refused(&self, n: u64) {
        until("refused", async || self.counted("refused").await == n).await;
    }

    pub(super) async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("/bin/kill").args([name, &pid]).status().await.unwrap().success());
    }

    pub(super) async fn end(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it ended before: {}", self.log());
        self.signal("-TERM").await;
        assert!(self.child.wait().await.unwrap().success(), "{}", self.log());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

pub(super) async fn market() -> RunningSim {
    let clock: SharedClock = Arc::new(SteppedClock::new(START));
    upstream(&[Profile::named("初音ミク", 6.0, 0.6)], &clock).await
}

pub(super) fn config(sim: &RunningSim, more: &str) -> String {
    format!("auth:\n  admin_key: {KEY}\nmarket:\n  base_url: {}\n{more}", sim.base_url())
}

pub(super) fn one_file(dir: &Path, text: &str) -> PathBuf {
    let file = dir.join("tidewatch.yaml");
    write(&file, text);
    file
}

/// As an editor writes: a new file in the old one's place.
pub(super) fn write(file: &Path, text: &str) {
    let new = file.with_extension("tmp");
    fs::write(&new, text).unwrap();
    fs::rename(new, file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_file_is_in_force_at_once() {
    let (first, second) = (market().await, market().await);
    let served = Served::start(&config(&first, ""), one_file).await;
    let file = served.dir.path().join("tidewatch.yaml");
    assert_eq!(served.json("/api/v1/ips").await["total"], 0);
    // What the configuration keeps.
    let ip = "  ips:\n    - name: 初音ミク\n";
    write(&file, &config(&first, ip));
    served.accepted(1).await;
    assert_eq!(served.json("/api/v1/ips").await["data"][0]["name"], "初音ミク");
    let account = "accounts:\n  list:\n    - name: spare\n      provider: deepseek\n      secret: sk-planted-in-a-reload\n      paused: true\n";
    let channel = "channels:\n  - name: hook\n    kind: webhook\n    url: https://hooks.example.com/x\n";
    let kept = format!("{ip}{account}{channel}");
    write(&file, &config(&first, &kept));
    served.accepted(2).await;
    assert_eq!(served.json("/api/v1/accounts").await["data"][0]["name"], "spare");
    assert_eq!(served.json("/api/v1/channels").await["data"][0]["name"], "hook");
    // The level of the log.
    assert!(!served.log().contains("DEBUG"));
    write(&file, &config(&first, &format!("{kept}log:\n  level: debug\n")));
    served.accepted(3).await;
    served.get("/api/v1/ips", true).await;
    until("talkative", async || served.log().contains("DEBUG")).await;
    // Who may look, and how often; on a connection that stays.
    assert_eq!(served.get("/api/v1/ips", false).await.0, StatusCode::OK);
    let closed = config(&first, &kept).replace("auth:\n", "auth:\n  public: []\n");
    write(&file, &closed);
    served.accepted(4).await;
    assert_eq!(served.get("/api/v1/ips", false).await.0, StatusCode::UNAUTHORIZED);
    let limited = format!("{}server:\n  rate_limit:\n    market_per_minute: 3\n", config(&first, &kept));
    write(&file, &limited);
    served.accepted(5).await;
    let mut last = StatusCode::OK;
    for _ in 0..5 {
        last = served.get("/api/v1/ips", false).await.0;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    // Whom the market is asked at, and how often.
    let asked = second.counters().requests;
    let free = "server:\n  rate_limit:\n    enabled: false\nmarket:\n  schedule:\n    min_interval: 1m\n";
    let other = config(&second, &kept).replace("market:\n", free);
    write(&file, &other);
    served.accepted(6).await;
    // Again and again: a crawl of the first market that is under way ends first, and sets the next time itself.
    until("the other market asked", async || {
        served.trigger(1).await;
        second.counters().requests > asked
    })
    .await;
    // What needs a restart is said by name, in one line, and the rest of the same file is in force.
    let restart = "store:\n  max_connections: 3\nengine:\n  batch_size: 7\nauth:\n  public: []\n";
    write(&file, &config(&second, &kept).replace("auth:\n", restart));
    served.accepted(7).await;
    let line = "needs a restart; until then the old values stand keys=\"store.max_connections, engine.batch_size\"";
    until("the restart told of", async || served.log().contains(line)).await;
    assert_eq!(served.get("/api/v1/ips", false).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(served.counted("refused").await, 0);
    assert!(!served.log().contains("sk-planted-in-a-reload"));
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_refused_and_the_old_one_stays() {
    let sim = market().await;
    let served = Served::start(&config(&sim, "  ips:\n    - name: 初音ミク\n"), one_file).await;
    let file = served.dir.path().join("tidewatch.yaml");
    for (n, bad) in [
        "  pages_on_sale: many\n  no_such_key: 1\n",
        "  ips: [\n",
        "accounts:\n  list:\n    - name: x\n      provider: no-such-provider\n      secret: y\n",
        "accounts:\n  base_urls: [nonsense]\n",
        "log:\n  level: 'x=[nonsense'\n",
    ]
    .into_iter()
    .enumerate()
    {
        write(&file, &config(&sim, bad));
        served.refused(n as u64 + 1).await;
        assert_eq!(served.json("/api/v1/ips").await["total"], 1);
    }
    let log = served.log();
    let place = format!("at={}:5:18 key=\"market.pages_on_sale\"", file.display());
    assert!(log.contains(&place), "{place}: {log}");
    assert!(log.contains(&format!("at={}:6:3", file.display())) && log.contains("no_such_key"), "{log}");
    assert!(log.contains("no-such-provider") && log.contains("the configuration in force stays as it is"), "{log}");
    assert_eq!(served.counted("success").await, 0);
    // A file that is away for a moment is refused too, and one that is good again is in force.
    fs::remove_file(&file).unwrap();
    served.refused(6).await;
    write(&file, &config(&sim, "  ips:\n    - name: 葬送のフリーレン\n"));
    served.accepted(1).await;
    assert_eq!(served.json("/api/v1/ips").await["total"], 2, "what was kept stays");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reads_again_also_what_did_not_change() {
    let sim = market().await;
    let served = Served::start(&config(&sim, ""), one_file).await;
    served.signal("-HUP").await;
    served.accepted(1).await;
    served.signal("-HUP").await;
    served.accepted(2).await;
    // A file that was only touched is no news.
    let file = served.dir.path().join("tidewatch.yaml");
    fs::write(&file, fs::read(&file).unwrap()).unwrap();
    write(&file, &config(&sim, "  pages_sold: 4\n"));
    served.accepted(3).await;
    served.end().await;
}

/// As a mounted ConfigMap: files are links through `..data`, which is turned to a new directory.
#[tokio::test(flavor = "multi_thread")]
async fn a_mount_of_kubernetes_that_turns_its_link_is_seen() {
    let sim = market().await;
    let text = config(&sim, "");
    for whole_directory in [true, false] {
        let mount = |dir: &Path, text: &str| {
            let mount = dir.join("mount");
            fs::create_dir_all(mount.join("..2026_01")).unwrap();
            fs::write(mount.join("..2026_01/tidewatch.yaml"), text).unwrap();
            symlink("..2026_01", mount.join("..data")).unwrap();
            symlink("..data/tidewatch.yaml", mount.join("tidewatch.yaml")).unwrap();
            if whole_directory { mount } else { mount.join("tidewatch.yaml") }
        };
        let served = Served::start(&text, mount).await;
        let mount = served.dir.path().join("mount");
        fs::create_dir(mount.join("..2026_02")).unwrap();
        fs::write(mount.join("..2026_02/tidewatch.yaml"), config(&sim, "  ips:\n    - name: 初音ミク\n")).unwrap();
        symlink("..2026_02", mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
        fs::remove_dir_all(mount.join("..2026_01")).unwrap();
        until("the new file read", async || served.json("/api/v1/ips").await["total"] == 1).await;
        assert_eq!(served.counted("refused").await, 0, "{}", served.log());
        served.end().await;
    }
}

/// A provider with 42 on the account, and a receiver of messages.
async fn outside() -> (String, Arc<Mutex<Vec<Value>>>) {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let message = async |State(messages): State<Arc<Mutex<Vec<Value>>>>, Json(message): Json<Value>| {
        messages.lock().unwrap().push(message);
    };
    let app = Router::new()
        .route("/balance", get(async || r#"{"balance": 42}"#))
        .route("/hook", post(message))
        .with_state(Arc::clone(&messages));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (base, messages)
}

/// JSON is YAML.
fn below(base: &str, threshold: &str) -> String {
    let configuration = json!({
        "auth": {"admin_key": KEY},
        "market": {"enabled": false},
        "notify": {"allow_private": true, "digest_window": "0s"},
        "server": {"rate_limit": {"enabled": false}},
        "accounts": {"allow_private": true, "list": [{"name": "purse", "provider": "http_json", "secret": "sk-x",
            "thresholds": [threshold], "params": [format!("url: {base}/balance"), "remaining: balance", "unit: USD"]}]},
        "channels": [{"name": "hook", "kind": "webhook", "url": format!("{base}/hook"), "allow_private": true}],
    });
    configuration.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_is_in_force_without_a_restart_and_nobody_is_told_twice() {
    let (base, messages) = outside().await;
    let served = Served::start(&below(&base, "10"), one_file).await;
    let file = served.dir.path().join("tidewatch.yaml");
    let purse = async || served.json("/api/v1/accounts").await["data"][0].clone();
    until("read", async || purse().await["status"] == "ok").await;
    assert_eq!(served.json("/api/v1/alerts").await["total"], 0);
    // Somebody asks all the time, on connections that stay and on new ones.
    let (stop, url) = (Arc::new(AtomicBool::new(false)), format!("{}/api/v1/accounts", served.base));
    let ask = |fresh: bool| {
        let (stop, url, client) = (Arc::clone(&stop), url.clone(), served.client.clone());
        tokio::spawn(async move {
            let mut answered = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                let client = if fresh { Client::new() } else { client.clone() };
                let response = client.get(&url).header("X-API-Key", KEY).send().await.unwrap();
                assert_eq!(response.status(), StatusCode::OK);
                assert!(response.json::<Value>().await.unwrap()["data"].is_array());
                answered += 1;
            }
            answered
        })
    };
    let asking = [ask(false), ask(false), ask(true)];
    write(&file, &below(&base, "100"));
    served.accepted(1).await;
    let look = format!("{}/api/v1/accounts/1/refresh", served.base);
    let looked = served.client.post(look).header("X-API-Key", KEY).send().await.unwrap();
    assert!(looked.status().is_success(), "{}", looked.status());
    until("told", async || !messages.lock().unwrap().is_empty()).await;
    // All parts made anew, again and again, while it is open.
    for n in 2..8 {
        served.signal("-HUP").await;
        served.accepted(n).await;
    }
    let alerts = served.json("/api/v1/alerts").await;
    assert_eq!(alerts["total"], 1, "{alerts}");
    let deliveries = served.json("/api/v1/deliveries").await;
    assert_eq!(deliveries["total"], 1, "{deliveries}");
    assert_eq!(messages.lock().unwrap().len(), 1);
    stop.store(true, Ordering::Relaxed);
    for asked in asking {
        assert!(asked.await.unwrap() > 0);
    }
    served.end().await;
}
