//! A request ready to be sent. It holds the secret, so it cannot be printed.

use reqwest::Method;
use std::fmt;
use url::Url;

/// A request ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedRequest {
    /// GET or POST.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Names as written, each once.
    pub headers: Vec<(String, String)>,
    /// Empty for none.
    pub body: Vec<u8>,
}

impl PreparedRequest {
    /// Sets a header, in place of one of the same name.
    pub fn set_header(&mut self, name: &str, value: String) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value));
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Scheme, host and port: what limiter and breaker go by, and all of the address that may be shown.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

impl fmt::Debug for PreparedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PreparedRequest({} {})", self.method, self.origin())
    }
}
