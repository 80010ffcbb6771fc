//! `/api/v1/events`: server-sent events of what was committed.

use crate::server::Shared;
use crate::{ApiError, Viewer};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// What anybody may hear; alerts are never public.
const PUBLIC: &[&str] = &["crawl", "leaderboard"];

struct Listener {
    receiver: Receiver<engine::Event>,
    stop: CancellationToken,
    viewer: Viewer,
    sent: u64,
    /// Something was missed: before this connection, or because it is slow.
    missed: bool,
    _permit: OwnedSemaphorePermit,
}

pub(crate) async fn events(
    State(shared): State<Shared>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let permit = Arc::clone(&shared.listeners).try_acquire_owned();
    let permit = permit.map_err(|_| ApiError::unavailable("too many listeners; try again later"))?;
    let listener = Listener {
        receiver: shared.engine.subscribe(),
        stop: shared.stop.clone(),
        viewer,
        sent: 0,
        missed: headers.contains_key("last-event-id"),
        _permit: permit,
    };
    let hello = Event::default().retry(Duration::from_secs(5)).comment("tidewatch");
    let stream = stream::once(async { Ok(hello) });
    let stream = futures::StreamExt::chain(stream, stream::unfold(listener, next));
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// The next event this listener may hear; ends with the process, so that a stop need not wait for listeners.
async fn next(mut listener: Listener) -> Option<(Result<Event, Infallible>, Listener)> {
    if std::mem::take(&mut listener.missed) {
        return Some(listener.send("resync", &json!({})));
    }
    loop {
        let heard = tokio::select! {
            () = listener.stop.cancelled() => return None,
            heard = listener.receiver.recv() => heard,
        };
        match heard {
            Ok(event) if listener.viewer.is_known() || PUBLIC.contains(&&*event.name) => {
                return Some(listener.send(&event.name, &event.data));
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return Some(listener.send("resync", &json!({}))),
            Err(RecvError::Closed) => return None,
        }
    }
}

impl Listener {
    fn send(mut self, name: &str, data: &Value) -> (Result<Event, Infallible>, Self) {
        self.sent += 1;
        let event = Event::default().event(name).id(self.sent.to_string()).data(data.to_string());
        (Ok(event), self)
    }
}
