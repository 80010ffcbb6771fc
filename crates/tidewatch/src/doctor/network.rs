//! Port, upstream, proxy. Connections only: nothing is asked of anybody but ourselves.

use super::Check;
use crate::commands::base_url;
use engine::http::{self, ClientSettings};
use settings::{MarketSettings, ProxySettings};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn port(listen: SocketAddr) -> Check {
    const NAME: &str = "port";
    match TcpListener::bind(listen).await {
        Ok(_) => Check::ok(NAME, format!("{listen} is free")),
        Err(e) if e.kind() == ErrorKind::AddrInUse => match served_by(listen).await {
            Some(mode) => Check::ok(NAME, format!("{listen} is served by tidewatch ({mode})")),
            None => Check::bad(NAME, format!("{listen} is taken by something else"), "give another --listen"),
        },
        Err(e) => Check::bad(NAME, format!("{listen}: {e}"), "give another --listen"),
    }
}

/// Version and mode, when it is one of us that listens there.
async fn served_by(listen: SocketAddr) -> Option<String> {
    let settings = ClientSettings { connect: PATIENCE, total: PATIENCE, ..ClientSettings::default() };
    let response = http::client(&settings).ok()?.get(format!("{}/health", base_url(listen))).send().await.ok()?;
    let body = http::body_capped(response, 65_536).await.ok()?;
    let health: serde_json::Value = serde_json::from_slice(&body).ok()?;
    Some(format!("{}, {}, {}", health["version"].as_str()?, health["mode"].as_str()?, health["status"].as_str()?))
}

pub(super) async fn upstream(market: &MarketSettings) -> Check {
    const NAME: &str = "upstream";
    if !market.enabled {
        return Check::note(NAME, "market.enabled is false");
    }
    if !market.proxy.url.is_empty() && !market.proxy.auto_switch {
        return Check::note(NAME, format!("{} is asked through the proxy only", market.base_url));
    }
    let mend = "check the network and DNS of this machine, its firewall, and market.base_url";
    match reach(&market.base_url).await {
        Ok(took) => Check::ok(NAME, format!("{} reached in {} ms", market.base_url, took.as_millis())),
        Err(why) => Check::bad(NAME, format!("{}: {why}", market.base_url), mend),
    }
}

pub(super) async fn proxy(proxy: &ProxySettings) -> Option<Check> {
    const NAME: &str = "proxy";
    if proxy.url.is_empty() {
        return None;
    }
    let mend = "check market.proxy.url (or HTTP_PROXY), and that the proxy runs";
    Some(match reach(proxy.url.reveal()).await {
        Ok(took) => Check::ok(NAME, format!("{} reached in {} ms", proxy.url, took.as_millis())),
        Err(why) => Check::bad(NAME, format!("{}: {why}", proxy.url), mend),
    })
}

/// Resolves and connects to the host of a URL; how long it took.
async fn reach(url: &str) -> Result<Duration, String> {
    let begun = Instant::now();
    let url = Url::parse(url).map_err(|e| format!("not a URL: {e}"))?;
    let host = url.host_str().ok_or("no host in it")?;
    let port = url.port_or_known_default().unwrap_or(1080);
    // The brackets of an IPv6 address belong to the URL.
    let host = host.trim_matches(['[', ']']);
    let connected = async {
        let addresses: Vec<SocketAddr> = match tokio::net::lookup_host((host, port)).await {
            Ok(found) => found.collect(),
            Err(e) => return Err(format!("{host} does not resolve: {e}")),
        };
        TcpStream::connect(&*addresses).await.map_err(|e| format!("no connection to {host}:{port}: {e}"))
    };
    match tokio::time::timeout(PATIENCE, connected).await {
        Ok(Ok(_)) => Ok(begun.elapsed()),
        Ok(Err(why)) => Err(why),
        Err(_) => Err(format!("no connection to {host}:{port} within {} s", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[tokio::test]
    async fn a_port_that_somebody_else_has_is_a_finding() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = taken.accept().await {
                drop(stream);
            }
        });
        assert_eq!(port(address).await.state, State::Bad);
        assert!(reach(&format!("http://{address}")).await.is_ok());
        assert_eq!(port("127.0.0.1:0".parse().unwrap()).await.state, State::Ok);
    }

    #[tokio::test]
    async fn what_cannot_be_reached_is_said_with_its_place() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let why = reach(&format!("http://{free}")).await.unwrap_err();
        assert!(why.starts_with(&format!("no connection to {free}")), "{why}");
    }
}
