//! A private Prometheus, and the tool that comes with it.

use crate::child::{Server, find, free_port};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running Prometheus that keeps what it scrapes as long as it lives.
#[derive(Debug)]
pub struct Prometheus {
    _server: Server,
    _folder: TempDir,
    port: u16,
}

impl Prometheus {
    /// Starts one with this configuration; `None` when it is not installed (an error in CI).
    pub fn start(configuration: &Path) -> Option<Self> {
        let Some(program) = find(&["/usr/bin/prometheus", "/usr/local/bin/prometheus"]) else {
            crate::missing("Prometheus", "prometheus");
            return None;
        };
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary directory: {e}"));
        let port = free_port();
        let mut server = Server::spawn(
            Command::new(program)
                .current_dir(folder.path())
                .arg(format!("--config.file={}", configuration.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--storage.tsdb.retention.time=1d"),
        );
        server.wait_for(port, "Prometheus");
        wait_until_ready(port);
        Some(Self { _server: server, _folder: folder, port })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// It listens before it has read what it keeps, and answers 503 until then.
fn wait_until_ready(port: u16) {
    let begun = Instant::now();
    while !ready(port).unwrap_or_default().starts_with("HTTP/1.0 200") {
        assert!(begun.elapsed() < Duration::from_secs(60), "Prometheus is not ready");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ready(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The tool that checks metrics, configurations and rules; `None` when it is not installed (an error in CI).
pub fn promtool() -> Option<PathBuf> {
    let program = find(&["/usr/bin/promtool", "/usr/local/bin/promtool"]);
    if program.is_none() {
        crate::missing("promtool", "prometheus");
    }
    program
}
