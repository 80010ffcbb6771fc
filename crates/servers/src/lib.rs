//! Private servers for tests (databases, Redis, IMAP, Prometheus): own data directory, free loopback port, gone with the value.
//! Development only.

mod child;
mod disk;
mod dovecot;
mod mariadb;
mod postgres;
mod prometheus;
mod redis;
mod wire;

pub use disk::Disk;
pub use dovecot::Dovecot;
pub use mariadb::MariaDb;
pub use postgres::Postgres;
pub use prometheus::{Prometheus, promtool};
pub use redis::Redis;
pub use wire::Wire;

/// What to do about a server whose programs are not installed: an error in CI, a skipped test elsewhere.
pub fn missing(what: &str, package: &str) -> Option<()> {
    let text = format!("{what} is not installed (Debian: apt-get install {package})");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}; CI must have it");
    eprintln!("skipped: {text}");
    None
}
