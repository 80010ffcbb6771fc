//! A private Redis.

use crate::child::{Server, find, free_port, prepare};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// A running Redis that asks for a password, keeps nothing on disk, and holds nothing.
#[derive(Debug)]
pub struct Redis {
    server: Option<Server>,
    folder: TempDir,
    program: PathBuf,
    port: u16,
    tls: bool,
}

/// The password of every private Redis.
const PASSWORD: &str = "private-password";

impl Redis {
    /// Starts one; `None` when it is not installed (an error in CI).
    pub fn start() -> Option<Self> {
        Self::start_as(false)
    }

    /// Starts one that speaks TLS only, with a certificate for `localhost` that [`Redis::certificate`] vouches for.
    pub fn start_with_tls() -> Option<Self> {
        Self::start_as(true)
    }

    fn start_as(tls: bool) -> Option<Self> {
        let Some(program) = find(&["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/usr/bin/valkey-server"])
        else {
            crate::missing("Redis", "redis-server");
            return None;
        };
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary directory: {e}"));
        let mut redis = Self { server: None, folder, program, port: free_port(), tls };
        if tls {
            redis.make_certificate();
        }
        redis.begin();
        Some(redis)
    }

    /// Kills it with all it held.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it again on the same port, empty; kills it before if it runs.
    pub fn restart(&mut self) {
        self.kill();
        self.begin();
    }

    fn begin(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new(&self.program);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--requirepass", PASSWORD]);
        command.arg("--dir").arg(self.folder.path());
        if self.tls {
            command.args(["--port", "0", "--tls-port", &port, "--tls-auth-clients", "no"]);
            command.arg("--tls-cert-file").arg(self.certificate()).arg("--tls-key-file").arg(self.file("key.pem"));
        } else {
            command.args(["--port", &port]);
        }
        let mut server = Server::spawn(&mut command);
        server.wait_for(self.port, "Redis");
        self.server = Some(server);
    }

    fn make_certificate(&self) {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command.args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
        command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        prepare(command.arg("-keyout").arg(self.file("key.pem")).arg("-out").arg(self.certificate()));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificate of one that speaks TLS.
    pub fn certificate(&self) -> PathBuf {
        self.file("certificate.pem")
    }

    /// The port it answers on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The URL of its database 0, with the password.
    pub fn url(&self) -> String {
        let (scheme, host) = if self.tls { ("rediss", "localhost") } else { ("redis", "127.0.0.1") };
        format!("{scheme}://:{PASSWORD}@{host}:{}/0", self.port)
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
