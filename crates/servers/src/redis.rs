//! A private Redis.

use crate::child::{Server, find, free_port};
use std::process::Command;
use tempfile::TempDir;

/// A running Redis that asks for a password, keeps nothing on disk, and holds nothing.
#[derive(Debug)]
pub struct Redis {
    _server: Server,
    _folder: TempDir,
    port: u16,
}

/// The password of every private Redis.
const PASSWORD: &str = "private-password";

impl Redis {
    /// Starts one; `None` when it is not installed (an error in CI).
    pub fn start() -> Option<Self> {
        let Some(program) = find(&["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/usr/bin/valkey-server"])
        else {
            crate::missing("Redis", "redis-server");
            return None;
        };
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary directory: {e}"));
        let port = free_port();
        let mut server = Server::spawn(
            Command::new(program)
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--requirepass", PASSWORD])
                .arg("--port")
                .arg(port.to_string())
                .arg("--dir")
                .arg(folder.path()),
        );
        server.wait_for(port, "Redis");
        Some(Self { _server: server, _folder: folder, port })
    }

    /// The URL of its database 0, with the password.
    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}/0", self.port)
    }

    /// The URL without the password, which is refused.
    pub fn url_without_password(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The password.
    pub const fn password(&self) -> &'static str {
        PASSWORD
    }
}
