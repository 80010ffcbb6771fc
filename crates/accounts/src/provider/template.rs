//! Texts with places for what the account brings: `https://api.example.com/v1/${account_id}/balance`.

use crate::signer::encode;
use model::Timestamp;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;

/// A text with places: `${secret}`, `${secret.PART}`, `${PARAM}`, `${time.NAME}`; `$${` is a `${` that is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Secret,
    OfSecret(String),
    Param(String),
    Time(Moment),
}

/// Instants that a request may name, all in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    MonthStartUnix,
    MonthStart,
    MonthStartDate,
    TomorrowDate,
    Tomorrow,
}

impl Moment {
    const ALL: [(&'static str, Self); 5] = [
        ("time.month_start_unix", Self::MonthStartUnix),
        ("time.month_start", Self::MonthStart),
        ("time.month_start_date", Self::MonthStartDate),
        ("time.tomorrow_date", Self::TomorrowDate),
        ("time.tomorrow", Self::Tomorrow),
    ];

    fn text(self, now: Timestamp) -> String {
        let day = jiff::Timestamp::from_millisecond(now.millis())
            .unwrap_or_default()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let date = match self {
            Self::MonthStartUnix | Self::MonthStart | Self::MonthStartDate => day.first_of_month(),
            Self::TomorrowDate | Self::Tomorrow => day.tomorrow().unwrap_or(day),
        };
        match self {
            Self::MonthStartDate | Self::TomorrowDate => date.to_string(),
            Self::MonthStart | Self::Tomorrow => format!("{date}T00:00:00Z"),
            Self::MonthStartUnix => {
                let zoned = date.to_zoned(jiff::tz::TimeZone::UTC);
                zoned.map_or(0, |z| z.timestamp().as_second()).to_string()
            }
        }
    }
}

/// What is put into the places.
#[derive(Clone, Copy)]
pub(crate) struct Fillings<'a> {
    /// The whole secret.
    pub secret: &'a str,
    /// Its parts by name.
    pub parts: &'a BTreeMap<String, String>,
    /// What the user set.
    pub params: &'a BTreeMap<String, String>,
    /// The present instant.
    pub now: Timestamp,
}

impl Template {
    /// Reads a template; the error says what is wrong with a place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if let Some(before) = rest[..at].strip_suffix('$') {
                parts.push(Part::Literal(format!("{before}${{")));
                rest = &rest[at + 2..];
                continue;
            }
            parts.push(Part::Literal(rest[..at].to_owned()));
            let end = rest[at..].find('}').ok_or_else(|| format!("`{text}`: `${{` is not closed"))? + at;
            parts.push(place(&rest[at + 2..end])?);
            rest = &rest[end + 1..];
        }
        parts.push(Part::Literal(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
        Ok(Self(parts))
    }

    /// The text with its places filled as they are. A parameter that is not set leaves its place empty.
    pub(crate) fn fill(&self, with: Fillings<'_>) -> String {
        self.filled(with, str::to_owned)
    }

    /// As part of an address: what is filled in is percent-encoded, except where `raw` says of a parameter that it
    /// brings an address, or part of one, of its own.
    pub(crate) fn fill_url(&self, with: Fillings<'_>, raw: impl Fn(&str) -> bool) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Param(name) if raw(name) => part.text(with),
                Part::Literal(text) => text.clone(),
                other => encode(&other.text(with)),
            })
            .collect()
    }

    fn filled(&self, with: Fillings<'_>, change: impl Fn(&str) -> String) -> String {
        self.0.iter().map(|part| change(&part.text(with))).collect()
    }

    /// The parameters it asks for.
    pub(crate) fn params(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| if let Part::Param(name) = part { Some(name.as_str()) } else { None })
    }

    /// The parts of the secret it asks for.
    pub(crate) fn secret_parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| if let Part::OfSecret(name) = part { Some(name.as_str()) } else { None })
    }

    /// The places before the path of an address begins: they decide to whom the secret goes. `None` is a place that is
    /// no parameter.
    pub(crate) fn places_in_origin(&self) -> Vec<Option<&str>> {
        let mut places = Vec::new();
        let mut before = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => before.push_str(text),
                Part::Param(name) => places.push(Some(name.as_str())),
                _ => places.push(None),
            }
            let after_scheme = before.split_once("://").map_or("", |(_, rest)| rest);
            if after_scheme.contains('/') || (!places.is_empty() && before.starts_with('/')) {
                // The literal that brought the slash stands behind the places found so far.
                return places;
            }
        }
        places
    }
}

impl Part {
    fn text(&self, with: Fillings<'_>) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Secret => with.secret.to_owned(),
            Self::OfSecret(name) => with.parts.get(name).cloned().unwrap_or_default(),
            Self::Param(name) => with.params.get(name).cloned().unwrap_or_default(),
            Self::Time(moment) => moment.text(with.now),
        }
    }
}

fn place(name: &str) -> Result<Part, String> {
    if name == "secret" {
        return Ok(Part::Secret);
    }
    if let Some(part) = name.strip_prefix("secret.") {
        return Ok(Part::OfSecret(part.to_owned()));
    }
    if name.starts_with("time.") {
        let known = Moment::ALL.iter().find(|(known, _)| *known == name);
        let names = || Moment::ALL.map(|(name, _)| name).join(", ");
        return known
            .map(|(_, moment)| Part::Time(*moment))
            .ok_or_else(|| format!("`${{{name}}}`: there are {}", names()));
    }
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word { Ok(Part::Param(name.to_owned())) } else { Err(format!("`${{{name}}}`: a parameter's name is a word")) }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> (String, String) {
        let parts = BTreeMap::from([("id".to_owned(), "a/b".to_owned())]);
        let params =
            BTreeMap::from([("base".to_owned(), "https://x.y/z".to_owned()), ("name".to_owned(), "ü ?".to_owned())]);
        let now = Timestamp::parse("2026-11-21T03:04:05Z").unwrap();
        let with = Fillings { secret: "s&", parts: &parts, params: &params, now };
        let template = Template::parse(text).unwrap();
        (template.fill(with), template.fill_url(with, |name| name == "base"))
    }

    #[test]
    fn places_are_filled_and_encoded_where_they_stand_in_an_address() {
        let (raw, url) = fill("${base}/v1/${name}/${secret.id}?k=${secret}&u=${unset}");
        assert_eq!(raw, "https://x.y/z/v1/ü ?/a/b?k=s&&u=");
        assert_eq!(url, "https://x.y/z/v1/%C3%BC%20%3F/a%2Fb?k=s%26&u=");
        assert_eq!(fill("{ $ } $${x} ${time.month_start}").0, "{ $ } ${x} 2026-11-01T00:00:00Z");
        assert_eq!(fill("${time.month_start_unix} ${time.tomorrow_date}").0, "1793491200 2026-11-22");
    }

    #[test]
    fn a_place_that_makes_no_sense_is_refused() {
        for text in ["${", "${a b}", "${}", "${time.never}", "${../x}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn places_that_decide_the_origin_are_known() {
        let origin = |text: &str| {
            let template = Template::parse(text).unwrap();
            template.places_in_origin().into_iter().map(|p| p.map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(origin("https://api.x.y/v1/${id}"), []);
        assert_eq!(origin("https://${host}/v1/${id}"), [Some("host".to_owned())]);
        assert_eq!(origin("${base}/v1/${id}"), [Some("base".to_owned())]);
        assert_eq!(origin("https://${secret}.x.y/"), [None]);
        assert_eq!(origin("https://api.x.y${path}"), [Some("path".to_owned())]);
    }
}
