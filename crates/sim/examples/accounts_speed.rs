//! Prints how many keys of Factory are answered in a second on one core: `cargo run -p sim --example accounts_speed`.

use sim::accounts::{AccountsConfig, AccountsServer, FactoryPool};
use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

const START: i64 = 1_788_220_800_000;
const KEYS: u64 = 100_000;
const CONNECTIONS: u64 = 32;
const PATHS: [&str; 3] = [
    "/api/billing/limits",
    "/api/organization/subscription/usage?useCache=true",
    "/api/organization/members/chat-usage",
];

fn main() -> Result<(), Box<dyn Error>> {
    let pool = FactoryPool::new(1, KEYS, START);
    let begun = Instant::now();
    let mut bytes = 0;
    for number in 0..KEYS {
        bytes += pool.truth(number, START + 1_700_000_000).remaining.map_or(0, |left| left.as_micros() as usize % 7);
    }
    println!("{KEYS} truths in {:?} ({bytes})", begun.elapsed());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut config = AccountsConfig::new(Arc::new(|| START + 1_700_000_000));
    config.factory = Some(pool);
    let running = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(Box::new)?;
        AccountsServer::start(listener, config).map_err(Box::<dyn Error>::from)
    })?;
    let addr = running.addr();
    let (begun, busy) = (Instant::now(), on_cpu());
    let clients = thread::spawn(move || {
        let one = |first| thread::spawn(move || ask(addr, first).unwrap_or(0));
        let all: Vec<_> = (0..CONNECTIONS).map(one).collect();
        all.into_iter().map(|client| client.join().unwrap_or(0)).sum::<u64>()
    });
    let asked = runtime.block_on(async { tokio::task::spawn_blocking(|| clients.join().unwrap_or(0)).await })?;
    let seconds = begun.elapsed().as_secs_f64();
    let counters = running.counters();
    println!(
        "{asked} requests over {CONNECTIONS} connections: {:.0} a second, server on one thread",
        asked as f64 / seconds
    );
    if let (Some(before), Some(after)) = (busy, on_cpu()) {
        println!("{:.0} a second of the server's own time on a processor", asked as f64 * 1e9 / (after - before));
    }
    println!("at most {} at once, {:?}", counters.peak_in_flight, counters.by_status);
    Ok(())
}

/// Nanoseconds this thread has had a processor, where the system tells.
fn on_cpu() -> Option<f64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// Asks for its share of the keys over one connection, eight requests at a time.
fn ask(addr: SocketAddr, first: u64) -> std::io::Result<u64> {
    let mut socket = TcpStream::connect(addr)?;
    socket.set_nodelay(true)?;
    let (mut asked, mut seen) = (0, [0_u8; 65_536]);
    let keys: Vec<u64> = (first..KEYS).step_by(CONNECTIONS as usize).collect();
    for batch in keys.chunks(8) {
        let request = |n: &u64| {
            let path = PATHS[(*n % 3) as usize];
            format!("GET {path} HTTP/1.1\r\nHost: sim\r\nAuthorization: Bearer fk-sim-{n:09}\r\n\r\n")
        };
        socket.write_all(batch.iter().map(request).collect::<String>().as_bytes())?;
        let mut got = Vec::new();
        // No body holds this.
        while got.windows(9).filter(|w| w == b"HTTP/1.1 ").count() < batch.len() || !got.ends_with(b"}") {
            let n = socket.read(&mut seen)?;
            got.extend_from_slice(&seen[..n]);
        }
        asked += batch.len() as u64;
    }
    Ok(asked)
}
