//! What the upstream answers to one request, before anything goes wrong.

use crate::replay::Asked;
use crate::server::Shared;
use crate::{dpop, legacy, request, web};
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

pub(crate) const SEARCH: &str = "/v2/entities:search";
pub(crate) const ITEMS_GET: &str = "/items/get";

/// One request, read whole.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it comes from a browser that a person might sit at, and not from a program or one without a screen.
    pub(crate) fn is_browser(&self) -> bool {
        let agent = self.header("user-agent").unwrap_or_default();
        self.header("sec-fetch-mode").is_some() && agent.contains("Chrome/") && !agent.contains("Headless")
    }

    /// The keyword of a search; empty otherwise.
    pub(crate) fn keyword(&self) -> String {
        if self.path() != SEARCH {
            return String::new();
        }
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["searchCondition"]["keyword"].as_str().unwrap_or_default().to_owned()
    }

    /// A parameter of the query string; ids and numbers need no decoding.
    fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.uri.query()?.split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// A status and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: String) -> Answer {
        Answer { status, content_type: "application/json", body }
    }

    pub(crate) fn grpc(status: u16, code: u32, message: &str) -> Answer {
        let body = json!({"code": code, "message": message, "requestId": "sim", "details": null});
        Answer::json(status, body.to_string())
    }
}

pub(crate) fn answer(shared: &Shared, call: &Call) -> Answer {
    match (call.path(), &call.method) {
        (web::PATH, &Method::GET) => {
            let query = call.uri.query().unwrap_or_default();
            return web::page(&shared.market, shared.page(), query, shared.shape, shared.now_ms());
        }
        (SEARCH, &Method::POST) | (ITEMS_GET, &Method::GET) => {}
        _ => {
            let body = "404 page not found".to_owned();
            return Answer { status: 404, content_type: "text/plain; charset=utf-8", body };
        }
    }
    if call.header("x-platform") != Some("web") {
        return Answer::json(400, legacy::unsupported_version().to_string());
    }
    if let Some(refusal) = refuse_proof(shared, call) {
        return refusal;
    }
    if call.path() == SEARCH { search(shared, &call.body) } else { item(shared, call) }
}

fn refuse_proof(shared: &Shared, call: &Call) -> Option<Answer> {
    if !shared.verify_dpop {
        return None;
    }
    let Some(token) = call.header("dpop") else {
        return Some(Answer::grpc(401, 16, "unauthorized: missing auth token"));
    };
    let error = dpop::verify(token, call.path(), call.method.as_str()).err()?;
    tracing::debug!(%error, path = call.path(), "proof refused");
    Some(Answer::grpc(401, 3, "unauthorized: invalid token"))
}

fn search(shared: &Shared, body: &[u8]) -> Answer {
    let query = match request::parse(body) {
        Ok(query) => query,
        Err(refused) => return Answer::grpc(400, 3, &refused.0),
    };
    if let Some(replay) = &shared.replay {
        let asked = Asked::from_request(&serde_json::from_slice(body).unwrap_or_default());
        if let Some(page) = replay.answer(&asked, shared.replay_step.load(Ordering::SeqCst)) {
            return Answer::json(200, page);
        }
    }
    Answer::json(200, shared.market.search(&query, shared.now_ms()).to_json(shared.shape))
}

fn item(shared: &Shared, call: &Call) -> Answer {
    let id = call.parameter("id").unwrap_or_default();
    let auction = call.parameter("include_auction") == Some("true");
    let (status, body) = legacy::items_get(&shared.market, id, auction, shared.now_ms());
    Answer::json(status, body.to_string())
}
