//! The one way out: a real send and a test take the same path, through the same guard.

use crate::destination::Destination;
use crate::guard::{GuardedResolver, Lookup, Reach, Refusal, SystemLookup, check_url};
use crate::mail;
use crate::message::Message;
use crate::text::Language;
use crate::wire::{Answer, Prepared, PreparedRequest, Verdict};
use model::SharedClock;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, redirect};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Most of an answer that is looked at, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What came of trying a channel, free of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What it means.
    pub verdict: Verdict,
    /// HTTP status or SMTP reply code; `None` without an answer.
    pub status: Option<u16>,
    /// The beginning of what the other side said; `None` without an answer.
    pub said: Option<String>,
}

/// How messages leave.
#[derive(Clone)]
pub struct SenderOptions {
    /// The TLS set-up to share; `None` makes one of the machine's root certificates.
    pub tls: Option<rustls::ClientConfig>,
    /// Who resolves names.
    pub lookup: Arc<dyn Lookup>,
    /// Longest time to connect. Real time: the network does not know the product's clock.
    pub connect: Duration,
    /// Longest time for a whole exchange, real time too; much shorter than a lease.
    pub total: Duration,
    /// What it calls itself.
    pub user_agent: String,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self {
            tls: None,
            lookup: Arc::new(SystemLookup),
            connect: Duration::from_secs(10),
            total: Duration::from_secs(20),
            user_agent: concat!("tidewatch/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    public: Client,
    private: Client,
    options: Arc<SenderOptions>,
    clock: SharedClock,
}

impl Sender {
    /// Makes the clients; fails when TLS cannot be set up.
    pub fn new(options: SenderOptions, clock: SharedClock) -> Result<Self, reqwest::Error> {
        let public = client(&options, Reach::Public)?;
        let private = client(&options, Reach::Private)?;
        Ok(Self { public, private, options: Arc::new(options), clock })
    }

    /// Sends a message and says what came of it. The texts in the verdict are free of the channel's secrets.
    pub async fn send(&self, to: &Destination, message: &Message) -> Verdict {
        self.exchange(to, message).await.verdict
    }

    /// Tries a channel: the very path of a real send. Says what the other side said, too.
    pub async fn test(&self, to: &Destination, language: Language) -> Trial {
        self.exchange(to, &Message::test(self.clock.now(), language)).await
    }

    async fn exchange(&self, to: &Destination, message: &Message) -> Trial {
        let answer = match to.channel.request(message, self.clock.now()) {
            Prepared::Http(request) => self.http(to.reach, *request).await,
            Prepared::Mail(mail) => {
                let resolver = GuardedResolver::new(self.options.lookup.clone(), to.reach);
                let sent = mail::send(*mail, &resolver, self.options.total);
                let in_time = tokio::time::timeout(self.options.total, sent).await;
                in_time.unwrap_or_else(|_| Err(Verdict::retry("timed out")))
            }
            Prepared::Unfit(why) => Err(Verdict::refused(why)),
        };
        let said =
            answer.as_ref().ok().map(|answer| (answer.status, to.redact(&String::from_utf8_lossy(&answer.body))));
        let verdict = match answer.map_or_else(|verdict| verdict, |answer| to.channel.judge(&answer)) {
            Verdict::Delivered => Verdict::Delivered,
            Verdict::Retry { after, why } => Verdict::Retry { after, why: to.redact(&why) },
            Verdict::Refused { why } => Verdict::Refused { why: to.redact(&why) },
        };
        let (status, said) = said.unzip();
        Trial { verdict, status, said }
    }

    async fn http(&self, reach: Reach, request: PreparedRequest) -> Result<Answer, Verdict> {
        check_url(&request.url, reach).map_err(|refusal| Verdict::refused(refusal.to_string()))?;
        let client = match reach {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
        };
        let headers = headers(&request).ok_or_else(|| Verdict::refused("impossible header"))?;
        let sent = client.request(request.method, request.url).headers(headers).body(request.body).send().await;
        let mut response = sent.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER - body.len())]);
            if body.len() == MAX_ANSWER {
                break;
            }
        }
        Ok(Answer { status, headers, body, at: self.clock.now() })
    }
}

fn client(options: &SenderOptions, reach: Reach) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(options.connect)
        .timeout(options.total)
        .pool_max_idle_per_host(1)
        .user_agent(&options.user_agent)
        // A proxy would resolve names itself, past the guard.
        .no_proxy()
        .dns_resolver(GuardedResolver::new(options.lookup.clone(), reach));
    if let Some(tls) = &options.tls {
        builder = builder.tls_backend_preconfigured(tls.clone());
    }
    builder.build()
}

fn headers(request: &PreparedRequest) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in &request.headers {
        let mut value = HeaderValue::try_from(value.reveal()).ok()?;
        value.set_sensitive(true);
        map.insert(HeaderName::try_from(name).ok()?, value);
    }
    Some(map)
}

/// What an exchange without an answer means. The URL is left out, it may hold the secret.
fn failed(error: reqwest::Error) -> Verdict {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(refusal) = inner.downcast_ref::<Refusal>() {
            return Verdict::refused(refusal.to_string());
        }
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    if error.is_timeout() {
        return Verdict::retry("timed out");
    }
    if error.is_builder() { Verdict::refused(text) } else { Verdict::retry(text) }
}
