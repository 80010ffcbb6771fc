//! The program as a child: what it takes in time, work and memory.

use crate::Failure;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A `serve` that does not outlive the measurement.
pub(crate) struct Served {
    child: Child,
    dir: TempDir,
    address: SocketAddr,
    key: String,
    client: reqwest::Client,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PATIENCE: Duration = Duration::from_secs(30);

/// A data directory with a configuration of JSON, which is YAML.
pub(crate) fn place(configuration: &Value) -> Result<TempDir, Failure> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("tidewatch.yaml"), serde_json::to_vec_pretty(configuration)?)?;
    Ok(dir)
}

/// A command of the program in that directory.
pub(crate) fn command(program: &Path, dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg("--data-dir").arg(dir.join("data")).current_dir(dir);
    command.env_remove("TIDEWATCH_CONFIG").stdin(Stdio::null());
    command
}

impl Served {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(program: &Path, mut configuration: Value) -> Result<Self, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let key = "measured-admin-key-0001".to_owned();
        configuration["auth"] = json!({"admin_key": key});
        configuration["server"] = json!({"rate_limit": {"enabled": false}});
        let dir = place(&configuration)?;
        let said = std::fs::File::create(dir.path().join("stderr"))?;
        let listen = address.to_string();
        let child =
            command(program, dir.path(), &["serve", "--listen", &listen]).stdout(Stdio::null()).stderr(said).spawn()?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut served = Self { child, dir, address, key, client };
        let begun = Instant::now();
        while served.get("/live").await.is_err() {
            if let Some(status) = served.child.try_wait()? {
                let said = std::fs::read_to_string(served.dir.path().join("stderr"))?;
                return Err(format!("serve ended with {status}: {said}").into());
            }
            if begun.elapsed() > PATIENCE {
                return Err("serve does not answer".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(served)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn told(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let answer = request.header("x-api-key", &self.key).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if !status.is_success() {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.told(self.client.get(self.url(path))).await
    }

    /// POST of JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.told(self.client.post(self.url(path)).json(body)).await
    }

    /// POST of text.
    pub(crate) async fn post_text(&self, path: &str, body: String) -> Result<Value, Failure> {
        self.told(self.client.post(self.url(path)).header("content-type", "text/plain").body(body)).await
    }

    /// Peak resident memory, MB.
    pub(crate) fn peak_mb(&self) -> Result<f64, Failure> {
        memory(self.child.id(), "VmHWM:")
    }

    /// Processor time so far, s.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        cpu(self.child.id())
    }
}

/// A figure of `/proc/PID/status`, in MB.
pub(crate) fn memory(pid: u32, name: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// User and system time of `/proc/PID/stat`, in s at 100 ticks.
fn cpu(pid: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = stat.rsplit_once(')').map(|(_, rest)| rest).ok_or("unreadable stat")?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let tick = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    Ok((tick(11) + tick(12)) / 100.0)
}

/// What a command took.
pub(crate) struct Ran {
    pub(crate) wall: Duration,
    pub(crate) cpu: f64,
    pub(crate) peak_mb: f64,
}

/// Runs a command to its end, looking at its memory and work all along.
pub(crate) fn measure(mut command: Command) -> Result<Ran, Failure> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut ran = Ran { wall: Duration::ZERO, cpu: 0.0, peak_mb: 0.0 };
    loop {
        if let Ok(peak) = memory(child.id(), "VmHWM:") {
            ran.peak_mb = ran.peak_mb.max(peak);
        }
        if let Ok(spent) = cpu(child.id()) {
            ran.cpu = ran.cpu.max(spent);
        }
        if let Some(status) = child.try_wait()? {
            ran.wall = begun.elapsed();
            return match status.code() {
                Some(0 | 1) => Ok(ran),
                code => Err(format!("ended with {code:?}").into()),
            };
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
