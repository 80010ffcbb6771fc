//! The web page of the product: the files that `web/` builds, inside the program, packed, with tags.

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file as the web build left it.
struct File {
    name: &'static str,
    /// Quoted, as in the header.
    tag: &'static str,
    plain: &'static [u8],
    br: Option<&'static [u8]>,
    gz: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The addresses of the page; all of them are the one document, which looks at the address itself.
pub const PAGES: [&str; 14] = [
    "/",
    "/ip/{id}",
    "/accounts",
    "/accounts/{id}",
    "/keys",
    "/reminders",
    "/alerts",
    "/alerts/{id}",
    "/channels",
    "/channels/{id}",
    "/system",
    "/settings",
    "/api-docs",
    "/login",
];

/// Whether the page was built into this program.
pub fn is_built() -> bool {
    !FILES.is_empty()
}

/// The document, at each of [`PAGES`].
pub async fn index(headers: HeaderMap) -> Response {
    file(&headers, "index.html")
}

/// `/icon.svg`.
pub async fn icon(headers: HeaderMap) -> Response {
    file(&headers, "icon.svg")
}

/// `/assets/{name}`.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(&headers, &format!("assets/{name}"))
}

fn file(headers: &HeaderMap, name: &str) -> Response {
    let Ok(at) = FILES.binary_search_by(|file| file.name.cmp(name)) else {
        return (StatusCode::NOT_FOUND, "no such file").into_response();
    };
    let file = &FILES[at];
    // The names of the assets carry their hashes, so they never change; the document names the newest.
    let caching = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut answer = HeaderMap::new();
    answer.insert(header::ETAG, HeaderValue::from_static(file.tag));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if known.flat_map(|value| value.split(',')).any(|tag| tag.trim().trim_start_matches("W/") == file.tag) {
        return (StatusCode::NOT_MODIFIED, answer).into_response();
    }
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    let (body, encoding) = packed(headers, file);
    if let Some(encoding) = encoding {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (answer, Bytes::from_static(body)).into_response()
}

fn packed(headers: &HeaderMap, file: &File) -> (&'static [u8], Option<&'static str>) {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes = |coding: &str| {
        accepted.split(',').any(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            name.trim().eq_ignore_ascii_case(coding) && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
    };
    match (file.br, file.gz) {
        (Some(br), _) if takes("br") => (br, Some("br")),
        (_, Some(gz)) if takes("gzip") => (gz, Some("gzip")),
        _ => (file.plain, None),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
