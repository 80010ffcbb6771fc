//! A webhook receiver that fails half the time by seed, takes its time over every message, and keeps a ledger of what
//! came, what it took and when it answered. Its time is real time: kills are measured against it.

use super::Failure;
use crate::dice::Dice;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Longest time a message is looked at, ms; so that a kill can fall into a send.
const LONGEST_LOOK: u64 = 40;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Taken, answered 200.
    Taken,
    /// Taken, but the connection ends without an answer.
    Cut,
    /// Not taken: the connection ends without an answer.
    Reset,
    /// Not taken: status 500.
    Failed,
    /// Not taken: status 429.
    Busy,
}

impl Fate {
    /// Half of all are taken and told so; the other half is spread over what can go wrong.
    const fn draw(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0 => Self::Cut,
            1 => Self::Reset,
            2 => Self::Failed,
            3 => Self::Busy,
            _ => Self::Taken,
        }
    }

    /// Whether people see the message.
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Taken | Self::Cut)
    }
}

/// A message that came.
#[derive(Clone, Debug)]
pub struct Post {
    /// When it was there.
    pub at: Instant,
    /// When it was answered, or the connection ended; `None` when the sender was gone before.
    pub over: Option<Instant>,
    /// What became of it.
    pub fate: Fate,
    /// The notices in it.
    pub ids: Vec<String>,
}

#[derive(Debug)]
struct Ledger {
    dice: Dice,
    posts: Vec<Post>,
}

/// The receiver; it ends with this value.
#[derive(Debug)]
pub(crate) struct Receiver {
    url: String,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Desk {
    ledger: Mutex<Ledger>,
    arrivals: watch::Sender<u64>,
}

impl Desk {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiver {
    pub(crate) async fn start(seed: u64) -> Result<Self, Failure> {
        let ledger = Ledger { dice: Dice::new(seed), posts: Vec::new() };
        let desk = Arc::new(Desk { ledger: Mutex::new(ledger), arrivals: watch::Sender::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let app = Router::new().route("/hook", post(take)).with_state(Arc::clone(&desk));
        let task = tokio::spawn(async move {
            // It serves until the task is aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, desk, task })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The number of messages so far, to be waited on.
    pub(crate) fn arrivals(&self) -> watch::Receiver<u64> {
        self.desk.arrivals.subscribe()
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.desk.ledger().posts.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(desk): State<Arc<Desk>>, body: Bytes) -> Response {
    let (number, fate, look) = {
        let mut ledger = desk.ledger();
        let (fate, look) = (Fate::draw(&mut ledger.dice), ledger.dice.below(LONGEST_LOOK));
        ledger.posts.push(Post { at: Instant::now(), over: None, fate, ids: ids(&body) });
        (ledger.posts.len() - 1, fate, look)
    };
    desk.arrivals.send_modify(|n| *n += 1);
    tokio::time::sleep(Duration::from_millis(look)).await;
    if let Some(post) = desk.ledger().posts.get_mut(number) {
        post.over = Some(Instant::now());
    }
    match fate {
        Fate::Taken => StatusCode::OK.into_response(),
        Fate::Failed => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fate::Busy => StatusCode::TOO_MANY_REQUESTS.into_response(),
        Fate::Cut | Fate::Reset => {
            // An error before the first byte ends the connection with nothing sent.
            let broken: io::Result<Bytes> = Err(io::ErrorKind::ConnectionReset.into());
            Response::new(Body::from_stream(futures::stream::iter([broken])))
        }
    }
}

fn ids(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let items = body["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()
}
