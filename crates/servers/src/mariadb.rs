//! A private MariaDB.

use crate::child::{Server, find, free_port, prepare};
use std::process::Command;
use tempfile::TempDir;

/// A running MariaDB with an empty database `tidewatch`.
#[derive(Debug)]
pub struct MariaDb {
    _server: Server,
    _folder: TempDir,
    port: u16,
}

impl MariaDb {
    /// Starts one; `None` when it is not installed (an error in CI).
    pub fn start() -> Option<Self> {
        let programs = (
            find(&["/usr/sbin/mariadbd", "/usr/bin/mariadbd"]),
            find(&["/usr/bin/mariadb-install-db"]),
            find(&["/usr/bin/mariadb"]),
        );
        let (Some(daemon), Some(install), Some(client)) = programs else {
            crate::missing("MariaDB", "mariadb-server");
            return None;
        };
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary directory: {e}"));
        let (data, socket) = (folder.path().join("data"), folder.path().join("socket"));
        prepare(Command::new(install).arg("--no-defaults").arg(format!("--datadir={}", data.display())).args([
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--user=root",
        ]));
        let port = free_port();
        let mut server = Server::spawn(
            Command::new(daemon)
                .args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1", "--skip-log-bin"])
                .arg(format!("--datadir={}", data.display()))
                .arg(format!("--socket={}", socket.display()))
                .arg(format!("--port={port}")),
        );
        server.wait_for(port, "MariaDB");
        let sql = "CREATE DATABASE tidewatch CHARACTER SET utf8mb4; \
             CREATE USER 'tidewatch'@'127.0.0.1' IDENTIFIED BY 'private'; \
             GRANT ALL ON *.* TO 'tidewatch'@'127.0.0.1';";
        prepare(
            Command::new(client).args(["--no-defaults", "-uroot", "-e", sql]).arg(format!("-S{}", socket.display())),
        );
        Some(Self { _server: server, _folder: folder, port })
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        format!("mysql://tidewatch:private@127.0.0.1:{}/tidewatch", self.port)
    }
}
