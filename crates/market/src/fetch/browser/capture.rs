//! Watching what a page sends and gets until its own search is answered, or until it shows that this is not to be had.

use super::network::{classify, is_asked, is_challenge, search_body};
use super::tab::{Ask, TabError, ours};
use super::tiles;
use crate::fetch::wire::{Page, parse_page};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chromiumoxide::cdp::browser_protocol::fetch::{EventRequestPaused, FailRequestParams};
use chromiumoxide::cdp::browser_protocol::network::{
    ErrorReason, EventLoadingFailed, EventLoadingFinished, EventRequestWillBeSent, EventResponseReceived,
    GetRequestPostDataParams, GetResponseBodyParams, RequestId, ResourceType, Response,
};
use chromiumoxide::error::CdpError;
use chromiumoxide::listeners::EventStream;
use engine::FetchError;
use futures::StreamExt;
use model::Clock;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Longest answer that is read; real ones are about 150 kB.
const MAX_BODY: usize = 4 << 20;
/// How often a page is looked at while nothing happens on the wire.
const LOOK: Duration = Duration::from_millis(200);
/// Tiles that stand there this long without a search having been seen: there will be none.
const GRACE: Duration = Duration::from_millis(1_500);

/// What a page came to.
pub(super) enum Seen {
    /// Its own search was answered so.
    Answer(Page),
    /// It shows tiles, but its search cannot be read.
    Tiles,
}

/// The listeners of one page; made before it goes anywhere.
pub(super) struct Capture {
    sent: EventStream<EventRequestWillBeSent>,
    received: EventStream<EventResponseReceived>,
    finished: EventStream<EventLoadingFinished>,
    failed: EventStream<EventLoadingFailed>,
    paused: EventStream<EventRequestPaused>,
}

/// What is known so far. Each kind of event comes by a stream of its own, so the end of an answer may be seen before its
/// beginning: what is needed of both is kept until both are there.
#[derive(Default)]
struct Sofar {
    search: Option<RequestId>,
    answers: HashMap<RequestId, Response>,
    ended: HashSet<RequestId>,
    document: Option<(RequestId, Response)>,
    tiles_since: Option<Instant>,
    challenged: Option<(Instant, FetchError)>,
}

/// What is to be looked at next.
enum Step {
    Sent(Box<EventRequestWillBeSent>),
    Received(Box<EventResponseReceived>),
    Finished(RequestId),
    Failed(RequestId),
    Paused(Box<EventRequestPaused>),
    Went(Result<(), CdpError>),
    Look,
    Ended,
}

impl Capture {
    pub(super) async fn listen(page: &chromiumoxide::Page) -> Result<Self, CdpError> {
        Ok(Self {
            sent: page.event_listener().await?,
            received: page.event_listener().await?,
            finished: page.event_listener().await?,
            failed: page.event_listener().await?,
            paused: page.event_listener().await?,
        })
    }

    /// Goes to `url` and watches. The caller sets the deadline.
    pub(super) async fn run(
        mut self,
        page: &chromiumoxide::Page,
        url: &str,
        ask: &Ask<'_>,
        patience: Duration,
        clock: &dyn Clock,
    ) -> Result<Seen, TabError> {
        let mut sofar = Sofar::default();
        let mut going = Box::pin(async { page.goto(url).await.map(drop) });
        let (mut went, mut look) = (false, tokio::time::interval(LOOK));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                biased;
                Some(event) = self.paused.next() => Step::Paused(Box::new((*event).clone())),
                Some(event) = self.sent.next() => Step::Sent(Box::new((*event).clone())),
                Some(event) = self.received.next() => Step::Received(Box::new((*event).clone())),
                Some(event) = self.finished.next() => Step::Finished(event.request_id.clone()),
                Some(event) = self.failed.next() => Step::Failed(event.request_id.clone()),
                done = &mut going, if !went => Step::Went(done),
                _ = look.tick() => Step::Look,
                else => Step::Ended,
            };
            went |= matches!(step, Step::Went(_));
            let seen = match step {
                Step::Look if went => sofar.look(page, patience).await?,
                Step::Went(Err(error)) if sofar.document.is_none() => return Err(unreachable(&error).into()),
                Step::Ended => return Err(ours("its page ended")),
                step => {
                    sofar.note(page, step, ask).await?;
                    sofar.read(page, clock).await?
                }
            };
            if let Some(seen) = seen {
                return Ok(seen);
            }
        }
    }
}

impl Sofar {
    async fn note(&mut self, page: &chromiumoxide::Page, step: Step, ask: &Ask<'_>) -> Result<(), TabError> {
        match step {
            Step::Paused(event) => {
                let refuse = FailRequestParams::new(event.request_id.clone(), ErrorReason::BlockedByClient);
                page.execute(refuse).await.map_err(ours)?;
            }
            Step::Sent(event) => {
                let Some(mut body) = search_body(&event.request) else { return Ok(()) };
                if body.is_empty() {
                    let asked = page.execute(GetRequestPostDataParams::new(event.request_id.clone())).await;
                    body = asked.map(|answer| answer.result.post_data.clone().into_bytes()).unwrap_or_default();
                }
                // The latest one: the page may ask twice, first without what it then knows.
                if is_asked(&body, ask) {
                    self.search = Some(event.request_id);
                }
            }
            Step::Received(event) if event.r#type == ResourceType::Document => {
                self.document = Some((event.request_id, event.response));
            }
            Step::Received(event) if matches!(event.r#type, ResourceType::Fetch | ResourceType::Xhr) => {
                self.answers.insert(event.request_id, event.response);
            }
            Step::Finished(id) => drop(self.ended.insert(id)),
            Step::Failed(id) if self.search.as_ref() == Some(&id) => self.search = None,
            _ => {}
        }
        Ok(())
    }

    /// Reads what is answered in full: the search, or the page itself.
    async fn read(&mut self, page: &chromiumoxide::Page, clock: &dyn Clock) -> Result<Option<Seen>, TabError> {
        let ended = self.search.clone().filter(|id| self.ended.contains(id));
        if let Some((id, response)) = ended.and_then(|id| self.answers.remove_entry(&id)) {
            let Some(body) = body(page, id).await else {
                // Gone from the browser's memory: the tiles remain.
                self.search = None;
                return Ok(None);
            };
            if response.status == 200 && !is_challenge(&response, &body) {
                return Ok(Some(Seen::Answer(parse_page(&body)?)));
            }
            return Err(classify(&response, &body, clock.now()).into());
        }
        let Some((id, response)) = self.document.as_ref().filter(|(id, _)| self.ended.contains(id)).cloned() else {
            return Ok(None);
        };
        // A page that goes on to another comes with a document of its own.
        self.ended.remove(&id);
        let body = body(page, id).await.unwrap_or_default();
        let may_pass = is_challenge(&response, &body) && !is_final(&body);
        if may_pass {
            let error = classify(&response, &body, clock.now());
            let since = self.challenged.take().map_or_else(Instant::now, |(since, _)| since);
            self.challenged = Some((since, error));
        } else if response.status >= 400 || is_challenge(&response, &body) {
            return Err(classify(&response, &body, clock.now()).into());
        } else {
            self.challenged = None;
        }
        Ok(None)
    }

    /// Nothing on the wire: what does the page show?
    async fn look(&mut self, page: &chromiumoxide::Page, patience: Duration) -> Result<Option<Seen>, TabError> {
        if let Some((since, error)) = &self.challenged {
            let over = since.elapsed() >= patience;
            return if over { Err(error.clone().into()) } else { Ok(None) };
        }
        if self.search.is_some() {
            return Ok(None);
        }
        if !tiles::stand(page).await.map_err(ours)? {
            self.tiles_since = None;
            return Ok(None);
        }
        let since = *self.tiles_since.get_or_insert_with(Instant::now);
        Ok((since.elapsed() >= GRACE).then_some(Seen::Tiles))
    }
}

/// A block that no waiting lifts, unlike a challenge that the browser may pass by itself.
fn is_final(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(65_536)]).to_lowercase();
    ["you have been blocked", "access denied"].iter().any(|words| text.contains(words))
}

async fn body(page: &chromiumoxide::Page, id: RequestId) -> Option<Vec<u8>> {
    let answer = page.execute(GetResponseBodyParams::new(id)).await.ok()?;
    let (text, encoded) = (&answer.result.body, answer.result.base64_encoded);
    let body = if encoded { STANDARD.decode(text).ok()? } else { text.clone().into_bytes() };
    (body.len() <= MAX_BODY).then_some(body)
}

fn unreachable(error: &CdpError) -> FetchError {
    FetchError::Transient(format!("the search page could not be reached: {error}"))
}
