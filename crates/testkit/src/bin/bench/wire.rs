//! HTTP as simple as can be: one request after the other on a kept connection, and `wrk` where it is installed.

use crate::Failure;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
pub struct Wire {
    stream: TcpStream,
    host: SocketAddr,
    bytes: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub async fn to(host: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host, bytes: Vec::new() })
    }

    /// Asks for `path`; answers the status and the length of the body.
    pub async fn get(&mut self, path: &str) -> Result<(u16, usize), Failure> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.write_all(request.as_bytes()).await?;
        self.bytes.clear();
        let head = loop {
            if let Some(at) = self.bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let text = String::from_utf8_lossy(&self.bytes[..head]).to_ascii_lowercase();
        let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or("no status")?;
        let length = text.split("\r\n").find_map(|l| l.strip_prefix("content-length:"));
        let length: usize = length.and_then(|n| n.trim().parse().ok()).ok_or("no length")?;
        while self.bytes.len() < head + length {
            self.more().await?;
        }
        Ok((status, length))
    }

    async fn more(&mut self) -> Result<(), Failure> {
        match self.stream.read_buf(&mut self.bytes).await? {
            0 => Err("the connection was closed".into()),
            _ => Ok(()),
        }
    }
}

/// What a load came to.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Requests a second.
    pub rate: f64,
    /// 99 % were answered within so many milliseconds.
    pub p99: f64,
}

/// Asks for `path` over 64 connections for `seconds`.
pub async fn load(host: SocketAddr, path: &str, seconds: u64) -> Result<Load, Failure> {
    let url = format!("http://{host}{path}");
    let wrk = tokio::process::Command::new("wrk")
        .args(["-t1", "-c64", &format!("-d{seconds}"), "--latency", &url])
        .stderr(Stdio::null())
        .output()
        .await;
    match wrk {
        Ok(out) if out.status.success() => read(&String::from_utf8_lossy(&out.stdout)),
        _ => own(host, path, Duration::from_secs(seconds)).await,
    }
}

fn read(said: &str) -> Result<Load, Failure> {
    if let Some(line) = said.lines().find(|l| l.contains("Non-2xx") || l.contains("Socket errors")) {
        return Err(format!("wrk: {}", line.trim()).into());
    }
    let after = |start: &str| said.lines().find_map(|l| l.trim().strip_prefix(start)).map(str::trim);
    let rate = after("Requests/sec:").and_then(|n| n.parse().ok()).ok_or("wrk says no rate")?;
    let p99 = after("99%").ok_or("wrk says no p99")?;
    let number = p99.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &p99[number.len()..] {
        "us" => 0.001,
        "ms" => 1.0,
        _ => 1_000.0,
    };
    Ok(Load { rate, p99: number.parse::<f64>()? * unit })
}

async fn own(host: SocketAddr, path: &str, span: Duration) -> Result<Load, Failure> {
    let until = Instant::now() + span;
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let path = path.to_owned();
            tokio::spawn(async move {
                let (mut wire, mut spans) = (Wire::to(host).await?, Vec::new());
                while Instant::now() < until {
                    let begun = Instant::now();
                    wire.get(&path).await?;
                    spans.push(begun.elapsed());
                }
                Ok::<_, Failure>(spans)
            })
        })
        .collect();
    let mut spans = Vec::new();
    for client in clients {
        spans.extend(client.await??);
    }
    Ok(Load { rate: spans.len() as f64 / span.as_secs_f64(), p99: crate::figure::quantile(&mut spans, 0.99) })
}
