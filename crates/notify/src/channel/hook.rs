//! A URL given by a user. Webhook URLs hold their secret in the path or the query, so only the host is ever shown.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use url::Url;

/// An http or https URL with a host.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HookUrl(Url);

impl HookUrl {
    /// The URL itself, for the one place that uses it.
    pub const fn reveal(&self) -> &Url {
        &self.0
    }

    /// The URL with `segments` behind its path, whether or not that ends with a slash.
    pub fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl TryFrom<String> for HookUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url = Url::parse(text.trim()).map_err(|_| "not a URL")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("a URL must begin with http:// or https://");
        }
        Ok(Self(url))
    }
}

impl fmt::Display for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port().map(|p| format!(":{p}")).unwrap_or_default();
        let bare = self.0.path() == "/" && self.0.query().is_none() && self.0.username().is_empty();
        let rest = if bare && self.0.password().is_none() { "/" } else { "/***" };
        write!(f, "{}://{}{port}{rest}", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookUrl({self})")
    }
}

impl Serialize for HookUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_is_shown() {
        for (url, shown) in [
            ("https://hooks.example.com/services/T0/B0/secret", "https://hooks.example.com/***"),
            ("https://user:pw@example.com:8443/", "https://example.com:8443/***"),
            ("https://example.com/?key=secret", "https://example.com/***"),
            (" http://ntfy.lan:8080 ", "http://ntfy.lan:8080/"),
        ] {
            let url = HookUrl::try_from(url.to_owned()).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(serde_json::to_value(&url).unwrap(), shown);
            assert_eq!(format!("{url:?}"), format!("HookUrl({shown})"));
        }
        for bad in ["", "example.com", "file:///etc/passwd", "gopher://x/", "http://", "javascript:alert(1)"] {
            assert!(HookUrl::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_is_joined_with_one_slash() {
        for base in ["http://h/sub", "http://h/sub/"] {
            let url = HookUrl::try_from(base.to_owned()).unwrap();
            assert_eq!(url.join(&["api", "v2", "a b/c"]).as_str(), "http://h/sub/api/v2/a%20b%2Fc");
        }
    }
}
