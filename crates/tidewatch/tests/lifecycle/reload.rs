//! The running program reads its configuration again.

use super::fill::{open, sqlite};
use super::product::{KEY, START, finished, tidewatch, until, upstream};
use model::{SharedClock, SteppedClock};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use sim::{Profile, RunningSim};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use store::{Keyring, args};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A serving program, its configuration and what it says.
struct Served {
    dir: TempDir,
    base: String,
    child: Child,
    client: Client,
}

impl Served {
    async fn start(config: &str, at: impl FnOnce(&Path, &str) -> PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = at(dir.path(), config);
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let args = ["serve", "--data-dir", "data", "--listen", "127.0.0.1:0", "--config", place.to_str().unwrap()];
        let mut command = tidewatch(dir.path(), &args);
        let child = command.stderr(log).stdout(Stdio::null()).spawn().unwrap();
        let mut served = Self { dir, base: String::new(), child, client: Client::new() };
        until("started", async || served.log().contains("listen=http://")).await;
        let log = served.log();
        let base = log.split("listen=").nth(1).unwrap().split_whitespace().next().unwrap();
        served.base = base.to_owned();
        served
    }

    fn log(&self) -> String {
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

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path, true).await.1).unwrap()
    }

    async fn counted(&self, result: &str) -> u64 {
        let (_, text) = self.get("/metrics", true).await;
        let of = |name: &str| -> u64 {
            let line = format!("{name}_total{{result=\"{result}\"}} ");
            text.lines().find_map(|l| l.strip_prefix(&line)).unwrap_or_else(|| panic!("{line}")).parse().unwrap()
        };
        assert_eq!(of("balance_alert_config_reload"), of("config_reload"));
        of("config_reload")
    }

    async fn accepted(&self, n: u64) {
        until("reloaded", async || self.counted("success").await == n).await;
    }

    async fn refused(&self, n: u64) {
        until("refused", async || self.counted("refused").await == n).await;
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("/bin/kill").args([name, &pid]).status().await.unwrap().success());
    }

    async fn end(mut self) {
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

async fn market() -> RunningSim {
    let clock: SharedClock = Arc::new(SteppedClock::new(START));
    upstream(&[Profile::named("初音ミク", 6.0, 0.6)], &clock).await
}

fn config(sim: &RunningSim, more: &str) -> String {
    format!("auth:\n  admin_key: {KEY}\nmarket:\n  base_url: {}\n{more}", sim.base_url())
}

fn one_file(dir: &Path, text: &str) -> PathBuf {
    let file = dir.join("tidewatch.yaml");
    write(&file, text);
    file
}

/// As an editor writes: a new file in the old one's place.
fn write(file: &Path, text: &str) {
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
    let other = config(&second, &kept).replace("market:\n", "market:\n  schedule:\n    min_interval: 1m\n");
    write(&file, &other);
    served.accepted(6).await;
    let trigger = served.client.post(format!("{}/api/v1/ips/1/trigger", served.base)).header("X-API-Key", KEY);
    trigger.send().await.unwrap();
    until("the other market asked", async || second.counters().requests > asked).await;
    // What needs a restart is said by name, and the rest of the same file is in force.
    let restart = format!(
        "{}server:\n  listen: 127.0.0.1:1\nstore:\n  max_connections: 3\nengine:\n  batch_size: 7\nlog:\n  level: warn\n",
        config(&second, &kept)
    );
    write(&file, &restart);
    served.accepted(7).await;
    for key in ["store.max_connections", "engine.batch_size"] {
        let line = format!("takes effect at the next start key=\"{key}\"");
        assert!(served.log().contains(&line), "{}", served.log());
    }
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

/// The key is exchanged while the program runs and goes on sealing.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_taken_up_by_the_running_program() {
    let sim = market().await;
    let served = Served::start(&config(&sim, ""), one_file).await;
    let add = async |name: &str| {
        let body = serde_json::json!({
            "name": name, "provider": "deepseek", "secret": format!("sk-planted-{name}"), "state": "paused",
        });
        let request = served.client.post(format!("{}/api/v1/accounts", served.base)).header("X-API-Key", KEY);
        let response = request.json(&body).send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{status}: {}", response.text().await.unwrap());
    };
    add("before").await;
    let before = fs::read_to_string(served.dir.path().join("data/encryption-key")).unwrap();
    let rotate = finished(tidewatch(served.dir.path(), &["rotate-key", "--data-dir", "data"]));
    let meanwhile = async {
        for n in 0..20 {
            add(&format!("meanwhile-{n}")).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let ((code, out, err), ()) = tokio::join!(rotate, meanwhile);
    assert_eq!(code, 0, "{out} {err}");
    let after = fs::read_to_string(served.dir.path().join("data/encryption-key")).unwrap();
    assert_ne!(before, after);
    assert_eq!(after.lines().count(), 1, "the old key is gone");
    until("the new key taken up", async || served.log().contains("new_keys=true")).await;
    add("after").await;
    // Everything opens with the new key alone.
    let ring = Keyring::parse(&after).unwrap();
    let store = open(&sqlite(&served.dir.path().join("data"), "tidewatch.db")).await;
    let rows = store.query("SELECT name, secret FROM accounts", args![]).await.unwrap();
    assert_eq!(rows.len(), 22);
    for row in rows {
        let (name, secret) = (row.text(0).unwrap(), row.text(1).unwrap());
        assert_eq!(ring.open(&secret).unwrap(), format!("sk-planted-{name}"));
    }
    served.end().await;
}
