//! A private IMAP server over folders of files.

use crate::child::{Server, find, free_port, prepare};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Dovecot opens no mailbox for uid 0: the mails belong to nobody.
const NOBODY: u32 = 65_534;

/// A running Dovecot; every user has the same password and a mailbox of its own.
#[derive(Debug)]
pub struct Dovecot {
    _server: Server,
    folder: TempDir,
    port: u16,
    tls_port: u16,
    root: bool,
}

impl Dovecot {
    /// The password of every user.
    pub const PASSWORD: &'static str = "private \"pass\\word";

    /// Starts one; `None` when it is not installed (an error in CI).
    pub fn start() -> Option<Self> {
        let programs = (find(&["/usr/sbin/dovecot"]), find(&["/usr/lib/dovecot/imap"]), find(&["/usr/bin/openssl"]));
        let (Some(daemon), Some(_), Some(openssl)) = programs else {
            crate::missing("Dovecot", "dovecot-imapd");
            return None;
        };
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary directory: {e}"));
        let root = fs::metadata("/proc/self").map(|m| m.uid()).ok() == Some(0);
        let (port, tls_port) = (free_port(), free_port());
        done(fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)));
        done(fs::create_dir(folder.path().join("mail")));
        certificates(&openssl, folder.path());
        let file = folder.path().join("dovecot.conf");
        done(fs::write(&file, configuration(folder.path(), (port, tls_port), root)));
        let mut server = Server::spawn(Command::new(daemon).arg("-F").arg("-c").arg(&file));
        server.wait_for(port, "Dovecot");
        Some(Self { _server: server, folder, port, tls_port, root })
    }

    /// The port without TLS, which offers STARTTLS.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The port with TLS from the first byte.
    pub const fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The certificate of the authority that signed the server's, which is for `localhost`.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The folder (Maildir) of a user's INBOX, made if it is not there.
    pub fn maildir(&self, user: &str) -> PathBuf {
        let maildir = self.folder.path().join("mail").join(user);
        for part in ["", "tmp", "new", "cur"] {
            let folder = maildir.join(part);
            done(fs::create_dir_all(&folder));
            if self.root {
                done(chown(&folder, Some(NOBODY), Some(NOBODY)));
            }
        }
        maildir
    }

    /// Puts a message into a user's INBOX, unread, as if it had come now.
    pub fn deliver(&self, user: &str, unique: &str, message: &[u8]) {
        let maildir = self.folder.path().join("mail").join(user);
        let maildir = if maildir.exists() { maildir } else { self.maildir(user) };
        let file = maildir.join("tmp").join(unique);
        done(fs::write(&file, message));
        if self.root {
            done(chown(&file, Some(NOBODY), Some(NOBODY)));
        }
        done(fs::rename(&file, maildir.join("new").join(unique)));
    }
}

impl Drop for Dovecot {
    /// The master ends its children when it is asked to end; killed, it would leave that to them.
    fn drop(&mut self) {
        let file = self.folder.path().join("run/master.pid");
        let Ok(pid) = fs::read_to_string(&file) else { return };
        let _ = Command::new("/bin/kill").args(["-TERM", pid.trim()]).status();
        let begun = Instant::now();
        while file.exists() && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn done<T>(result: std::io::Result<T>) -> T {
    result.unwrap_or_else(|e| panic!("preparing Dovecot: {e}"))
}

fn configuration(folder: &Path, (port, tls_port): (u16, u16), root: bool) -> String {
    let at = folder.display();
    let ids = if root {
        format!("uid={NOBODY} gid={NOBODY}")
    } else {
        let me = fs::metadata("/proc/self").map_or((NOBODY, NOBODY), |m| (m.uid(), m.gid()));
        format!("uid={} gid={}", me.0, me.1)
    };
    let own_user = if root { String::new() } else { own_user() };
    format!(
        "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
         ssl = yes\nssl_cert = <{at}/cert.pem\nssl_key = <{at}/key.pem\nssl_dh =\n\
         mail_location = maildir:{at}/mail/%u\nfirst_valid_uid = 1\nfirst_valid_gid = 1\nmail_fsync = never\n\
         passdb {{\n driver = static\n args = password={{PLAIN.HEX}}{password}\n}}\n\
         userdb {{\n driver = static\n args = {ids} home={at}/mail/%u\n}}\n\
         service imap-login {{\n inet_listener imap {{\n  port = {port}\n }}\n \
         inet_listener imaps {{\n  port = {tls_port}\n  ssl = yes\n }}\n{chroot}}}\n{own_user}",
        password = Dovecot::PASSWORD.bytes().map(|b| format!("{b:02x}")).collect::<String>(),
        chroot = if root { "" } else { " chroot =\n" },
    )
}

/// Without root every part runs as whoever started it.
fn own_user() -> String {
    let name = std::env::var("USER").unwrap_or_else(|_| "nobody".to_owned());
    format!("default_internal_user = {name}\ndefault_login_user = {name}\nservice anvil {{\n chroot =\n}}\n")
}

fn certificates(openssl: &Path, folder: &Path) {
    let run = |arguments: &[&str]| prepare(Command::new(openssl).current_dir(folder).args(arguments));
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let authority =
        ["req", "-x509", "-subj", "/CN=Test authority", "-days", "30", "-keyout", "ca.key", "-out", "ca.pem"];
    run(&[&authority[..], &key[..], &["-addext", "keyUsage=keyCertSign"]].concat());
    run(&[&["req", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem"], &key[..]].concat());
    // rustls refuses an authority's certificate as a server's.
    done(fs::write(folder.join("extensions"), "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n"));
    run(&[
        "x509",
        "-req",
        "-in",
        "request.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "30",
        "-extfile",
        "extensions",
        "-out",
        "cert.pem",
    ]);
}
