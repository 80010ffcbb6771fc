//! What the user sets for an account beside its secret.

use super::{Provider, Template};
use crate::address;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the user set, by name.
pub type Params = BTreeMap<String, String>;
/// What a provider's places and formulas see: the user's parameters, the defaults, and what choices bring.
pub(crate) type Values = BTreeMap<String, String>;

/// Parameters of every provider: `origin` sends its requests elsewhere (a proxy of one's own, a simulator), `org` states
/// the organisation.
const COMMON: [&str; 2] = ["origin", "org"];

/// A parameter, as the provider's file declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// What it is, for people.
    pub about: String,
    /// Whether it must be set.
    #[serde(default)]
    pub required: bool,
    /// What it is if not set.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether it is the beginning of an address.
    #[serde(default)]
    pub url: bool,
    /// The values it may have, and what each brings along.
    #[serde(default)]
    pub choices: BTreeMap<String, BTreeMap<String, String>>,
    /// The choice that follows from the end of the secret, if the user made none.
    #[serde(default)]
    pub by_secret_end: BTreeMap<String, String>,
}

/// Why an account cannot be asked as it is set up. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupFault {
    /// A parameter.
    #[error("{provider}: params.{param}: {message}")]
    Param {
        /// The provider.
        provider: String,
        /// The parameter.
        param: String,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// The secret.
    #[error("{provider}: secret: {message}")]
    Secret {
        /// The provider.
        provider: String,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// There is no such provider.
    #[error("{0}")]
    Unknown(String),
}

impl Provider {
    pub(crate) fn param_fault(&self, param: &str, message: impl Into<String>) -> SetupFault {
        SetupFault::Param { provider: self.name.clone(), param: param.to_owned(), message: message.into() }
    }

    pub(crate) fn secret_fault(&self, message: impl Into<String>) -> SetupFault {
        SetupFault::Secret { provider: self.name.clone(), message: message.into() }
    }

    /// Every value a place or a formula may see. Faults name the parameter and what it may be.
    pub(crate) fn values(&self, given: &Params, secret: &str) -> Result<Values, SetupFault> {
        if let Some(unknown) = given.keys().find(|k| !self.params.contains_key(*k) && !COMMON.contains(&k.as_str())) {
            let known: Vec<&str> = self.params.keys().map(String::as_str).chain(COMMON).collect();
            return Err(
                self.param_fault(unknown, format!("there is no such parameter; there are {}", known.join(", ")))
            );
        }
        let mut values = Values::new();
        for (name, param) in &self.params {
            let by_end =
                || param.by_secret_end.iter().find(|(end, _)| secret.ends_with(*end)).map(|(_, choice)| choice);
            let given = given.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
            let value = given.or_else(|| by_end().map(String::as_str)).or(param.default.as_deref());
            let Some(value) = value else {
                if param.required {
                    return Err(self.param_fault(name, format!("must be set: {}", param.about)));
                }
                continue;
            };
            if !param.choices.is_empty() {
                let Some(brings) = param.choices.get(value) else {
                    let known: Vec<&str> = param.choices.keys().map(String::as_str).collect();
                    return Err(self.param_fault(name, format!("`{value}` is none of {}", known.join(", "))));
                };
                values.extend(brings.clone());
            }
            let value = if param.url { self.address(name, value)? } else { value.to_owned() };
            values.insert(name.clone(), value);
        }
        for common in COMMON {
            if let Some(value) = given.get(common).map(|v| v.trim()).filter(|v| !v.is_empty()) {
                let value = if common == "origin" { self.address(common, value)? } else { value.to_owned() };
                values.insert(common.to_owned(), value);
            }
        }
        Ok(values)
    }

    fn address(&self, name: &str, value: &str) -> Result<String, SetupFault> {
        address::base(value).map_err(|message| self.param_fault(name, message))
    }

    /// Whether a parameter brings an address or part of one: it is one, or a choice of the file's author brings it.
    pub(crate) fn brings_address(&self, name: &str) -> bool {
        let declared = self.params.get(name).is_some_and(|p| p.url);
        declared || self.params.values().any(|p| p.choices.values().any(|brings| brings.contains_key(name)))
    }

    /// Whether a place or a formula may ask for it.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.params.contains_key(name)
            || COMMON.contains(&name)
            || self.params.values().any(|p| !p.choices.is_empty() && p.choices.values().all(|b| b.contains_key(name)))
    }
}

/// The parts of a secret by name. All but a `session_token` must be there.
pub(crate) fn secret_parts(provider: &Provider, secret: &str) -> Result<BTreeMap<String, String>, SetupFault> {
    if provider.secret.is_empty() {
        return Ok(BTreeMap::new());
    }
    let parts: Vec<&str> = secret.splitn(provider.secret.len(), ':').map(str::trim).collect();
    let needed = provider.secret.iter().filter(|name| *name != "session_token").count();
    if parts.len() < needed || parts.iter().any(|part| part.is_empty()) {
        return Err(provider.secret_fault(format!("is written {}", provider.secret.join(":"))));
    }
    Ok(provider.secret.iter().cloned().zip(parts.into_iter().map(str::to_owned)).collect())
}

/// The texts of a JSON body filled in; numbers and the rest stay.
pub(crate) fn fill_json(
    value: &serde_json::Value,
    fill: &impl Fn(&Template) -> String,
) -> Result<serde_json::Value, String> {
    use serde_json::Value;
    Ok(match value {
        Value::String(text) => Value::String(fill(&Template::parse(text)?)),
        Value::Array(items) => Value::Array(items.iter().map(|v| fill_json(v, fill)).collect::<Result<_, _>>()?),
        Value::Object(entries) => {
            let filled = entries.iter().map(|(k, v)| Ok((k.clone(), fill_json(v, fill)?)));
            Value::Object(filled.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}
