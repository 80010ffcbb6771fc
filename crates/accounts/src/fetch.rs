//! Sending what an [`Inquiry`] prepares. Every origin has its limiter and its breaker; redirects are not followed.

use crate::inquiry::{Answer, Answered, Inquiry, Step};
use crate::reading::{Reading, ReadingStatus};
use crate::request::PreparedRequest;
use engine::http::{ClientSettings, body_capped, builder, is_challenge, retry_after, sent};
use engine::upstream::{Jitter, Upstream, backoff};
use engine::{FetchError, SharedPace};
use model::{SharedClock, Timestamp};
use notify::{GuardedResolver, Reach, Refusal, SystemLookup, check_url};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use trace::tracing::{Instrument as _, field::Empty};

/// Longest body of an answer that is read.
pub const BODY_CAP: usize = 1 << 20;
/// Longest time for one exchange.
pub const TIME_OUT: Duration = Duration::from_secs(15);
/// How often one request is sent at most.
pub const TRIES: u32 = 3;
/// A longer pause is the schedule's to keep, not a worker's.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Is told of every exchange with a provider.
pub trait Observer: Send + Sync + 'static {
    /// One exchange with the provider of this name came to `status` (a word of [`ReadingStatus`]) in `took` of real time.
    fn asked(&self, provider: &str, status: &'static str, took: Duration);

    /// A request waited so long for its turn, or was turned away after it.
    fn waited(&self, _took: Duration) {}
}

/// Sends requests and keeps the pace of every origin.
pub struct Fetcher {
    client: reqwest::Client,
    reach: Reach,
    clock: SharedClock,
    nonce: fn() -> String,
    rates: HashMap<String, f64>,
    observer: Option<Arc<dyn Observer>>,
    /// Where all processes take their turns, if there are several.
    pace: Option<Arc<dyn SharedPace>>,
    /// By origin: the provider's name, limiter and breaker.
    upstreams: Mutex<HashMap<String, (String, Arc<Upstream>)>>,
    jitter: Mutex<Jitter>,
}

/// Why one exchange gave no reading, and how the next try stands to it.
struct Failure {
    error: FetchError,
    again: bool,
}

impl Fetcher {
    /// A fetcher that speaks to the addresses of `reach` only, also after names are resolved. `Rejected` when TLS cannot
    /// be set up.
    pub fn new(settings: &ClientSettings, reach: Reach, clock: SharedClock) -> Result<Self, FetchError> {
        let resolver = GuardedResolver::new(Arc::new(SystemLookup), reach);
        let client = builder(settings)?.dns_resolver(resolver).build().map_err(sent)?;
        Ok(Self::over(client, reach, clock))
    }

    /// A fetcher over a client that exists. It must not follow redirects, and resolve names through a guard.
    pub fn over(client: reqwest::Client, reach: Reach, clock: SharedClock) -> Self {
        Self {
            client,
            reach,
            clock,
            nonce: || uuid::Uuid::new_v4().to_string(),
            rates: HashMap::new(),
            observer: None,
            pace: None,
            upstreams: Mutex::default(),
            jitter: Mutex::new(Jitter::new(uuid::Uuid::new_v4().as_u64_pair().0)),
        }
    }

    /// Asks providers (by name) at most so many times a second, whatever their files say.
    pub fn with_rates(mut self, rates: HashMap<String, f64>) -> Self {
        self.rates = rates;
        self
    }

    /// The account's reading. A refusal or an answer that is not understood is a reading with that status; trouble on
    /// the way, and being asked to wait, are errors that say when to try again.
    pub async fn fetch(&self, inquiry: &Inquiry) -> Result<Reading, FetchError> {
        let requests = inquiry.provider().requests.len();
        let mut answers: Vec<Option<Answered>> = vec![None; requests];
        let mut errors: Vec<Option<FetchError>> = vec![None; requests];
        loop {
            match inquiry.step(&answers) {
                Step::Done(from, reading) => {
                    return match reading.status {
                        ReadingStatus::Limited | ReadingStatus::Unreachable => {
                            Err(error_of(&mut errors, from, *reading))
                        }
                        _ => Ok(*reading),
                    };
                }
                Step::Ask(index) => {
                    let answered = self.ask(inquiry, index).await.unwrap_or_else(|error| {
                        let note = inquiry.redactor().note(&error.to_string());
                        let reading = Reading::failed(status_of(&error), note);
                        if let Some(slot) = errors.get_mut(index) {
                            *slot = Some(error);
                        }
                        Answered { reading, ask_next: true }
                    });
                    match answers.get_mut(index) {
                        Some(slot) => *slot = Some(answered),
                        None => return Err(FetchError::Rejected(format!("there is no request {index}"))),
                    }
                }
            }
        }
    }

    /// The time of day, as the fetcher's clock has it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells `observer` of every exchange.
    pub fn observed(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The same, taking its turns among those of all processes.
    #[must_use]
    pub fn sharing(mut self, pace: Option<Arc<dyn SharedPace>>) -> Self {
        self.pace = pace;
        self
    }

    /// The limiter and breaker of every origin asked so far, and whose it is, for the status page.
    pub fn upstreams(&self) -> Vec<(String, Arc<Upstream>)> {
        self.upstreams.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Goes on with the limiters and breakers of another fetcher, but for providers whose rate is another now.
    pub fn go_on_from(&self, other: &Self) {
        let theirs = other.upstreams.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let same = theirs.into_iter().filter(|(_, (name, _))| self.rates.get(name) == other.rates.get(name));
        self.upstreams.lock().unwrap_or_else(PoisonError::into_inner).extend(same);
    }

    async fn ask(&self, inquiry: &Inquiry, index: usize) -> Result<Answered, FetchError> {
        let mut attempt = 0;
        let mut last = None;
        loop {
            // Prepared anew each time: a nonce is good once, and a signature for minutes.
            let now = self.clock.now();
            let prepared = inquiry.prepare(index, now, &(self.nonce)());
            let prepared = prepared.map_err(|fault| FetchError::Rejected(fault.to_string()))?;
            let upstream = self.upstream(inquiry, &prepared);
            if let Err(postponed) = self.admit(&upstream, inquiry).await {
                // Why a second try may not go is told by the first.
                return Err(last.unwrap_or(postponed));
            }
            let begun = Instant::now();
            let provider = inquiry.provider().name.as_str();
            let span = trace::span!("request", otel.kind = "client", provider, outcome = Empty);
            let exchanged = self.exchange(inquiry, index, prepared).instrument(span.clone()).await;
            let status = exchanged.as_ref().map_or_else(|f| status_of(&f.error), |a| a.reading.status);
            span.record("outcome", status.as_str());
            let understood = exchanged.is_ok() && status != ReadingStatus::Malformed;
            upstream.took(begun.elapsed(), understood);
            if let Some(observer) = &self.observer {
                observer.asked(&inquiry.provider().name, status.as_str(), begun.elapsed());
            }
            let failure = match exchanged {
                Ok(answered) => {
                    upstream.succeeded();
                    return Ok(answered);
                }
                Err(failure) => failure,
            };
            upstream.failed(&failure.error);
            attempt += 1;
            let wait = self.wait(&failure.error, attempt);
            if !failure.again || attempt >= TRIES || wait > LONGEST_WAIT {
                return Err(failure.error);
            }
            last = Some(failure.error);
            tokio::time::sleep(self.clock.real(wait)).await;
        }
    }

    /// Waits for this request's turn.
    async fn admit(&self, upstream: &Upstream, inquiry: &Inquiry) -> Result<(), FetchError> {
        let begun = Instant::now();
        let provider = inquiry.provider().name.as_str();
        let admitted = upstream.admit().instrument(trace::span!("admit", provider)).await;
        if let Some(observer) = &self.observer {
            observer.waited(begun.elapsed());
        }
        admitted
    }

    /// What the provider asked for, and otherwise longer each time.
    fn wait(&self, error: &FetchError, attempt: u32) -> Duration {
        let jitter = self.jitter.lock().unwrap_or_else(PoisonError::into_inner).next();
        let own = backoff(attempt - 1, FIRST_WAIT, LONGEST_WAIT, jitter);
        match error {
            FetchError::Limited { retry_after: Some(asked), .. } => (*asked).max(own),
            _ => own,
        }
    }

    async fn exchange(&self, inquiry: &Inquiry, index: usize, prepared: PreparedRequest) -> Result<Answered, Failure> {
        let clean = |error: FetchError| match error {
            FetchError::Transient(text) => FetchError::Transient(inquiry.redactor().note(&text)),
            FetchError::Rejected(text) => FetchError::Rejected(inquiry.redactor().note(&text)),
            other => other,
        };
        let failure =
            |error: FetchError| Failure { again: matches!(error, FetchError::Transient(_)), error: clean(error) };
        let refused = |refusal: Refusal| Failure { error: FetchError::Rejected(refusal.to_string()), again: false };
        check_url(&prepared.url, self.reach).map_err(refused)?;
        let headers = header_map(&prepared).map_err(|error| Failure { error, again: false })?;
        let request =
            self.client.request(prepared.method, prepared.url).headers(headers).body(prepared.body).timeout(TIME_OUT);
        let response = request.send().await.map_err(|error| failure(sent(error)))?;
        let (http, headers) = (response.status().as_u16(), response.headers().clone());
        let body = match body_capped(response, BODY_CAP).await {
            Ok(body) => body,
            Err(FetchError::Malformed(words)) => {
                let reading = Reading::failed(ReadingStatus::Malformed, words);
                return Ok(Answered { reading, ask_next: true });
            }
            Err(error) => return Err(failure(error)),
        };
        let now = self.clock.now();
        let answered = inquiry.interpret(index, &Answer { http, headers: &headers, body: &body }, now);
        if is_challenge(&headers, &body) {
            return Err(Failure { error: FetchError::Blocked(format!("HTTP {http}, challenge")), again: false });
        }
        match trouble(&answered.reading, http, &headers, now) {
            Some(error) => Err(Failure { error, again: true }),
            None => Ok(answered),
        }
    }

    fn upstream(&self, inquiry: &Inquiry, prepared: &PreparedRequest) -> Arc<Upstream> {
        let origin = prepared.origin();
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        let known = upstreams.entry(origin.clone()).or_insert_with(|| {
            let mut policy = inquiry.provider().rate_limit.policy();
            if let Some(rate) = self.rates.get(&inquiry.provider().name) {
                policy.rate = *rate;
                policy.burst = rate.ceil().clamp(1.0, 1e6) as u32;
            }
            // Differs by origin, so that their requests do not fall together.
            let seed = origin.bytes().fold(7u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
            let upstream = Arc::new(Upstream::new(origin, policy, self.clock.clone(), seed).sharing(self.pace.clone()));
            (inquiry.provider().name.clone(), upstream)
        });
        Arc::clone(&known.1)
    }
}

/// The header values are marked, so that nothing that prints requests prints them.
fn header_map(prepared: &PreparedRequest) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &prepared.headers {
        let refused =
            || FetchError::Rejected(format!("the header {name} cannot be sent: it holds other than ASCII text"));
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| refused())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// An answer that says the provider is in trouble or wants fewer questions, as the limiter and the breaker see it.
fn trouble(reading: &Reading, http: u16, headers: &HeaderMap, now: Timestamp) -> Option<FetchError> {
    let words = || reading.note.clone().unwrap_or_else(|| format!("HTTP {http}"));
    let asked = retry_after(headers, now);
    match reading.status {
        ReadingStatus::Limited => Some(FetchError::Limited { retry_after: asked, message: words() }),
        ReadingStatus::Unreachable if http == 503 && asked.is_some() => {
            Some(FetchError::Limited { retry_after: asked, message: words() })
        }
        ReadingStatus::Unreachable => Some(FetchError::Transient(words())),
        _ => None,
    }
}

/// What an error means for the account, for the row that shows its last look.
pub fn status_of(error: &FetchError) -> ReadingStatus {
    match error {
        FetchError::Transient(_) | FetchError::Blocked(_) | FetchError::Postponed(_) => ReadingStatus::Unreachable,
        FetchError::Limited { .. } => ReadingStatus::Limited,
        FetchError::Rejected(_) => ReadingStatus::Unsupported,
        FetchError::Malformed(_) => ReadingStatus::Malformed,
    }
}

fn error_of(errors: &mut [Option<FetchError>], from: usize, reading: Reading) -> FetchError {
    let words = reading.note.unwrap_or_default();
    errors.get_mut(from).and_then(Option::take).unwrap_or(match reading.status {
        ReadingStatus::Limited => FetchError::Limited { retry_after: None, message: words },
        _ => FetchError::Transient(words),
    })
}
