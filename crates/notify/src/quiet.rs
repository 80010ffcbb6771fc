//! Quiet hours: `22:00-07:00 Asia/Tokyo`. Only what is critical passes. Pure, apart from the machine's table of zones.

use jiff::civil::Time;
use jiff::tz::{Offset, TimeZone};
use model::{MINUTE, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A daily span in somebody's time zone; it may go over midnight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(rename = "QuietHours")]
pub struct Quiet {
    from: Time,
    to: Time,
    zone: TimeZone,
    zone_text: String,
}

impl Quiet {
    /// Reads `22:00-07:00` with a zone behind: a name (`Europe/Berlin`), an offset (`+09:00`) or nothing for JST.
    pub fn parse(text: &str) -> Option<Self> {
        let (span, zone_text) = text.trim().split_once(' ').unwrap_or((text.trim(), "+09:00"));
        let (from, to) = span.split_once('-')?;
        let zone_text = zone_text.trim();
        Some(Self { from: time(from)?, to: time(to)?, zone: zone(zone_text)?, zone_text: zone_text.to_owned() })
            .filter(|quiet| quiet.from != quiet.to)
    }

    /// When the quiet that `now` lies in ends; `None` when it is not quiet.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let local = jiff::Timestamp::from_millisecond(now.millis()).ok()?.to_zoned(self.zone.clone());
        let time = local.time();
        let over_midnight = self.from > self.to;
        let quiet =
            if over_midnight { time >= self.from || time < self.to } else { time >= self.from && time < self.to };
        if !quiet {
            return None;
        }
        let day = if time < self.to { local.date() } else { local.date().tomorrow().ok()? };
        let end = day.to_datetime(self.to).to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond();
        // An hour that the clocks repeat could put the end behind us.
        Some(Timestamp(if end > now.millis() { end } else { now.millis().saturating_add(MINUTE) }))
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

fn zone(text: &str) -> Option<TimeZone> {
    let Some(sign) = text.chars().next().filter(|c| matches!(c, '+' | '-')) else {
        return TimeZone::get(text).ok();
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let minutes =
        hours.parse::<u16>().ok().filter(|h| *h < 24)? * 60 + minutes.parse::<u16>().ok().filter(|m| *m < 60)?;
    let seconds = i32::from(minutes) * 60;
    let offset = Offset::from_seconds(if sign == '-' { -seconds } else { seconds }).ok()?;
    Some(TimeZone::fixed(offset))
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = [self.from, self.to].map(|t| format!("{:02}:{:02}", t.hour(), t.minute()));
        write!(f, "{from}-{to} {}", self.zone_text)
    }
}

impl TryFrom<String> for Quiet {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("write quiet hours as 22:00-07:00 Asia/Tokyo or 22:00-07:00 +09:00")
    }
}

impl From<Quiet> for String {
    fn from(quiet: Quiet) -> Self {
        quiet.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn quiet_ends_when_it_says() {
        for (quiet, now, until) in [
            ("22:00-07:00", "2026-11-21T21:59:59+09:00", None),
            ("22:00-07:00", "2026-11-21T22:00:00+09:00", Some("2026-11-22T07:00:00+09:00")),
            ("22:00-07:00", "2026-11-22T06:59:59+09:00", Some("2026-11-22T07:00:00+09:00")),
            ("22:00-07:00", "2026-11-22T07:00:00+09:00", None),
            ("12:30-13:30 +00:00", "2026-11-22T13:00:00Z", Some("2026-11-22T13:30:00Z")),
            ("12:30-13:30 -05:30", "2026-11-22T18:15:00Z", Some("2026-11-22T19:00:00Z")),
            // The clocks go forward in this night.
            ("22:00-07:00 Europe/Berlin", "2026-03-28T23:00:00+01:00", Some("2026-03-29T07:00:00+02:00")),
        ] {
            // A machine without zones, such as a bare container, knows offsets only.
            let Some(parsed) = Quiet::parse(quiet) else { continue };
            assert_eq!(parsed.until(at(now)), until.map(at), "{quiet} {now}");
            assert_eq!(Quiet::parse(&parsed.to_string()), Some(parsed));
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in [
            "",
            "22:00",
            "22:00-25:00",
            "8-9",
            "22:00-07:00 Mars/Base",
            "22:00-07:00 +9",
            "07:00-07:00",
            "22:00-07:00 +99:00",
        ] {
            assert_eq!(Quiet::parse(text), None, "{text}");
        }
    }
}
