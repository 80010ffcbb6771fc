//! Accounts and keys under load: the real program against simulated providers. `make bench-pool`, or
//! `pool --bin PATH [--only check|keys|import]`.

mod checks;
mod keys;
mod program;

use sim::accounts::{Account, AccountsConfig, AccountsServer, Amount, FactoryPool, Plan, RunningAccounts};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use testkit::Figures;
use tokio::net::TcpListener;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The command that measures it.
pub(crate) const COMMAND: &str = "make bench-pool";

#[allow(clippy::disallowed_methods, reason = "providers live in real time")]
fn real_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The provider of the measured balances; any would do.
pub(crate) const PROVIDER: &str = "moonshot";

/// Simulated providers with so many balances and keys.
pub(crate) async fn providers(balances: u64, keys: u64) -> Result<RunningAccounts, Failure> {
    let since = real_ms() - 3 * 86_400_000;
    let mut config = AccountsConfig::new(Arc::new(real_ms));
    config.factory = Some(FactoryPool { revoked: 10, ..FactoryPool::new(7, keys, since) });
    let plan = Plan::steady(since, Amount::whole(100_000), Amount::whole(10));
    config.accounts = (0..balances).map(|n| Account::new(PROVIDER, &secret(n), n, plan.clone())).collect();
    Ok(AccountsServer::start(TcpListener::bind("127.0.0.1:0").await?, config)?)
}

/// The secret of a balance.
pub(crate) fn secret(n: u64) -> String {
    format!("sk-measured-{n:06}")
}

/// Makes every answer come so late, in ms.
pub(crate) fn delay(providers: &RunningAccounts, ms: u64) {
    providers.accounts().set_faults(sim::faults::Faults { latency_ms: ms, ..Default::default() });
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.by_ref().find(|argument| argument == name).and_then(|_| arguments.next())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let program: PathBuf = argument("--bin").ok_or("--bin PATH of the tidewatch program")?.into();
    let program = program.canonicalize()?;
    let only = argument("--only");
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut figures = Figures::new("pool", COMMAND);
    if wanted("check") {
        checks::run(&program, &mut figures).await?;
    }
    if wanted("keys") {
        keys::refreshes(&program, &mut figures).await?;
    }
    if wanted("import") {
        keys::imports(&program, &mut figures).await?;
    }
    figures.save()?;
    Ok(())
}
