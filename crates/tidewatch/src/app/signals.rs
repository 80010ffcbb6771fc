//! The life of a process: from its listening socket to the second signal.

use super::{Config, run};
use crate::cli::Outcome;
use anyhow::Context;
use model::SharedClock;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs on `listener` until a signal. The first (SIGTERM or SIGINT) lets what runs finish; the second does not wait,
/// which is a finding: what was running is due again later.
pub async fn until_signals(config: Config, listener: TcpListener, clock: SharedClock) -> anyhow::Result<Outcome> {
    let shutdown = CancellationToken::new();
    until_signalled(run(config, listener, clock, shutdown.clone()), shutdown).await
}

/// Waits for what runs until `shutdown`, and cancels that on the first signal.
pub async fn until_signalled(
    running: impl Future<Output = anyhow::Result<()>>,
    shutdown: CancellationToken,
) -> anyhow::Result<Outcome> {
    let mut signals = Signals::install().context("signals")?;
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => return ended.map(|()| Outcome::Good),
        name = signals.next() => tracing::info!(signal = name, "stopping; a second signal does not wait"),
    }
    shutdown.cancel();
    tokio::select! {
        ended = running => ended.map(|()| Outcome::Good),
        name = signals.next() => {
            tracing::warn!(signal = name, "stopped at once; what was running is due again");
            Ok(Outcome::Finding)
        }
    }
}

/// Binds the address, or says what may be in the way.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|e| {
        let hint = match e.kind() {
            io::ErrorKind::AddrInUse => "; something listens there already: stop it, or give another --listen",
            io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
            io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
            _ => "",
        };
        anyhow::anyhow!("cannot listen on {address}: {e}{hint}")
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
