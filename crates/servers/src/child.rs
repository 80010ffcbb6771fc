//! A server process and how it is found, started and ended.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        match spawned {
            Ok(child) => Self(child),
            Err(e) => panic!("cannot start {command:?}: {e}"),
        }
    }

    /// Waits until the port answers; panics when the process ends first or a minute has passed.
    pub(crate) fn wait_for(&mut self, port: u16, what: &str) {
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Ok(Some(status)) = self.0.try_wait() {
                panic!("{what} ended before it answered: {status}");
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not answer on port {port}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A loopback port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr());
    listener.map_or(0, |a| a.port())
}

/// The first of the programs that is there.
pub(crate) fn find(candidates: &[&str]) -> Option<PathBuf> {
    candidates.iter().map(Path::new).find(|p| p.exists()).map(Path::to_path_buf)
}

/// Runs a preparing command to its end; panics with its error text when it fails.
pub(crate) fn prepare(command: &mut Command) {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(e) => panic!("cannot run {command:?}: {e}"),
    }
}
