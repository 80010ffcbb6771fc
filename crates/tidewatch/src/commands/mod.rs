//! The commands, one file each. A new one is a file, a `mod` and an arm.

mod backup;
mod check;
mod completions;
mod config;
mod copy_store;
mod crawl;
mod demo;
mod doctor;
mod hash_password;
mod healthcheck;
mod import;
mod keys;
mod man;
mod migrate;
mod openapi;
mod providers;
mod restore;
mod rotate_key;
mod serve;
mod top;
mod verify;
mod version;
mod worker;

pub use healthcheck::base_url;

use crate::cli::Outcome;
use clap::Subcommand;
use std::io::Write;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole product on a simulated market: no account, no network, no configuration.
    Demo(demo::Demo),
    /// Watch the market and answer the API.
    Serve(serve::Serve),
    /// Crawl what `serve --no-workers` hands out: needs Redis only [redis.url].
    Worker(worker::Worker),
    /// Look at balances now and print what is left: exit code 0 fine, 1 below a threshold, 2 not read.
    Check(check::Check),
    /// The pool of keys.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Print whom accounts can be kept at.
    Providers(providers::Providers),
    /// Crawl a keyword once and print what is there; nothing is stored.
    Crawl(crawl::Crawl),
    /// Print a leaderboard, of the database or of a running server.
    Top(top::Top),
    /// Add or change IPs, or take over what balance-alert or a Droid key-usage server has kept.
    Import(import::Import),
    /// Drive one IP through schedule, crawl, record and API in a temporary directory, and report each step.
    Verify(verify::Verify),
    /// Look for what is wrong with this installation, and say how to mend it.
    Doctor(doctor::Doctor),
    /// Check, show or document the configuration.
    #[command(subcommand)]
    Config(config::Config),
    /// Make a new encryption key and seal every stored secret with it.
    RotateKey(rotate_key::RotateKey),
    /// Read a password from stdin and print its hash for auth.users.
    HashPassword,
    /// Bring the tables of the database up to date.
    Migrate(migrate::Migrate),
    /// Write all of an installation to a file, while it may run.
    Backup(backup::Backup),
    /// Put a backup in the place of a database, of whichever kind.
    Restore(restore::Restore),
    /// Copy everything to another database: SQLite, MySQL, MariaDB or PostgreSQL.
    CopyStore(copy_store::CopyStore),
    /// Print the OpenAPI document of every route.
    Openapi,
    /// Ask a running server whether it is well: exit code 0 or 1.
    Healthcheck(healthcheck::Healthcheck),
    /// Print the completions of a shell.
    Completions(completions::Completions),
    /// Print a manual page in roff: `tidewatch man | man -l -`.
    Man(man::Man),
    /// Print the version.
    Version,
}

impl Command {
    /// Runs it; data goes to `out`.
    pub async fn run(self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        match self {
            Self::Demo(demo) => demo.run().await,
            Self::Serve(serve) => serve.run().await,
            Self::Worker(worker) => worker.run().await,
            Self::Check(check) => check.run(out).await,
            Self::Keys(keys) => keys.run(out).await,
            Self::Providers(providers) => providers.run(out),
            Self::RotateKey(rotate) => rotate.run(out).await,
            Self::Crawl(crawl) => crawl.run(out).await,
            Self::Top(top) => top.run(out).await,
            Self::Import(import) => import.run(out).await,
            Self::Verify(verify) => verify.run(out).await,
            Self::Doctor(doctor) => doctor.run(out).await,
            Self::Config(config) => config.run(out),
            Self::HashPassword => hash_password::run(out),
            Self::Migrate(migrate) => migrate.run(out).await,
            Self::Backup(backup) => backup.run(out).await,
            Self::Restore(restore) => restore.run(out).await,
            Self::CopyStore(copy) => copy.run(out).await,
            Self::Openapi => openapi::run(out).await,
            Self::Healthcheck(healthcheck) => healthcheck.run().await,
            Self::Completions(completions) => completions.run(out),
            Self::Man(man) => man.run(out),
            Self::Version => version::run(out),
        }
    }
}
