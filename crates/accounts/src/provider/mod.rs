//! A provider is data: one file says how to ask and what the answer means. The language of its formulas is described
//! in [`crate::formula`], that of its `${places}` in [`Template`].

mod catalog;
mod check;
mod http_json;
mod params;
mod read;
mod sample;
mod template;
mod yaml;

pub use catalog::{BUILT_IN, Catalog};
pub use http_json::http_json_params;
pub use params::{Param, Params, SetupFault};
pub use read::{ReadRules, Warning, WindowRule};
pub use sample::{Sample, SampleFault};
pub use template::Template;

pub(crate) use params::{Values, fill_json, secret_parts};
pub(crate) use template::Fillings;

use crate::document::Format;
use crate::formula::Formula;
use crate::reading::ReadingStatus;
use crate::signer::Signer;
use engine::upstream::UpstreamPolicy;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// A turn further away than this is the schedule's to wait for, not a worker's.
const LONGEST_TURN: Duration = Duration::from_secs(10);

/// What kind of amount an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Money.
    Balance,
    /// Credits or points.
    Credits,
    /// Tokens, characters, requests: an allowance.
    Tokens,
}

impl Kind {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Credits => "credits",
            Self::Tokens => "tokens",
        }
    }
}

/// A provider, as its file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in the configuration; that of the file.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Where the provider documents this.
    pub docs: String,
    /// What an account of it holds.
    pub kind: Kind,
    /// What to know before using it: which key, what the number covers.
    #[serde(default)]
    pub about: Option<String>,
    /// The parts of the secret, in order, written with a colon between them. None: it is one text.
    #[serde(default)]
    pub secret: Vec<String>,
    /// What the user may or must set.
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// How often it may be asked.
    pub rate_limit: RateLimit,
    /// What several requests have to do with each other.
    #[serde(default)]
    pub combine: Combine,
    /// How the secret is shown, unless the request says otherwise.
    #[serde(default)]
    pub auth: Auth,
    /// When an answer of 2xx is one, unless the request says otherwise.
    #[serde(default)]
    pub success: Option<Formula>,
    /// The provider's own words in a failure, unless the request says otherwise.
    #[serde(default)]
    pub message: Option<Formula>,
    /// What failures mean, tried in order before the HTTP status is asked.
    #[serde(default)]
    pub errors: Vec<ErrorRule>,
    /// How to ask.
    pub requests: Vec<Request>,
    /// Answers and what they mean: every built-in provider has at least one.
    #[serde(default)]
    pub samples: Vec<Sample>,
}

/// How often a provider may be asked, by all of its accounts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// So many requests …
    pub requests: u32,
    /// … in so many seconds.
    pub seconds: u32,
    /// Whether the provider says so; otherwise it is a careful guess.
    #[serde(default)]
    pub documented: bool,
}

impl RateLimit {
    /// As the engine's limiter takes it. Half of a documented limit is left to the user's own use.
    pub fn policy(self) -> UpstreamPolicy {
        let rate = f64::from(self.requests.max(1)) / f64::from(self.seconds.max(1));
        let rate = if self.documented { rate / 2.0 } else { rate };
        let burst = if rate < 1.0 { 1 } else { 2 };
        UpstreamPolicy { rate, burst, max_wait: LONGEST_TURN, ..UpstreamPolicy::default() }
    }
}

/// What several requests have to do with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// The first that gives a reading counts; the next is asked where one is refused or not understood, but not where
    /// the provider is in trouble or wants fewer questions.
    #[default]
    First,
    /// All that give a reading count, and of them the least.
    Lowest,
    /// Each gives some of the fields; all must answer.
    Merge,
}

/// How the secret is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// Not at all, or by `${secret}` in the address, the query or the body.
    None,
    /// `Authorization: Bearer …`
    #[default]
    Bearer,
    /// `Authorization: Basic …` of `user:password`; a secret without a colon is the user.
    Basic,
    /// In a header.
    Header {
        /// Its name.
        name: String,
        /// What stands before the secret, such as `Token `.
        #[serde(default)]
        prefix: String,
    },
    /// In the query.
    Query {
        /// The parameter's name.
        name: String,
    },
    /// By a signature.
    Sign(Signer),
}

/// GET or POST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// GET.
    #[default]
    Get,
    /// POST.
    Post,
}

/// One question.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Its name, for samples and notes.
    pub name: String,
    /// GET unless said otherwise.
    #[serde(default)]
    pub method: Verb,
    /// Where to; what is filled in is percent-encoded.
    pub url: Template,
    /// Added to the address; a value that comes out empty is left out.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Sent beside those that the product sends by itself.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// A JSON body, with places in its texts.
    #[serde(default)]
    pub body: Option<serde_json::Value>,
    /// How the secret is shown, if otherwise than the provider's other requests.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// How the answer is written.
    #[serde(default)]
    pub format: Format,
    /// When an answer of 2xx is one, if otherwise than the provider's other requests.
    #[serde(default)]
    pub success: Option<Formula>,
    /// With `combine: lowest`: a refusal of this one fails nothing.
    #[serde(default)]
    pub optional: bool,
    /// With `combine: first`: asked after the one that counted, to add what that left out; a refusal fails nothing.
    #[serde(default)]
    pub adds: bool,
    /// With `combine: lowest`: whether, after this answer, the next is worth asking.
    #[serde(default)]
    pub ask_next: Option<Formula>,
    /// An answer for which this holds says nothing, though it is well-formed.
    #[serde(default)]
    pub says_nothing: Option<Formula>,
    /// What to read.
    pub read: ReadRules,
}

/// What a failure means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRule {
    /// Holds for such a failure.
    pub when: Formula,
    /// What it is.
    pub is: ReadingStatus,
}

/// A provider file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{fault}")]
pub struct ProviderFault {
    /// The file.
    pub file: String,
    /// Line, column, key, what is wrong and how to mend it.
    pub fault: String,
}

impl Provider {
    /// Reads a provider's file; `file` is its name for the fault, and without its ending the provider's.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProviderFault> {
        let fault = |fault: String| ProviderFault { file: file.to_owned(), fault };
        let provider: Self = yaml::read(text).map_err(|f| fault(f.to_string()))?;
        let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".yaml").trim_end_matches(".yml");
        if provider.name != stem {
            let name = &provider.name;
            return Err(fault(format!(" name: `{name}` in a file called {stem}: call both the same")));
        }
        provider.check().map_err(|f| fault(format!(" {f}")))?;
        Ok(provider)
    }

    pub(crate) fn auth_of<'a>(&'a self, request: &'a Request) -> &'a Auth {
        request.auth.as_ref().unwrap_or(&self.auth)
    }

    pub(crate) fn success_of<'a>(&'a self, request: &'a Request) -> Option<&'a Formula> {
        request.success.as_ref().or(self.success.as_ref())
    }

    /// Whether a reading of this request alone need not say anything.
    pub(crate) fn is_partial(&self, request: &Request) -> bool {
        self.combine == Combine::Merge || request.adds
    }
}

#[cfg(test)]
mod tests;
