//! Values that cannot be printed: whatever is logged, shown or serialised of them is `***`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use url::Url;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

/// A secret text. Empty means not set.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "" } else { MASK })
    }
}

/// A URL that may carry a password, which is masked wherever the URL is printed. Empty means not set.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// Wraps a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with its password, for the one place that uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The URL as it may be shown. What cannot be read as a URL is masked as a whole.
    fn masked(&self) -> Cow<'_, str> {
        let Ok(mut url) = Url::parse(&self.0) else {
            return Cow::Borrowed(if self.is_empty() { "" } else { MASK });
        };
        let in_query = url.query_pairs().any(|(name, _)| {
            let name = name.to_ascii_lowercase();
            ["pass", "pwd", "secret", "token", "key"].iter().any(|word| name.contains(word))
        });
        // `user:password@tcp(host)/name` reads as a URL of the scheme `user`; only a file needs no //.
        if url.cannot_be_a_base() && url.scheme() != "sqlite" {
            return Cow::Borrowed(MASK);
        }
        if url.password().is_none() && !in_query {
            return Cow::Borrowed(&self.0);
        }
        if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
            return Cow::Borrowed(MASK);
        }
        if in_query {
            url.set_query(Some(MASK));
        }
        Cow::Owned(url.into())
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Debug and Serialize say what Display says; the schema says that the value is written and never read back.
macro_rules! prints_masked {
    ($name:ident, $schema:tt) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

prints_masked!(Secret, { "type": "string", "writeOnly": true });
prints_masked!(SecretUrl, { "type": "string", "writeOnly": true, "format": "uri" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hunter2");
        let json = serde_json::to_string(&secret).unwrap();
        let all = format!("{secret} {secret:?} {secret:#?} {json}");
        assert!(!all.contains("hunter2"), "{all}");
        assert_eq!(secret.reveal(), "hunter2");
    }

    #[test]
    fn a_url_is_printed_without_its_password() {
        for (url, shown) in [
            ("", ""),
            ("sqlite://tidewatch.db", "sqlite://tidewatch.db"),
            ("mysql://tw@db/tidewatch", "mysql://tw@db/tidewatch"),
            ("mysql://tw:hunter2@db:3306/tidewatch", "mysql://tw:***@db:3306/tidewatch"),
            ("postgres://db/tidewatch?user=tw&password=hunter2", "postgres://db/tidewatch?***"),
            ("tw:hunter2@tcp(db:3306)/tidewatch", "***"),
            ("://hunter2", "***"),
        ] {
            let url = SecretUrl::new(url);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("SecretUrl({shown})"));
            assert_eq!(serde_json::to_value(&url).unwrap(), shown);
        }
    }
}
