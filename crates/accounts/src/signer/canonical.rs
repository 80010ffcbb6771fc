//! What the signatures have in common: the canonical request of AWS, of which five of the seven are variations.

use crate::request::PreparedRequest;
use aws_lc_rs::{digest, hmac};
use model::Timestamp;

/// Percent-encoding of RFC 3986: everything but `A-Z a-z 0-9 - _ . ~`, upper-case hexadecimals.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => _ = write!(out, "%{byte:02X}"),
        }
        out
    })
}

/// `k=v&…` in the order given, both encoded.
pub(crate) fn query_text<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs.into_iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect();
    pairs.join("&")
}

/// The query of a request, decoded, sorted by name and then value.
pub(super) fn sorted_query(request: &PreparedRequest) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
    // By the encoded form, as the servers do: `!` sorts behind `-` once it is `%21`.
    pairs.sort_by_cached_key(|(k, v)| (encode(k), encode(v)));
    pairs
}

pub(super) fn canonical_query(request: &PreparedRequest) -> String {
    query_text(sorted_query(request).iter().map(|(k, v)| (k.as_str(), v.as_str())))
}

/// Host with port where it is not the scheme's own, as it goes into the `Host` header.
pub(super) fn host(request: &PreparedRequest) -> String {
    let host = request.url.host_str().unwrap_or_default();
    request.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The headers to sign: those of the request and the host, lower-case, trimmed, sorted.
pub(super) fn headers_to_sign(request: &PreparedRequest) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        // Proxies and clients are free to change these on the way.
        .filter(|(name, _)| !matches!(name.to_ascii_lowercase().as_str(), "accept" | "user-agent" | "authorization"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    headers.push(("host".to_owned(), host(request)));
    headers.sort();
    headers
}

pub(super) fn names(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";")
}

/// AWS's canonical request (docs.aws.amazon.com, "Create a signed AWS API request"), hashed, in hexadecimal.
pub(super) fn hashed(request: &PreparedRequest, path: &str, query: &str, headers: &[(String, String)]) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let payload = sha256_hex(&request.body);
    let canonical = format!("{}\n{path}\n{query}\n{lines}\n{}\n{payload}", request.method, names(headers));
    sha256_hex(canonical.as_bytes())
}

/// HMAC-SHA256.
pub(super) fn hmac256(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()).as_ref().to_vec()
}

/// HMAC with one key after the other: each result is the key of the next text.
pub(super) fn chain(first: &[u8], texts: &[&str]) -> Vec<u8> {
    texts.iter().fold(first.to_vec(), |key, text| hmac256(&key, text))
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `20150830T123600Z`.
pub(super) fn compact(now: Timestamp) -> String {
    utc(now).chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

/// `2015-08-30T12:36:00Z`.
pub(super) fn utc(now: Timestamp) -> String {
    jiff::Timestamp::from_second(now.secs()).unwrap_or_default().to_string()
}
