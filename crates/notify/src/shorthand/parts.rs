//! The parts of such a line. They are no web addresses: case counts everywhere, a token stands where a host would.

use super::wrong;
use crate::channel::ConfigError;
use url::form_urlencoded;

/// `user:password@first/second/…?name=value`, every part decoded.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    segments: std::collections::VecDeque<String>,
    query: Vec<(String, String)>,
}

impl Parts {
    pub(super) fn parse(rest: &str) -> Result<Self, ConfigError> {
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (first, others) = path.split_once('/').unwrap_or((path, ""));
        let (account, first) = match first.rsplit_once('@') {
            Some((account, first)) => (Some(account), first),
            None => (None, first),
        };
        let (user, password) = match account.map(|account| account.split_once(':').unwrap_or((account, ""))) {
            Some((user, password)) => (some(decoded(user)?), some(decoded(password)?)),
            None => (None, None),
        };
        let segments = std::iter::once(first).chain(others.split('/')).filter(|s| !s.is_empty()).map(decoded);
        // A `+` before a name is Apprise's mark of a header, not a blank.
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        });
        Ok(Self {
            user,
            password,
            segments: segments.collect::<Result<_, _>>()?,
            query: query.collect::<Result<_, ConfigError>>()?,
        })
    }

    /// The next segment, which is the `part` of the channel.
    pub(super) fn next(&mut self, part: &str) -> Result<String, ConfigError> {
        self.segments.pop_front().ok_or_else(|| wrong(part, "is missing"))
    }

    /// The last segment.
    pub(super) fn last(&mut self, part: &str) -> Result<String, ConfigError> {
        self.segments.pop_back().ok_or_else(|| wrong(part, "is missing"))
    }

    pub(super) fn left(&self) -> usize {
        self.segments.len()
    }

    /// What is left of the path.
    pub(super) fn rest(&mut self) -> Vec<String> {
        self.segments.drain(..).collect()
    }

    /// A parameter of the query; an empty one is not set.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.query.iter().position(|(n, _)| n == name)?;
        some(self.query.remove(at).1)
    }

    /// A parameter that is `yes` or `no`.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, ConfigError> {
        match self.take(name).map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("no" | "false" | "0" | "off") => Ok(false),
            Some("yes" | "true" | "1" | "on") => Ok(true),
            Some(_) => Err(wrong(name, "is not yes or no")),
        }
    }

    /// The parameters that nobody took.
    pub(super) fn parameters(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.query)
    }

    /// Refuses what nobody took: a parameter that is silently without effect is worse than none.
    pub(super) fn end(self) -> Result<(), ConfigError> {
        if self.left() > 0 {
            return Err(wrong("path", "has more parts than the channel knows"));
        }
        match self.query.first() {
            Some((name, _)) => Err(wrong("parameter", &format!("{name:?} is unknown"))),
            None => Ok(()),
        }
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn decoded(text: &str) -> Result<String, ConfigError> {
    let plus = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let decoded = form_urlencoded::parse(format!("={plus}").as_bytes()).next().map(|(_, value)| value.into_owned());
    let decoded = decoded.unwrap_or_default();
    if decoded.contains(['\u{fffd}', '\0', '\n', '\r']) {
        return Err(wrong("line", "has a character that cannot be part of it"));
    }
    Ok(decoded)
}
