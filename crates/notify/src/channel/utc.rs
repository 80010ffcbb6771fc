//! Instants as machines want them, in UTC.

use model::Timestamp;

/// RFC 3339 with milliseconds and `offset` (`Z`, `+0000`) behind; the epoch for what no calendar holds.
pub(crate) fn rfc3339(at: Timestamp, offset: &str) -> String {
    let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    format!("{}{offset}", at.strftime("%Y-%m-%dT%H:%M:%S%.3f"))
}
