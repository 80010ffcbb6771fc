//! One account at one provider, ready to be asked: everything but the sending.

use crate::conclude;
use crate::interpret;
use crate::provider::{Auth, Fillings, Params, Provider, Request, SetupFault, Template, Values, Verb, secret_parts};
use crate::reading::Reading;
use crate::redact::Redactor;
use crate::request::PreparedRequest;
use crate::signer::{Credentials, query_text};
use crate::{address, provider};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderMap;
use settings::Secret;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use url::Url;

/// One account at one provider, ready to be asked.
#[derive(Clone)]
pub struct Inquiry {
    pub(crate) provider: Arc<Provider>,
    pub(crate) values: Values,
    pub(crate) redactor: Redactor,
    secret: String,
    parts: BTreeMap<String, String>,
    prefer: Option<usize>,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub http: u16,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, whole.
    pub body: &'a [u8],
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The reading, or with several requests a part of it.
    pub reading: Reading,
    /// Whether the next request is worth asking.
    pub ask_next: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the request of this index.
    Ask(usize),
    /// This is the account's reading; the index is that of the request it comes from.
    Done(usize, Box<Reading>),
}

impl Inquiry {
    /// Holds an account's secret and parameters against what the provider's file asks for.
    pub fn new(provider: Arc<Provider>, secret: &Secret, params: &Params) -> Result<Self, SetupFault> {
        let secret = secret.reveal().trim().to_owned();
        if secret.is_empty() {
            return Err(provider.secret_fault("is empty"));
        }
        if secret.chars().any(char::is_control) {
            return Err(provider.secret_fault("holds a line break or another control character"));
        }
        let values = provider.values(params, &secret)?;
        let parts = secret_parts(&provider, &secret)?;
        let redactor = Redactor::new(parts.values().map(String::as_str).chain([secret.as_str()]));
        Ok(Self { provider, values, redactor, secret, parts, prefer: None })
    }

    /// Asks the request of this name first, because it gave the numbers last time.
    pub fn preferring(mut self, via: Option<&str>) -> Self {
        self.prefer = via.and_then(|via| self.provider.requests.iter().position(|request| request.name == via));
        self
    }

    /// Whose account it is.
    pub fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    /// Takes the secret out of a text that is about this account.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Every request there may be, ready to be sent now. `nonce` must be new each time.
    pub fn plan(&self, now: Timestamp, nonce: &str) -> Result<Vec<PreparedRequest>, SetupFault> {
        (0..self.provider.requests.len()).map(|index| self.prepare(index, now, nonce)).collect()
    }

    /// The request of this index, ready to be sent now: a signature does not last. `nonce` must be new each time.
    pub fn prepare(&self, index: usize, now: Timestamp, nonce: &str) -> Result<PreparedRequest, SetupFault> {
        let Some(request) = self.provider.requests.get(index) else {
            return Err(self.provider.param_fault("requests", format!("there is no request {index}")));
        };
        let fill = |template: &Template| template.fill(self.fillings(now));
        let mut prepared = PreparedRequest {
            method: match request.method {
                Verb::Get => Method::GET,
                Verb::Post => Method::POST,
            },
            url: self.address(request, now)?,
            headers: vec![("accept".into(), request.format.accepts().into())],
            body: Vec::new(),
        };
        if let Some(body) = &request.body {
            let body = provider::fill_json(body, &fill).map_err(|fault| self.provider.param_fault("body", fault))?;
            prepared.body = body.to_string().into_bytes();
            prepared.set_header("content-type", "application/json".into());
        }
        for (name, template) in &request.headers {
            prepared.set_header(name, fill(template));
        }
        self.show_secret(self.provider.auth_of(request), &mut prepared, now, nonce);
        Ok(prepared)
    }

    /// What the answer to the request of this index means. Pure; the note holds no secret.
    pub fn interpret(&self, index: usize, answer: &Answer<'_>, now: Timestamp) -> Answered {
        interpret::interpret(self, index, answer, now)
    }

    /// What to do once the requests have been answered as in `answers` (by index; `None` is not asked).
    pub fn step(&self, answers: &[Option<Answered>]) -> Step {
        conclude::step(&self.provider, self.prefer, answers)
    }

    pub(crate) fn fillings(&self, now: Timestamp) -> Fillings<'_> {
        Fillings { secret: &self.secret, parts: &self.parts, params: &self.values, now }
    }

    fn address(&self, request: &Request, now: Timestamp) -> Result<Url, SetupFault> {
        let text = request.url.fill_url(self.fillings(now), |name| self.provider.brings_address(name));
        // The faults say nothing of the address itself, which may hold the secret.
        let fault = |message: &str| self.provider.param_fault("url", format!("of `{}` {message}", request.name));
        let mut url = Url::parse(&text).map_err(|_| fault("comes out as no address"))?;
        if let Some(origin) = self.values.get("origin") {
            url = elsewhere(&url, origin).ok_or_else(|| fault("cannot be sent to this origin"))?;
        }
        address::allowed(&url).map_err(|message| fault(&message))?;
        let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let added = request.query.iter().map(|(name, value)| (name.clone(), value.fill(self.fillings(now))));
        pairs.extend(added.filter(|(_, value)| !value.is_empty()));
        if !pairs.is_empty() {
            url.set_query(Some(&query_text(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())))));
        }
        Ok(url)
    }

    fn show_secret(&self, auth: &Auth, request: &mut PreparedRequest, now: Timestamp, nonce: &str) {
        let secret = &self.secret;
        match auth {
            Auth::None => {}
            Auth::Bearer => request.set_header("authorization", format!("Bearer {secret}")),
            Auth::Basic => {
                let pair = if secret.contains(':') { secret.clone() } else { format!("{secret}:") };
                request.set_header("authorization", format!("Basic {}", STANDARD.encode(pair)));
            }
            Auth::Header { name, prefix } => request.set_header(name, format!("{prefix}{secret}")),
            Auth::Query { name } => {
                let own = query_text([(name.as_str(), secret.as_str())]);
                let query = request.url.query().map_or_else(|| own.clone(), |query| format!("{query}&{own}"));
                request.url.set_query(Some(&query));
            }
            Auth::Sign(signer) => {
                // `check` has seen that there are two parts or three.
                let part = |n: usize| self.provider.secret.get(n).and_then(|name| self.parts.get(name));
                let (id, secret) = (part(0), part(1));
                let who = Credentials {
                    id: id.map_or("", String::as_str),
                    secret: secret.map_or("", String::as_str),
                    token: part(2).map(String::as_str),
                };
                signer.sign(request, who, now, nonce);
            }
        }
    }
}

/// The same path and query at another origin, whose own path comes before it.
fn elsewhere(url: &Url, origin: &str) -> Option<Url> {
    let mut moved = Url::parse(&format!("{origin}{}", url.path())).ok()?;
    moved.set_query(url.query());
    Some(moved)
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inquiry({})", self.provider.name)
    }
}
