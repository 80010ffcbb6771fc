//! Which keys are meant. Plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// Ids that one request may name; more are chosen by a filter.
pub const MAX_IDS: usize = 10_000;

/// What the status of a key may be asked for: those it can have, and `failed` for all but `ok` and `new`.
pub const STATUSES: &[&str] =
    &["ok", "unauthorized", "forbidden", "limited", "unreachable", "malformed", "unsupported", "new", "failed"];

/// What keys must have in common; what is `None` is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeyFilter {
    /// A part of the name or of the masked key, whatever the case.
    pub q: Option<String>,
    /// A label it has.
    pub tag: Option<String>,
    /// Its provider.
    pub provider: Option<String>,
    /// One of [`STATUSES`].
    pub status: Option<String>,
    /// The organisation it belongs to.
    pub org: Option<String>,
    /// At least so much is left, in the key's own unit.
    #[serde(deserialize_with = "number")]
    pub remaining_min: Option<f64>,
    /// At most so much is left.
    #[serde(deserialize_with = "number")]
    pub remaining_max: Option<f64>,
    /// At least this part is used, 0 to 1.
    #[serde(deserialize_with = "number")]
    pub ratio_min: Option<f64>,
    /// At most this part is used.
    #[serde(deserialize_with = "number")]
    pub ratio_max: Option<f64>,
}

/// A number, or a text that is one: forms and queries have only texts.
fn number<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Number(f64),
        Text(String),
    }
    match Option::<Given>::deserialize(d)? {
        None => Ok(None),
        Some(Given::Number(n)) => Ok(Some(n)),
        Some(Given::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(Given::Text(text)) => match text.trim().parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Some(n)),
            _ => Err(serde::de::Error::custom("a number is expected")),
        },
    }
}

impl KeyFilter {
    /// The filter without empty texts. Says what cannot be asked for.
    pub fn checked(mut self) -> Result<Self, String> {
        for text in [&mut self.q, &mut self.tag, &mut self.provider, &mut self.status, &mut self.org] {
            *text = text.take().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
            if text.as_ref().is_some_and(|t| t.chars().any(char::is_control)) {
                return Err("a filter holds a control character".into());
            }
        }
        if let Some(status) = self.status.as_deref().filter(|s| !STATUSES.contains(s)) {
            let shown: String = status.chars().take(40).collect();
            return Err(format!("status must be one of {}, got {shown:?}", STATUSES.join(", ")));
        }
        Ok(self)
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names of what it asks for. Not the values: people look for keys by pasting them.
    pub fn asked(&self) -> Vec<&'static str> {
        [
            ("q", self.q.is_some()),
            ("tag", self.tag.is_some()),
            ("provider", self.provider.is_some()),
            ("status", self.status.is_some()),
            ("org", self.org.is_some()),
            ("remaining", self.remaining_min.is_some() || self.remaining_max.is_some()),
            ("ratio", self.ratio_min.is_some() || self.ratio_max.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, asked)| asked.then_some(name))
        .collect()
    }
}

/// Which keys something is done to.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// These.
    Ids(Vec<i64>),
    /// Those that match.
    Filter(KeyFilter),
    /// All.
    All,
}

impl Selection {
    /// Exactly one of the three must be given, and a filter must ask for something: what was left out by mistake must
    /// not mean everything.
    pub fn of(ids: Option<Vec<i64>>, filter: Option<KeyFilter>, all: Option<bool>) -> Result<Self, String> {
        match (ids, filter, all.unwrap_or(false)) {
            (Some(ids), None, false) if ids.len() > MAX_IDS => {
                Err(format!("{} ids; at most {MAX_IDS} at once, or a filter", ids.len()))
            }
            (Some(mut ids), None, false) => {
                ids.sort_unstable();
                ids.dedup();
                Ok(Self::Ids(ids))
            }
            (None, Some(filter), false) => match filter.checked()? {
                filter if filter.is_empty() => {
                    Err("the filter asks for nothing; for all keys say \"all\": true".into())
                }
                filter => Ok(Self::Filter(filter)),
            },
            (None, None, true) => Ok(Self::All),
            _ => Err("give one of ids, filter, and all: true".into()),
        }
    }

    /// What it is called in the audit log.
    pub fn described(&self) -> String {
        match self {
            Self::Ids(ids) => match ids.as_slice() {
                [id] => format!("key:{id}"),
                ids => format!("{} keys by id", ids.len()),
            },
            Self::Filter(filter) => format!("keys by {}", filter.asked().join(", ")),
            Self::All => "all keys".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(json: &str) -> Result<KeyFilter, String> {
        serde_json::from_str::<KeyFilter>(json).map_err(|e| e.to_string())?.checked()
    }

    #[test]
    fn numbers_may_be_texts_and_mistyped_names_are_refused() {
        let read = filter(r#"{"q": " a ", "tag": "", "remaining_min": "1.5", "ratio_max": 1, "ratio_min": null}"#);
        let expected =
            KeyFilter { q: Some("a".into()), remaining_min: Some(1.5), ratio_max: Some(1.0), ..KeyFilter::default() };
        assert_eq!(read.unwrap(), expected);
        for bad in
            [r#"{"tags": "a"}"#, r#"{"status": "fine"}"#, r#"{"remaining_min": "lots"}"#, r#"{"ratio_min": "NaN"}"#]
        {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_by_mistake_means_everything() {
        let some = KeyFilter { q: Some("a".into()), ..KeyFilter::default() };
        assert_eq!(Selection::of(None, None, Some(true)), Ok(Selection::All));
        assert_eq!(Selection::of(Some(vec![3, 1, 3]), None, None), Ok(Selection::Ids(vec![1, 3])));
        assert_eq!(Selection::of(None, Some(some.clone()), None), Ok(Selection::Filter(some.clone())));
        assert!(Selection::of(None, None, None).is_err());
        assert!(Selection::of(None, None, Some(false)).is_err());
        assert!(Selection::of(None, Some(KeyFilter::default()), None).is_err());
        assert!(Selection::of(Some(vec![1]), Some(some), None).is_err());
        assert!(Selection::of(Some((0..10_001).collect()), None, None).is_err());
    }
}
