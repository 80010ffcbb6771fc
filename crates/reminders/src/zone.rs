//! Days in somebody's time zone.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use model::Timestamp;
use std::fmt;
use std::time::Duration;

/// A time zone by its IANA name.
#[derive(Clone, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Reads a name such as `Asia/Tokyo`; says what is wrong with it.
    pub fn parse(name: &str) -> Result<Self, String> {
        let unknown = || format!("time zone {:?} is not known; use an IANA name such as Asia/Tokyo", short(name));
        let name = name.trim();
        if name.is_empty() || name.len() > 64 {
            return Err(unknown());
        }
        let zone = TimeZone::get(name).map_err(|_| unknown())?;
        Ok(Self { name: zone.iana_name().unwrap_or(name).to_owned(), zone })
    }

    /// Japan's, which is the same all year.
    pub fn jst() -> Self {
        let fixed = || Self { name: "Asia/Tokyo".to_owned(), zone: TimeZone::fixed(jiff::tz::offset(9)) };
        Self::parse("Asia/Tokyo").unwrap_or_else(|_| fixed())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The date there.
    pub fn date(&self, at: Timestamp) -> Option<Date> {
        let at = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
        Some(at.to_zoned(self.zone.clone()).date())
    }

    /// The first instant after `now` at which it is `time` there, `jitter` later.
    pub fn next(&self, time: Time, jitter: Duration, now: Timestamp) -> Option<Timestamp> {
        let mut date = self.date(now)?.yesterday().ok()?;
        loop {
            let at = date.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
            let at = Timestamp(at.timestamp().as_millisecond()) + jitter;
            if at > now {
                return Some(at);
            }
            date = date.tomorrow().ok()?;
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
