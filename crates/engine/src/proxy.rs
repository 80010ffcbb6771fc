//! The other way out: a proxy, and when to take it. Pure: the instant is an argument.

use model::Timestamp;
use std::fmt;
use std::time::Duration;

/// An HTTP, HTTPS or SOCKS5 proxy. May hold a password, so printing it shows scheme, host and port only.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(reqwest::Url);

impl ProxyUrl {
    /// Reads `http`, `https`, `socks5` and `socks5h` URLs; says what is wrong with another, without repeating it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(text).map_err(|e| format!("not a URL: {e}"))?;
        match url.scheme() {
            "http" | "https" | "socks5" | "socks5h" if url.host_str().is_some_and(|h| !h.is_empty()) => Ok(Self(url)),
            "http" | "https" | "socks5" | "socks5h" => Err("a proxy URL needs a host".into()),
            other => Err(format!("a proxy is http, https, socks5 or socks5h, not {other}")),
        }
    }

    /// The URL with its password, for the client only.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// When to change the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchPolicy {
    /// Failures in a row that are enough.
    pub failures: u32,
    /// How long the proxy is then used.
    pub stay: Duration,
}

impl Default for SwitchPolicy {
    fn default() -> Self {
        Self { failures: 10, stay: Duration::from_secs(600) }
    }
}

/// Which way a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// From this machine's own address.
    Direct,
    /// Through the proxy.
    Proxied,
}

/// Takes the proxy after failures in a row, if its health check passes, and goes back after a while.
#[derive(Clone, Debug)]
pub struct AutoSwitch {
    policy: SwitchPolicy,
    failures: u32,
    /// When the proxy was taken.
    since: Option<Timestamp>,
}

impl AutoSwitch {
    /// Direct, with no failure counted.
    pub const fn new(policy: SwitchPolicy) -> Self {
        Self { policy, failures: 0, since: None }
    }

    /// The way for a request sent now; back to direct when the stay is over.
    pub fn route(&mut self, now: Timestamp) -> Route {
        match self.since {
            // An instant before the switch means the clock was set back: the stay cannot be measured, so it is over.
            Some(since) if now < since || now.since(since) >= self.policy.stay => {
                *self = Self::new(self.policy);
                Route::Direct
            }
            Some(_) => Route::Proxied,
            None => Route::Direct,
        }
    }

    /// The request went well.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A request over `route` failed. True when the proxy's health should be checked now, to be told by
    /// [`AutoSwitch::checked`]; true again only after as many failures more.
    pub fn failed(&mut self, route: Route, now: Timestamp) -> bool {
        if self.route(now) != route {
            return false; // sent before the switch
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures < self.policy.failures.max(1) {
            return false;
        }
        self.failures = 0;
        // The proxy does no better: back to the direct way before its time.
        self.since.take().is_none()
    }

    /// What the health check found; true when requests go through the proxy from now on.
    pub fn checked(&mut self, healthy: bool, now: Timestamp) -> bool {
        if healthy {
            self.since = Some(now);
            self.failures = 0;
        }
        healthy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_795_000_000 + seconds)
    }

    fn fail(switch: &mut AutoSwitch, route: Route, times: u32) -> bool {
        (0..times).fold(false, |_, _| switch.failed(route, at(0)))
    }

    #[test]
    fn ten_failures_and_a_healthy_proxy_switch_for_ten_minutes() {
        let mut s = AutoSwitch::new(SwitchPolicy::default());
        assert!(!fail(&mut s, Route::Direct, 9));
        s.succeeded();
        assert!(!fail(&mut s, Route::Direct, 9));
        assert!(fail(&mut s, Route::Direct, 1));
        assert!(s.checked(true, at(0)));
        assert_eq!(s.route(at(599)), Route::Proxied);
        assert_eq!(s.route(at(600)), Route::Direct);
    }

    #[test]
    fn an_unhealthy_proxy_is_not_taken_and_is_asked_again_ten_failures_later() {
        let mut s = AutoSwitch::new(SwitchPolicy::default());
        assert!(fail(&mut s, Route::Direct, 10));
        assert!(!s.checked(false, at(0)));
        assert_eq!(s.route(at(1)), Route::Direct);
        assert!(!fail(&mut s, Route::Direct, 9));
        assert!(fail(&mut s, Route::Direct, 1));
    }

    #[test]
    fn a_proxy_that_fails_as_well_is_left_and_late_failures_of_the_old_way_do_not_count() {
        let mut s = AutoSwitch::new(SwitchPolicy::default());
        fail(&mut s, Route::Direct, 10);
        s.checked(true, at(0));
        assert!(!fail(&mut s, Route::Direct, 20));
        assert_eq!(s.route(at(1)), Route::Proxied);
        assert!(!fail(&mut s, Route::Proxied, 10), "no health check to go back");
        assert_eq!(s.route(at(1)), Route::Direct);
    }

    #[test]
    fn a_proxy_url_is_checked_and_its_password_never_printed() {
        let url = ProxyUrl::parse("socks5h://user:geheim@proxy.example:1080").unwrap();
        assert_eq!(format!("{url:?}"), "socks5h://proxy.example:1080");
        assert!(url.expose().contains("geheim"));
        assert!(ProxyUrl::parse("ftp://proxy.example").is_err());
        assert!(!ProxyUrl::parse("user:geheim@proxy").unwrap_err().contains("geheim"));
    }
}
