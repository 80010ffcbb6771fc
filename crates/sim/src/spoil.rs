//! Turns an answer into the bytes on the wire, spoilt as the fault says.

use crate::answer::Answer;
use crate::faults::Fault;
use crate::rng::mix;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER, SERVER, VARY, VIA};
use axum::http::{HeaderName, StatusCode, response};
use axum::response::Response;
use futures::{Stream, stream};
use std::io;
use std::time::Duration;

const CF_RAY: HeaderName = HeaderName::from_static("cf-ray");
const BLOCK_PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>Attention Required! | Cloudflare</title>\
    </head><body><h1>Sorry, you have been blocked</h1><p>You are unable to access api.mercari.jp</p>\
    <p>Cloudflare Ray ID: simulated</p></body></html>\n";

const CHALLENGE_PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en-US\"><head><title>Just a moment...</title></head>\
    <body><div id=\"cf-chl-widget\">Verify you are human by completing the action below.</div></body></html>\n";
const HUNG_PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>検索結果</title></head><body><script>for (;;) {}</script></body></html>\n";

/// The answer a fault puts in place of the real one, if it is of that sort.
pub(crate) fn instead(fault: &Fault) -> Option<Answer> {
    let html = "text/html; charset=UTF-8";
    match fault {
        Fault::TooManyRequests { .. } => Some(Answer::grpc(429, 8, "too many requests")),
        Fault::ServerError { status } => {
            let body = "upstream connect error or disconnect/reset before headers".to_owned();
            Some(Answer { status: *status, content_type: "text/plain", body })
        }
        Fault::Blocked | Fault::NoBrowser => {
            Some(Answer { status: 403, content_type: html, body: BLOCK_PAGE.to_owned() })
        }
        Fault::Challenge => Some(Answer { status: 403, content_type: html, body: CHALLENGE_PAGE.to_owned() }),
        Fault::HungPage => Some(Answer { status: 200, content_type: html, body: HUNG_PAGE.to_owned() }),
        Fault::Unauthorized => Some(Answer::grpc(401, 3, "unauthorized: invalid token")),
        _ => None,
    }
}

fn http_date(second: i64) -> String {
    let instant = jiff::Timestamp::from_second(second).unwrap_or_default();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&instant).unwrap_or_default()
}

fn head(answer: &Answer, fault: Option<&Fault>, now_ms: i64, serial: u64) -> response::Builder {
    let now = now_ms.div_euclid(1000);
    let mut head = Response::builder()
        .status(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header(CONTENT_TYPE, answer.content_type)
        .header(DATE, http_date(now))
        .header(SERVER, "cloudflare")
        .header(CF_RAY, format!("{:016x}-NRT", mix(serial)))
        .header(VIA, "1.1 google")
        .header(VARY, "Origin, Accept-Encoding");
    if let Some(Fault::TooManyRequests { retry_after_s: Some(wait), http_date: as_date }) = fault {
        let text = if *as_date { http_date(now + i64::from(*wait)) } else { wait.to_string() };
        head = head.header(RETRY_AFTER, text);
    }
    head
}

/// The whole response. `serial` numbers the requests.
pub(crate) fn respond(answer: Answer, fault: Option<&Fault>, now_ms: i64, serial: u64) -> Response {
    let mut head = head(&answer, fault, now_ms, serial);
    let bytes = Bytes::from(answer.body);
    let half = bytes.slice(..bytes.len() / 2);
    let body = match fault {
        Some(Fault::MalformedJson) => Body::from(half),
        Some(Fault::CutOff { chunked }) => {
            if !chunked {
                head = head.header(CONTENT_LENGTH, bytes.len());
            }
            Body::from_stream(cut(half))
        }
        Some(Fault::SlowDrip { chunk_bytes, pause_ms }) => {
            Body::from_stream(drip(bytes, (*chunk_bytes).max(1), Duration::from_millis(*pause_ms)))
        }
        _ => Body::from(bytes),
    };
    head.body(body).unwrap_or_default()
}

/// The half, then a broken connection: an error at once would let nothing of it out.
fn cut(half: Bytes) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold((half, 0), |(half, step)| async move {
        match step {
            0 => Some((Ok(half.clone()), (half, 1))),
            1 => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Err(io::ErrorKind::ConnectionReset.into()), (half, 2)))
            }
            _ => None,
        }
    })
}

fn drip(bytes: Bytes, size: usize, pause: Duration) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold((bytes, true), move |(mut bytes, first)| async move {
        if bytes.is_empty() {
            return None;
        }
        if !first {
            tokio::time::sleep(pause).await;
        }
        let piece = bytes.split_to(size.min(bytes.len()));
        Some((Ok(piece), (bytes, false)))
    })
}
