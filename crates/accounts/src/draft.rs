//! An account as people state it, held against what its provider asks for. Pure but for the sealing.

use crate::inquiry::Inquiry;
use crate::manual::{self, Manual};
use crate::options::AccountOptions;
use crate::provider::{Catalog, Params};
use crate::store::{AccountDraft, AccountPatch};
use crate::threshold::{Threshold, ThresholdsInput};
use crate::watch::Asked;
use api::openapi::LINE;
use model::{TargetState, WatchKind};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use settings::Secret;
use std::time::Duration;
use store::Keyring;

/// What is stated of an account; what is left out stays, or is the default.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AccountStated")]
pub struct Stated {
    /// What people call it.
    #[schemars(length(min = 1, max = 190), regex(pattern = LINE))]
    pub name: Option<String>,
    /// The provider's name.
    pub provider: Option<String>,
    /// The secret; never shown again.
    pub secret: Option<Secret>,
    /// The project or team it belongs to.
    #[schemars(length(max = 190), regex(pattern = LINE))]
    pub group: Option<String>,
    /// Free labels.
    #[schemars(length(max = 20), inner(length(max = 64), regex(pattern = LINE)))]
    pub tags: Option<Vec<String>>,
    /// What the provider's file asks for beside the secret.
    #[schemars(with = "Option<std::collections::BTreeMap<String, String>>")]
    pub params: Option<std::collections::BTreeMap<String, Value>>,
    /// A list of thresholds, or one.
    #[schemars(with = "Option<ThresholdsInput>")]
    pub thresholds: Option<Value>,
    /// Time between two looks; 60 s to 30 days.
    #[schemars(range(min = 60, max = 2_592_000))]
    pub interval_seconds: Option<u64>,
    /// Active or paused.
    pub state: Option<TargetState>,
}

const LONGEST_NAME: usize = 190;
const LONGEST_SECRET: usize = 8192;
const MOST_TAGS: usize = 20;

/// `abcd...wxyz`; of a short secret nothing is shown.
pub fn mask(secret: &str) -> String {
    let chars: Vec<char> = secret.trim().chars().collect();
    if chars.len() < 16 {
        return "...".into();
    }
    let part = |range: &[char]| range.iter().collect::<String>();
    format!("{}...{}", part(&chars[..4]), part(&chars[chars.len() - 4..]))
}

/// Whom to ask for an account of this provider, secret and parameters; says what is missing.
pub fn asked(providers: &Catalog, provider: &str, secret: &Secret, params: &Params) -> Result<Asked, String> {
    if provider == manual::NAME {
        return Manual::new(params).map(Asked::Manual).map_err(|e| e.to_string());
    }
    let params = providers.located(provider, params);
    let found = providers.get(provider, &params).map_err(|e| e.to_string())?;
    let inquiry = Inquiry::new(found, secret, &params).map_err(|e| e.to_string())?;
    Ok(Asked::Provider(Box::new(inquiry)))
}

impl Stated {
    fn text(field: &str, value: &str, longest: usize) -> Result<String, String> {
        let value = value.trim();
        if value.chars().count() > longest {
            return Err(format!("{field} is longer than {longest} characters"));
        }
        if value.chars().any(char::is_control) {
            return Err(format!("{field} holds a line break or another control character"));
        }
        Ok(value.to_owned())
    }

    fn name(&self) -> Result<Option<String>, String> {
        let name = self.name.as_deref().map(|name| Self::text("name", name, LONGEST_NAME)).transpose()?;
        match name {
            Some(name) if name.is_empty() => Err("name is empty".into()),
            name => Ok(name),
        }
    }

    fn tags(&self) -> Result<Option<Vec<String>>, String> {
        let Some(tags) = &self.tags else { return Ok(None) };
        if tags.len() > MOST_TAGS {
            return Err(format!("more than {MOST_TAGS} tags"));
        }
        let mut clean: Vec<String> = tags.iter().map(|tag| Self::text("tags", tag, 64)).collect::<Result<_, _>>()?;
        clean.retain(|tag| !tag.is_empty());
        clean.sort();
        clean.dedup();
        Ok(Some(clean))
    }

    fn params(&self) -> Result<Option<Params>, String> {
        let Some(params) = &self.params else { return Ok(None) };
        let read = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Ok((name.clone(), Self::text(&format!("params.{name}"), text, 4096)?)),
            Value::Number(number) => Ok((name.clone(), number.to_string())),
            Value::Bool(flag) => Ok((name.clone(), flag.to_string())),
            _ => Err(format!("params.{name} is neither text nor number")),
        };
        params.iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    fn thresholds(&self) -> Result<Option<Vec<Threshold>>, String> {
        let read = self.thresholds.as_ref().map(Threshold::read_all).transpose();
        read.map_err(|e| format!("thresholds: {e}"))
    }

    fn interval(&self) -> Result<Option<Duration>, String> {
        match self.interval_seconds {
            Some(seconds @ 60..=2_592_000) => Ok(Some(Duration::from_secs(seconds))),
            Some(seconds) => Err(format!("interval_seconds must be 60 to 2592000, got {seconds}")),
            None => Ok(None),
        }
    }

    fn secret(&self) -> Result<Option<&Secret>, String> {
        let given = self.secret.as_ref().filter(|secret| !secret.reveal().trim().is_empty());
        match given {
            Some(secret) if secret.reveal().len() > LONGEST_SECRET => {
                Err(format!("secret is longer than {LONGEST_SECRET} bytes"))
            }
            given => Ok(given),
        }
    }

    /// Whom a new account would ask.
    pub fn asked(&self, providers: &Catalog) -> Result<Asked, String> {
        let provider = self.provider.as_deref().ok_or("provider is missing")?;
        let secret = self.secret()?.cloned().unwrap_or_default();
        asked(providers, provider, &secret, &self.params()?.unwrap_or_default())
    }

    /// A new account. Says which field will not do and why.
    pub fn draft(
        &self,
        providers: &Catalog,
        keyring: &Keyring,
        options: &AccountOptions,
        origin: &'static str,
    ) -> Result<AccountDraft, String> {
        let name = self.name()?.ok_or("name is missing")?;
        let provider = self.provider.as_deref().map(str::trim).ok_or("provider is missing")?.to_owned();
        let params = self.params()?.unwrap_or_default();
        let whom = self.asked(providers)?;
        let amount = match &whom {
            Asked::Manual(_) => "balance".to_owned(),
            Asked::Provider(inquiry) => inquiry.provider().kind.as_str().to_owned(),
        };
        let secret = self.secret()?.map(|secret| sealed(keyring, secret)).transpose()?;
        let (secret, secret_hash, mask) = match secret {
            Some((sealed, hash, mask)) => (Some(sealed), Some(hash), mask),
            None => (None, None, String::new()),
        };
        let state = self.state.unwrap_or(TargetState::Active);
        if state == TargetState::Deleted {
            return Err("state must be active or paused".into());
        }
        Ok(AccountDraft {
            kind: WatchKind::Account,
            name,
            provider,
            group: Self::text("group", self.group.as_deref().unwrap_or_default(), LONGEST_NAME)?,
            tags: self.tags()?.unwrap_or_default(),
            amount,
            secret,
            secret_hash,
            mask,
            params,
            thresholds: self.thresholds()?.unwrap_or_default(),
            interval: self.interval()?.unwrap_or(options.interval),
            state,
            origin,
        })
    }

    /// What to change of an account of this provider whose secret is `secret` unless another is stated.
    pub fn patch(
        &self,
        providers: &Catalog,
        keyring: &Keyring,
        (provider, secret, params): (&str, &Secret, &Params),
    ) -> Result<AccountPatch, String> {
        if self.provider.as_deref().is_some_and(|stated| stated.trim() != provider) {
            return Err("provider cannot be changed; add a new account".into());
        }
        if self.state == Some(TargetState::Deleted) {
            return Err("state must be active or paused; DELETE removes an account".into());
        }
        let (stated_secret, stated_params) = (self.secret()?, self.params()?);
        if stated_secret.is_some() || stated_params.is_some() {
            let params = stated_params.as_ref().unwrap_or(params);
            asked(providers, provider, stated_secret.unwrap_or(secret), params)?;
        }
        Ok(AccountPatch {
            name: self.name()?,
            group: self.group.as_deref().map(|group| Self::text("group", group, LONGEST_NAME)).transpose()?,
            tags: self.tags()?,
            secret: stated_secret.map(|secret| sealed(keyring, secret)).transpose()?,
            params: stated_params,
            thresholds: self.thresholds()?,
            interval: self.interval()?,
            state: self.state,
        })
    }
}

/// The sealed secret, its fingerprint and its masked form.
fn sealed(keyring: &Keyring, secret: &Secret) -> Result<(String, String, String), String> {
    let text = secret.reveal().trim();
    let sealed = keyring.seal(text).map_err(|e| e.to_string())?;
    let hash = keyring.fingerprint(text).map_err(|e| e.to_string())?;
    Ok((sealed, hash, mask(text)))
}
