//! To which addresses a secret may go.

use std::net::IpAddr;
use url::{Host, Url};

/// Checks the beginning of an address a user gave, and takes a slash off its end. The error says how to mend it.
pub(crate) fn base(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|_| "is not an address such as https://gateway.example.com".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or a password, which belongs into the secret".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("holds a query; write the address up to the path only".into());
    }
    allowed(&url)?;
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether a secret may be sent there: https, or http to a machine of one's own (loopback, a private address, a name
/// without a dot or under .local, .lan, .internal, .home.arpa).
pub(crate) fn allowed(url: &Url) -> Result<(), String> {
    match (url.scheme(), url.host()) {
        // Link-local is nobody's own: in a cloud the machine's credentials are served there.
        (_, Some(Host::Ipv4(ip))) if ip.is_link_local() => Err("is a link-local address".into()),
        ("https", Some(_)) => Ok(()),
        ("http", Some(host)) if own(&host) => Ok(()),
        ("http", Some(_)) => Err("would send the secret in the clear: write https".into()),
        _ => Err("is not an https address".into()),
    }
}

fn own(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(ip) => ip.is_loopback() || ip.is_private(),
        Host::Ipv6(ip) => match ip.to_canonical() {
            IpAddr::V4(ip) => own(&Host::Ipv4(ip)),
            IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
        },
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.') || [".local", ".lan", ".internal", ".home.arpa"].iter().any(|end| name.ends_with(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_over_https_or_stays_at_home() {
        for good in [
            "https://gateway.example.com/",
            "https://10.0.0.1:8443/x",
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:80",
            "http://192.168.1.9/api/",
            "http://new-api:3000",
            "http://box.lan",
        ] {
            assert_eq!(base(good), Ok(good.trim_end_matches('/').to_owned()));
        }
        for (bad, part) in [
            ("http://gateway.example.com", "in the clear"),
            ("http://8.8.8.8", "in the clear"),
            ("http://[::ffff:8.8.8.8]", "in the clear"),
            ("http://169.254.169.254/latest", "link-local"),
            ("https://169.254.169.254", "link-local"),
            ("ftp://x.y", "not an https"),
            ("gateway.example.com", "not an address"),
            ("file:///etc/passwd", "not an https"),
            ("https://u:p@x.y", "password"),
            ("https://x.y?k=1", "query"),
        ] {
            assert!(base(bad).unwrap_err().contains(part), "{bad}");
        }
    }
}
