//! A private PostgreSQL.

use crate::child::{Server, free_port, prepare};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A running PostgreSQL with an empty database `postgres`.
#[derive(Debug)]
pub struct Postgres {
    _server: Server,
    _folder: TempDir,
    port: u16,
}

/// For tests: what a crash of the machine would take is of no use to anybody.
const FOR_TESTS: &[&str] = &["-c", "fsync=off"];
/// As docs/operations/sizing.md advises for a million listings and more.
const FOR_WORK: &[&str] = &["-c", "shared_buffers=2GB", "-c", "max_wal_size=4GB"];

impl Postgres {
    /// Starts one that does not wait for its disk; `None` when it is not installed (an error in CI).
    pub fn start() -> Option<Self> {
        Self::begun(FOR_TESTS)
    }

    /// Starts one as an operator sets it up for work: it waits for its disk, 2 GB for pages, a checkpoint each 4 GB of log.
    pub fn start_for_work() -> Option<Self> {
        Self::begun(FOR_WORK)
    }

    fn begun(more: &[&str]) -> Option<Self> {
        let Some(bin) =
            (13..=18).rev().map(|v| PathBuf::from(format!("/usr/lib/postgresql/{v}/bin"))).find(|b| b.exists())
        else {
            crate::missing("PostgreSQL", "postgresql");
            return None;
        };
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary directory: {e}"));
        let data = folder.path().join("data");
        let owner = owner(folder.path());
        prepare(
            as_owner(Command::new(bin.join("initdb")), owner)
                .args(["-A", "trust", "-U", "tidewatch", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
                .arg(&data),
        );
        let port = free_port();
        let mut server = Server::spawn(
            as_owner(Command::new(bin.join("postgres")), owner)
                .arg("-D")
                .arg(&data)
                .args(["-h", "127.0.0.1", "-p", &port.to_string()])
                .args(more)
                .arg("-k")
                .arg(folder.path()),
        );
        server.wait_for(port, "PostgreSQL");
        Some(Self { _server: server, _folder: folder, port })
    }

    /// The port it answers on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        format!("postgres://tidewatch@127.0.0.1:{}/postgres", self.port)
    }
}

/// PostgreSQL refuses to run as root: then its own user owns the folder.
fn owner(folder: &Path) -> Option<(u32, u32)> {
    let root = std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m)).ok() == Some(0);
    if !root {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = users.lines().find(|l| l.starts_with("postgres:")).unwrap_or("::65534:65534");
    let mut ids = user.split(':').skip(2).filter_map(|n| n.parse().ok());
    let ids = (ids.next().unwrap_or(65_534), ids.next().unwrap_or(65_534));
    let _ = std::os::unix::fs::chown(folder, Some(ids.0), Some(ids.1));
    Some(ids)
}

fn as_owner(mut command: Command, owner: Option<(u32, u32)>) -> Command {
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command.env("LC_ALL", "C");
    command
}
