//! A wire between two processes that can be cut: what was under way is lost without a word, and stays lost.

use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Leads to an address; it is gone with this value.
#[derive(Debug)]
pub struct Wire {
    port: u16,
    /// Counts the cuts; odd while it is cut.
    cuts: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A wire to a port of this machine.
    pub async fn to(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (cuts, seen) = watch::channel(0);
        let own = listener.local_addr()?.port();
        let target = SocketAddr::from(([127, 0, 0, 1], port));
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, target, seen.clone()));
            }
        });
        Ok(Self { port: own, cuts, task })
    }

    /// Where it begins, on this machine.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Nothing comes through any more, in neither direction, and nobody is told.
    pub fn cut(&self) {
        self.cuts.send_modify(|n| *n += 1);
    }

    /// New connections come through; those that were cut never do.
    pub fn mend(&self) {
        self.cuts.send_modify(|n| *n += 1);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(near: TcpStream, target: SocketAddr, mut cuts: watch::Receiver<u64>) {
    // A connection made while it is cut waits until it is mended, as one whose first packet is sent again.
    let Ok(made) = cuts.wait_for(|n| n % 2 == 0).await.map(|n| *n) else { return };
    let Ok(far) = TcpStream::connect(target).await else { return };
    let (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::join!(pump(near_read, far_write, made, cuts.clone()), pump(far_read, near_write, made, cuts));
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    made: u64,
    cuts: watch::Receiver<u64>,
) {
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if *cuts.borrow() != made {
            // Swallowed from now on, until whoever sends gives up.
            while from.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    if *cuts.borrow() == made {
        let _ = to.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn what_was_cut_stays_silent_and_a_new_connection_comes_through() {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Wire::to(echo.local_addr().unwrap().port()).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        let open = async || TcpStream::connect(("127.0.0.1", wire.port)).await.unwrap();
        let said = async |stream: &mut TcpStream| {
            stream.write_all(b"a").await.unwrap();
            let mut byte = [0];
            let heard = tokio::time::timeout(Duration::from_millis(200), stream.read_exact(&mut byte)).await;
            heard.is_ok_and(|read| read.is_ok())
        };
        let mut old = open().await;
        assert!(said(&mut old).await);
        wire.cut();
        let mut while_cut = open().await;
        assert!(!said(&mut old).await && !said(&mut while_cut).await);
        wire.mend();
        assert!(!said(&mut old).await, "not an end, not an answer");
        assert!(said(&mut while_cut).await && said(&mut open().await).await);
    }
}
