//! What one process tells goes on to the others: a wake-up of the schedule, an event for pages and rankings. Losing one
//! costs the wait until the next look.

use crate::{FleetError, Link};
use engine::{Engine, Event, News};
use futures::StreamExt as _;
use redis::{Value, cmd};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

const CHANNEL: &str = "tidewatch:news";
/// Before listening again after a loss.
const PAUSE: Duration = Duration::from_secs(1);
/// Nothing heard for so long: Redis is asked whether it is still there …
const SILENCE: Duration = Duration::from_secs(15);
/// … and answers within this.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

#[derive(Serialize, Deserialize)]
struct Letter {
    from: String,
    /// The event's name; none is a wake-up.
    name: Option<String>,
    #[serde(default)]
    data: serde_json::Value,
}

/// Passes news on in both directions until `stop`. `name` tells this process from the others.
pub async fn relay(link: Link, engine: Arc<Engine>, name: String, stop: CancellationToken) {
    tokio::join!(speak(&link, &engine, &name, &stop), listen(&link, &engine, &name, &stop));
}

async fn speak(link: &Link, engine: &Engine, name: &str, stop: &CancellationToken) {
    let mut news = engine.subscribe_own();
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = news.recv() => heard,
        };
        let letter = match heard {
            Ok(News::Wake) => Letter { from: name.into(), name: None, data: serde_json::Value::Null },
            // Every process makes its own ranking, and tells of it itself.
            Ok(News::Event(event)) if event.name == "leaderboard" => continue,
            Ok(News::Event(event)) => {
                Letter { from: name.into(), name: Some(event.name.into_owned()), data: event.data }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "the other processes were not told of some events");
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        let text = serde_json::to_string(&letter).unwrap_or_default();
        let publish = cmd("PUBLISH").arg(&[CHANNEL, &text]).to_owned();
        if let Err(e) = publish.query_async::<Value>(&mut link.shared()).await {
            tracing::debug!(error = %e, "not passed on; the others find out at their next look");
        }
    }
}

async fn listen(link: &Link, engine: &Engine, name: &str, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let listened = tokio::select! {
            () = stop.cancelled() => return,
            listened = listen_once(link, engine, name) => listened,
        };
        if let Err(e) = listened {
            tracing::debug!(error = %e, "not listening to the other processes");
        }
        // What was told meanwhile is unknown, so the schedule is looked at.
        engine.hear(News::Wake);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn listen_once(link: &Link, engine: &Engine, name: &str) -> Result<(), FleetError> {
    let mut listener = link.listener().await?;
    listener.subscribe(CHANNEL).await?;
    let (mut ask, mut messages) = listener.split();
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            // Silence may be that of a connection that leads nowhere any more.
            () = tokio::time::sleep(SILENCE) => {
                let answered = tokio::time::timeout(SIGN_OF_LIFE, ask.ping::<Value>());
                answered.await.map_err(|_| FleetError::Unreachable("no sign of life".into()))??;
                continue;
            }
        };
        let Some(message) = message else { return Ok(()) };
        let text: String = message.get_payload()?;
        match serde_json::from_str::<Letter>(&text) {
            Ok(letter) if letter.from == name => {}
            Ok(Letter { name: Some(event), data, .. }) => engine.hear(News::Event(Event { name: event.into(), data })),
            Ok(_) => engine.hear(News::Wake),
            Err(e) => tracing::debug!(error = %e, "news that make no sense"),
        }
    }
}
