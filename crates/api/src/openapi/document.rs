//! All operations together.

use super::schemas::Schemas;
use super::sketch::Sketch;
use crate::access::{Entry, Rate, Who};
use crate::openapi::Reply;
use axum::Extension;
use axum::body::Bytes;
use axum::http::header;
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};

/// The OpenAPI 3.1 document of `entries`, those without a description left out.
pub fn document(entries: &[Entry], version: &str) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for entry in entries {
        let Some(describe) = entry.describe else { continue };
        let mut sketch = Sketch::new(&mut schemas);
        describe(&mut sketch);
        let operation = operation(entry, sketch);
        let path = paths.entry(entry.path.clone()).or_insert_with(|| json!({}));
        path[entry.method.to_lowercase()] = operation;
    }
    paths.sort_keys();
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidewatch",
            "version": version,
            "description": "Levels that rise and fall at other people's services. An unknown number is null, never 0.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "tags": tags(entries),
        "paths": paths,
        "components": {
            "responses": refusals(),
            "securitySchemes": {
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT, or an API key" },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": crate::access::COOKIE,
                    "description": "Of `/api/login`; writes need its `csrf` as the header `X-CSRF-Token`.",
                },
            },
        },
    });
    schemas.into_components(&mut document);
    document
}

fn operation(entry: &Entry, mut sketch: Sketch<'_>) -> Value {
    let who = entry.terms.who;
    let usual = if who >= Who::Operator || entry.method != "GET" { &[401, 403][..] } else { &[401] };
    let limited = entry.terms.rate != Rate::Free;
    let log_in = entry.terms.rate == Rate::LogIn;
    let refused = usual.iter().copied().filter(|_| who != Who::Anybody || log_in);
    refused.chain(limited.then_some(429)).for_each(|status| sketch.refusal(status));
    if entry.method != "GET" && !log_in {
        sketch.refusal(404);
        sketch.refusal(409);
    }
    let names_a_row = |parameter: &Value| parameter["name"].as_str().is_some_and(|name| name.ends_with("_id"));
    if sketch.parameters.iter().any(names_a_row) {
        sketch.refusal(404);
    }
    let answers: Map<String, Value> =
        sketch.answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
    let mut operation = json!({
        "operationId": id(entry),
        "summary": entry.about,
        "tags": [tag(&entry.path)],
        "x-who": who.as_str(),
        "responses": answers,
    });
    if !sketch.parameters.is_empty() {
        operation["parameters"] = Value::Array(sketch.parameters);
    }
    if let Some(body) = sketch.body {
        operation["requestBody"] = body;
    }
    let ways = [json!({ "key": [] }), json!({ "bearer": [] }), json!({ "session": [] })];
    match who {
        Who::Anybody => {}
        Who::Market => operation["security"] = [vec![json!({})], ways.to_vec()].concat().into(),
        _ => operation["security"] = ways.to_vec().into(),
    }
    operation
}

/// `GET /api/v1/ips/{id}/items` is `get_v1_ips_id_items`.
fn id(entry: &Entry) -> String {
    let path = entry.path.trim_start_matches("/api").replace(['{', '}'], "");
    format!("{}{}", entry.method.to_lowercase(), path.replace(['/', '-', '.'], "_"))
}

/// The first word of a path that says something.
fn tag(path: &str) -> &str {
    let modern = path.strip_prefix("/api/v1/").map(|rest| rest.split('/').next().unwrap_or_default());
    match modern {
        Some("ips" | "leaderboard") => "market",
        Some("accounts" | "providers" | "refreshes") => "accounts",
        Some("channels" | "deliveries") => "channels",
        Some("admin") => "market",
        Some("system" | "events") => "system",
        Some(other) => other,
        None if ["/api/login", "/api/logout", "/api/session", "/api/token"].contains(&path) => "access",
        None if path.starts_with("/api/openapi") => "system",
        None if path.starts_with("/api/") => "replaced systems",
        None => "health",
    }
}

fn tags(entries: &[Entry]) -> Vec<Value> {
    let described = entries.iter().filter(|entry| entry.describe.is_some());
    let mut names: Vec<&str> = described.map(|entry| tag(&entry.path)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

const REFUSALS: &[(u16, &str)] = &[
    (400, "The request is wrong; the message says what and where."),
    (401, "No credential, or a wrong one."),
    (403, "Known, and not allowed to; or not sent by a page of ours."),
    (404, "Not there."),
    (409, "It does not fit what is there."),
    (413, "The body is too large."),
    (415, "The body is of another media type."),
    (429, "Too many requests; `Retry-After` says when to try again."),
    (500, "Something failed inside; the answer's `x-request-id` is in the log beside the cause."),
    (503, "Not now; try again in a moment."),
];

fn refusals() -> Value {
    let of = |(status, about): &(u16, &str)| {
        let code = json!({ "type": "integer", "const": status });
        let schema = json!({
            "type": "object", "required": ["code", "message"],
            "properties": { "code": code, "message": { "type": "string" } },
        });
        let mut response = json!({ "description": about, "content": { "application/json": { "schema": schema } } });
        if matches!(status, 429 | 503) {
            let seconds = json!({ "description": "Seconds.", "schema": { "type": "integer", "minimum": 0 } });
            response["headers"] = json!({ "Retry-After": seconds });
        }
        (status.to_string(), response)
    };
    Value::Object(REFUSALS.iter().map(of).collect::<Map<_, _>>())
}

/// The document of a router's routes, written when somebody first asks for it.
pub(crate) struct Documented {
    entries: Vec<Entry>,
    version: String,
    bytes: OnceLock<Bytes>,
}

impl Documented {
    pub(crate) fn new(entries: &[Entry], version: &str) -> Self {
        Self { entries: entries.to_vec(), version: version.to_owned(), bytes: OnceLock::new() }
    }
}

pub(crate) async fn serve(Extension(documented): Extension<Arc<Documented>>) -> Reply<axum::Json<Value>> {
    let bytes = documented.bytes.get_or_init(|| {
        let document = document(&documented.entries, &documented.version);
        // A value of JSON always serialises.
        serde_json::to_vec(&document).unwrap_or_default().into()
    });
    Reply::of(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], bytes.clone()))
}
