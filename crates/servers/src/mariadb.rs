//! A private MariaDB.

use crate::child::{Server, find, free_port, prepare};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A running MariaDB with an empty database `tidewatch`.
#[derive(Debug)]
pub struct MariaDb {
    server: Option<Server>,
    folder: TempDir,
    data: PathBuf,
    daemon: PathBuf,
    port: u16,
    more: &'static [&'static str],
}

/// As docs/operations/sizing.md advises for a million listings and more.
const FOR_WORK: &[&str] = &["--innodb-buffer-pool-size=2G", "--innodb-log-file-size=1G"];

impl MariaDb {
    /// Starts one; `None` when it is not installed (an error in CI).
    pub fn start() -> Option<Self> {
        Self::begun(None, &[])
    }

    /// Starts one whose data lie in a folder named `data` of `disk`.
    pub fn start_on(disk: Option<&Path>) -> Option<Self> {
        Self::begun(disk, &[])
    }

    /// Starts one as an operator sets it up for work: 2 GB for pages and a redo log of 1 GB.
    pub fn start_for_work() -> Option<Self> {
        Self::begun(None, FOR_WORK)
    }

    fn begun(disk: Option<&Path>, more: &'static [&'static str]) -> Option<Self> {
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
        let data = disk.unwrap_or(folder.path()).join("data");
        let socket = folder.path().join("socket");
        prepare(
            Command::new(install)
                .env("TMPDIR", folder.path())
                .arg("--no-defaults")
                .arg(format!("--datadir={}", data.display()))
                .args(["--auth-root-authentication-method=normal", "--skip-test-db", "--user=root"]),
        );
        let mut database = Self { server: None, folder, data, daemon, port: free_port(), more };
        database.begin();
        let sql = "CREATE DATABASE tidewatch CHARACTER SET utf8mb4; \
             CREATE USER 'tidewatch'@'127.0.0.1' IDENTIFIED BY 'private'; \
             GRANT ALL ON *.* TO 'tidewatch'@'127.0.0.1';";
        prepare(
            Command::new(client).args(["--no-defaults", "-uroot", "-e", sql]).arg(format!("-S{}", socket.display())),
        );
        Some(database)
    }

    /// SIGKILL; what was committed is on its disk.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it again on the same port and data; kills it before if it runs.
    pub fn restart(&mut self) {
        self.kill();
        self.begin();
    }

    fn begin(&mut self) {
        let folder = self.folder.path();
        let mut server = Server::spawn(
            // One that starts removes what looks like its temporary tables, also those of others in the same place.
            Command::new(&self.daemon)
                .env("TMPDIR", folder)
                .args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1", "--skip-log-bin"])
                .args(self.more)
                .arg(format!("--datadir={}", self.data.display()))
                .arg(format!("--socket={}", folder.join("socket").display()))
                .arg(format!("--port={}", self.port))
                .arg(format!("--log-error={}", self.errors().display())),
        );
        server.wait_for(self.port, "MariaDB");
        self.server = Some(server);
    }

    /// How many statements its full disk refused since the first start, by its error log.
    pub fn refusals(&self) -> usize {
        let errors = std::fs::read_to_string(self.errors()).unwrap_or_default();
        errors.lines().filter(|line| line.ends_with("is full")).count()
    }

    /// The server adds `.err` to a name without an end.
    fn errors(&self) -> PathBuf {
        self.folder.path().join("errors.err")
    }

    /// The port it answers on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        format!("mysql://tidewatch:private@127.0.0.1:{}/tidewatch", self.port)
    }
}
