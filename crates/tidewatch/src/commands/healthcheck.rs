//! `tidewatch healthcheck`: what a container asks, without curl.

use crate::cli::{Common, Outcome};
use anyhow::Context;
use clap::Args;
use engine::http::{self, ClientSettings};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// What `healthcheck` takes.
#[derive(Args, Debug)]
pub struct Healthcheck {
    #[command(flatten)]
    common: Common,
    /// Server to ask, such as http://127.0.0.1:8080; without it the address of the configuration.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Ask only whether the process answers (/live), not whether it may be sent requests (/ready).
    #[arg(long)]
    live: bool,
}

const PATIENCE: Duration = Duration::from_secs(4);

impl Healthcheck {
    /// Runs it.
    pub async fn run(&self) -> anyhow::Result<Outcome> {
        let base = match &self.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => base_url(self.common.load()?.settings.server.listen),
        };
        let url = format!("{base}/{}", if self.live { "live" } else { "ready" });
        match ask(&url).await {
            Ok(()) => Ok(Outcome::Good),
            Err(why) => {
                writeln!(io::stderr(), "{url}: {why:#}").context("stderr")?;
                Ok(Outcome::Finding)
            }
        }
    }
}

/// Where a server that listens on `address` is reached from this machine.
pub fn base_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

async fn ask(url: &str) -> anyhow::Result<()> {
    let client = http::client(&ClientSettings { connect: PATIENCE, total: PATIENCE, ..ClientSettings::default() })?;
    let response = client.get(url).send().await.map_err(http::sent)?;
    let status = response.status();
    let body = http::body_capped(response, 65_536).await?;
    anyhow::ensure!(status.is_success(), "HTTP {}: {}", status.as_u16(), http::snippet(&body));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_all_interfaces_is_reached_on_loopback() {
        let url = |address: &str| base_url(address.parse().unwrap());
        assert_eq!(url("0.0.0.0:8080"), "http://127.0.0.1:8080");
        assert_eq!(url("[::]:80"), "http://[::1]:80");
        assert_eq!(url("192.0.2.1:80"), "http://192.0.2.1:80");
    }
}
