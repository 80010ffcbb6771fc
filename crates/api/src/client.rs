//! Who is on the other end, also behind a proxy.

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// Which peers' `X-Forwarded-For` is believed. Cheap to clone.
#[derive(Clone)]
pub struct TrustedProxies(Arc<dyn Fn(IpAddr) -> bool + Send + Sync>);

impl TrustedProxies {
    /// Believes the peers for which `trusted` answers true.
    pub fn new(trusted: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(trusted))
    }

    /// The client's address: the peer, or what trusted proxies say of it. Unspecified when the peer is not known.
    pub(crate) fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        let Some(mut client) = peer(extensions) else { return IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).collect();
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            if !(self.0)(client) {
                break;
            }
            let Ok(address) = hop.trim().parse() else { break };
            client = plain(address);
        }
        client
    }

    /// Whether the request comes from this very machine, with no proxy in between that only looks like it.
    pub(crate) fn is_local(&self, extensions: &Extensions, headers: &HeaderMap) -> bool {
        let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
        let believed = peer(extensions).is_some_and(|p| (self.0)(p));
        self.client(extensions, headers).is_loopback() && (!forwarded || believed)
    }

    /// Whether the client speaks TLS to a trusted proxy in front.
    pub(crate) fn is_secure(&self, extensions: &Extensions, headers: &HeaderMap) -> bool {
        let said = headers.get("x-forwarded-proto").and_then(|v| v.to_str().ok());
        let secure = said.and_then(|v| v.rsplit(',').next()).is_some_and(|v| v.trim().eq_ignore_ascii_case("https"));
        secure && peer(extensions).is_some_and(|p| (self.0)(p))
    }
}

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| plain(peer.ip()))
}

/// IPv4 in IPv6 clothes is the same client.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Addresses that one client has at will count as one: an IPv6 /64.
pub(crate) fn bucket(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self::new(|_| false)
    }
}

impl fmt::Debug for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustedProxies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> (String, bool) {
        let trusted = TrustedProxies::new(|a| a.to_string().starts_with("10."));
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4)));
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        (trusted.client(&extensions, &headers).to_string(), trusted.is_local(&extensions, &headers))
    }

    #[test]
    fn only_trusted_proxies_say_who_the_client_is() {
        assert_eq!(seen("203.0.113.9", &["1.2.3.4"]), ("203.0.113.9".into(), false));
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]), ("1.2.3.4".into(), false));
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "1.2.3.4"]), ("1.2.3.4".into(), false));
        assert_eq!(seen("10.0.0.1", &["rubbish, 10.0.0.2"]), ("10.0.0.2".into(), false));
        assert_eq!(seen("::ffff:10.0.0.1", &["::ffff:1.2.3.4"]), ("1.2.3.4".into(), false));
    }

    #[test]
    fn a_proxy_on_this_machine_does_not_make_its_clients_local() {
        assert!(seen("127.0.0.1", &[]).1);
        assert!(!seen("127.0.0.1", &["1.2.3.4"]).1);
        assert!(!seen("127.0.0.1", &["127.0.0.1"]).1);
        assert!(!seen("10.0.0.1", &[]).1);
    }
}
