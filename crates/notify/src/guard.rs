//! The one check of every address a user gives us. A server that fetches what it is told to fetch must not be told to
//! fetch from its own network: names are checked where they are resolved, so that no second look-up can differ.

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// Which addresses may be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public Internet.
    Public,
    /// Loopback, private, carrier-grade and unique local addresses too: a Gotify on the same network. Link-local and
    /// the clouds' metadata addresses stay refused.
    Private,
}

impl Reach {
    /// The reach of a channel's `allow_private`.
    pub const fn of(allow_private: bool) -> Self {
        if allow_private { Self::Private } else { Self::Public }
    }
}

/// Why an address is not spoken to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither http nor https.
    #[error("only http and https are spoken")]
    Scheme,
    /// `http://trusted@evil/`: people read the first part, machines the second.
    #[error("a user or password in a URL is not accepted")]
    UserInfo,
    /// No host, or one that is a name of this machine.
    #[error("the host {0:?} is not accepted")]
    Host(String),
    /// An address that is not public, or not even of the network that was opened.
    #[error("the address is {0}, which is not reachable from here")]
    Address(&'static str),
}

/// What an address is; `None` when it is public.
fn class(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => class_v4(v4),
        IpAddr::V6(v6) => class_v6(v6),
    }
}

const PRIVATE: [&str; 4] = ["loopback", "private", "carrier-grade NAT", "unique local"];

fn class_v4(a: Ipv4Addr) -> Option<&'static str> {
    // The metadata services of Alibaba and Azure hide in ranges that are otherwise allowed.
    const METADATA: [[u8; 4]; 2] = [[100, 100, 100, 200], [168, 63, 129, 16]];
    let o = a.octets();
    Some(match o {
        _ if METADATA.contains(&o) => "a cloud's metadata service",
        [0, ..] => "unspecified",
        [127, ..] => "loopback",
        _ if a.is_private() => "private",
        [169, 254, ..] => "link-local",
        [100, 64..=127, ..] => "carrier-grade NAT",
        [192, 0, 0, _] | [192, 31, 196, _] | [192, 52, 193, _] | [192, 175, 48, _] => "special purpose",
        [192, 88, 99, _] => "a 6to4 relay",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "documentation",
        [198, 18..=19, ..] => "benchmarking",
        [224..=239, ..] => "multicast",
        [240..=255, ..] => "reserved or broadcast",
        _ => return None,
    })
}

fn class_v6(a: Ipv6Addr) -> Option<&'static str> {
    let s = a.segments();
    let low = || Ipv4Addr::from_bits(u32::from(s[6]) << 16 | u32::from(s[7]));
    Some(match s {
        [0, 0, 0, 0, 0, 0, 0, 0] => "unspecified",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback",
        // An IPv4 address in IPv6 clothes: mapped reaches what it stands for, the others reach it through a gateway.
        [0, 0, 0, 0, 0, 0xffff, ..] => return class_v4(low()),
        [0, 0, 0, 0, 0, 0, ..] => "IPv4-compatible",
        [0, 0, 0, 0, 0xffff, 0, ..] => "IPv4-translated",
        [0x64, 0xff9b, ..] => "NAT64",
        [0x2002, ..] => "6to4",
        [0x2001, 0, ..] => "Teredo",
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => "documentation",
        [0x2001, 0x0001..=0x01ff, ..] | [0x0100, 0, 0, ..] | [0x5f00, ..] => "special purpose",
        [0xfd00, 0x0ec2, ..] | [0xfd20, 0x00ce, ..] => "a cloud's metadata service",
        [0xfc00..=0xfdff, ..] => "unique local",
        [0xfe80..=0xfebf, ..] => "link-local",
        [0xfec0..=0xfeff, ..] => "site-local",
        [0xff00..=0xffff, ..] => "multicast",
        // ISATAP, an IPv4 address in the lower half of any prefix.
        [_, _, _, _, 0 | 0x0200, 0x5efe, ..] => "ISATAP",
        // 2000::/3 is all that has been given out (IANA, IPv6 global unicast).
        [0x2000..=0x3fff, ..] => return None,
        _ => "reserved",
    })
}

/// Whether an address may be spoken to.
pub fn check_address(address: IpAddr, reach: Reach) -> Result<(), Refusal> {
    match class(address) {
        None => Ok(()),
        Some(class) if reach == Reach::Private && PRIVATE.contains(&class) => Ok(()),
        Some(class) => Err(Refusal::Address(class)),
    }
}

/// Whether a host, a name or a literal address, may be spoken to as far as can be told before it is resolved.
fn check_host(host: &Host<&str>, reach: Reach) -> Result<(), Refusal> {
    let name = match host {
        Host::Ipv4(v4) => return check_address(IpAddr::V4(*v4), reach),
        Host::Ipv6(v6) => return check_address(IpAddr::V6(*v6), reach),
        Host::Domain(name) => name.trim_end_matches('.').to_ascii_lowercase(),
    };
    let here = ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "broadcasthost"];
    // RFC 6761 keeps `localhost` and everything below it for this machine; `.internal` is how clouds name theirs.
    let local = here.contains(&name.as_str()) || name.ends_with(".localhost") || name.ends_with(".localdomain");
    let metadata = name == "metadata" || name == "metadata.google.internal" || name == "instance-data";
    if name.is_empty() || metadata || (local && reach == Reach::Public) {
        return Err(Refusal::Host(name));
    }
    if reach == Reach::Public && (name.ends_with(".internal") || name.ends_with(".local")) {
        return Err(Refusal::Host(name));
    }
    Ok(())
}

/// Whether a URL may be requested, as far as can be told before its host is resolved. Literal addresses never reach a
/// resolver, so they are judged here in whatever form they are written: the URL parser has made dotted decimals of them.
pub fn check_url(url: &Url, reach: Reach) -> Result<(), Refusal> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::UserInfo);
    }
    let host = url.host().ok_or_else(|| Refusal::Host(String::new()))?;
    check_host(&host, reach)
}

/// Turns a name into addresses.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of a name, in the order they are tried.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The machine's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|a| a.ip()).collect())
    }
}

/// Resolves names to those of their addresses that may be spoken to. The HTTP client connects to what this answers and
/// asks nobody else, so there is nothing between the check and the connection.
#[derive(Clone)]
pub struct GuardedResolver {
    lookup: Arc<dyn Lookup>,
    reach: Reach,
}

impl GuardedResolver {
    /// A resolver over another.
    pub fn new(lookup: Arc<dyn Lookup>, reach: Reach) -> Self {
        Self { lookup, reach }
    }

    /// The addresses of a host that may be spoken to; an error when there are none left. Literal addresses are
    /// accepted too, in any form a URL may have them.
    pub async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let parsed = Host::parse(host).or_else(|_| Host::parse(&format!("[{host}]")));
        let parsed = parsed.map_err(|_| Refusal::Host(host.to_owned()))?;
        let name = match &parsed {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(a) => Host::Ipv4(*a),
            Host::Ipv6(a) => Host::Ipv6(*a),
        };
        check_host(&name, self.reach)?;
        let found = match parsed {
            Host::Ipv4(a) => vec![IpAddr::V4(a)],
            Host::Ipv6(a) => vec![IpAddr::V6(a)],
            Host::Domain(name) => self.lookup.lookup(&name).await?,
        };
        let mut refused = None;
        let allowed: Vec<IpAddr> = found
            .into_iter()
            .filter(|a| check_address(*a, self.reach).map_err(|r| refused = Some(r)).is_ok())
            .collect();
        match refused {
            Some(refusal) if allowed.is_empty() => Err(refusal.into()),
            None if allowed.is_empty() => Err("the name has no address".into()),
            _ => Ok(allowed),
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let found = Self::resolve(&this, name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
