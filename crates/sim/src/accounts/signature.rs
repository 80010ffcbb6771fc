//! Verifies signatures of requests, written from the vendors' descriptions and not from any client: Alibaba Cloud RPC
//! (help.aliyun.com/document_detail/315526.html) and V3 (2593177.html), Volcengine (volcengine.com/docs/6369/67269).

use aws_lc_rs::{digest, hmac};
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::fmt::Write;

/// How far a request's time may be from ours, ms (15 minutes).
pub const SKEW_MS: i64 = 900_000;

/// A way to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HMAC-SHA1 in the query.
    AliyunRpc,
    /// ACS3-HMAC-SHA256 in `Authorization`.
    Acs3,
    /// HMAC-SHA256 in `Authorization`, with a key derived as AWS does.
    Volcengine,
}

/// A request as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// GET or POST.
    pub method: &'r str,
    /// The path that was signed.
    pub path: &'r str,
    /// The query, encoded, without `?`.
    pub query: &'r str,
    /// The headers, `Host` among them.
    pub headers: &'r HeaderMap,
    /// The body.
    pub body: &'r [u8],
}

/// Why a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Something that belongs to a signature is not there.
    Incomplete(&'static str),
    /// The time is more than [`SKEW_MS`] from ours.
    Expired,
    /// The signature is not that of the request; what was signed here.
    Mismatch(String),
}

impl Asked<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// The parameters of the query, decoded.
    fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v)))
    }

    /// A parameter of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The value behind `name=` in `Authorization`.
    fn authorization(&self, name: &str) -> Option<&str> {
        let text = self.header("authorization")?.split_once(' ')?.1;
        text.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    }

    fn canonical_query(&self) -> String {
        let left_out = |key: &str| key == "Signature";
        let mut pairs: Vec<String> =
            self.pairs().filter(|(k, _)| !left_out(k)).map(|(k, v)| format!("{}={}", encode(&k), encode(&v))).collect();
        pairs.sort();
        pairs.join("&")
    }

    fn canonical_request(&self, signed: &str) -> Option<String> {
        let mut lines = String::new();
        for name in signed.split(';') {
            _ = writeln!(lines, "{name}:{}", self.header(name)?);
        }
        let (method, path, query) = (self.method, self.path, self.canonical_query());
        Some(format!("{method}\n{path}\n{query}\n{lines}\n{signed}\n{}", sha256(self.body)))
    }
}

impl Scheme {
    /// Who says to have signed; none when the request is not signed in this way.
    pub fn key_id(self, asked: &Asked<'_>) -> Option<String> {
        match self {
            Scheme::AliyunRpc => asked.parameter("AccessKeyId"),
            Scheme::Acs3 => asked.authorization("Credential").map(str::to_owned),
            Scheme::Volcengine => asked.authorization("Credential")?.split('/').next().map(str::to_owned),
        }
    }

    /// What must not come twice; none where there is no such thing.
    pub fn nonce(self, asked: &Asked<'_>) -> Option<String> {
        match self {
            Scheme::AliyunRpc => asked.parameter("SignatureNonce"),
            Scheme::Acs3 => asked.header("x-acs-signature-nonce").map(str::to_owned),
            Scheme::Volcengine => None,
        }
    }

    /// Whether the request was signed with this secret not long before or after `now_ms` (epoch ms).
    pub fn verify(self, asked: &Asked<'_>, secret: &str, now_ms: i64) -> Result<(), Refused> {
        let (said, right, signed, time) = match self {
            Scheme::AliyunRpc => aliyun_rpc(asked, secret),
            Scheme::Acs3 => acs3(asked, secret),
            Scheme::Volcengine => volcengine(asked, secret),
        }
        .map_err(Refused::Incomplete)?;
        if (time - now_ms).abs() > SKEW_MS {
            return Err(Refused::Expired);
        }
        if said == right { Ok(()) } else { Err(Refused::Mismatch(signed)) }
    }
}

/// The signature sent, the right one, what is signed, and the request's time in epoch ms; or what is missing.
type Compared = Result<(String, String, String, i64), &'static str>;

fn aliyun_rpc(asked: &Asked<'_>, secret: &str) -> Compared {
    let parameter = |name: &'static str| asked.parameter(name).ok_or(name);
    let said = parameter("Signature")?;
    let time = parameter("Timestamp")?.parse::<jiff::Timestamp>().map_err(|_| "Timestamp")?.as_millisecond();
    if parameter("SignatureMethod")? != "HMAC-SHA1" || parameter("SignatureVersion")? != "1.0" {
        return Err("SignatureMethod");
    }
    parameter("SignatureNonce")?;
    let signed = format!("{}&%2F&{}", asked.method, encode(&asked.canonical_query()));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{secret}&").as_bytes());
    Ok((said, STANDARD.encode(hmac::sign(&key, signed.as_bytes())), signed, time))
}

fn acs3(asked: &Asked<'_>, secret: &str) -> Compared {
    let header = |name: &'static str| asked.header(name).ok_or(name);
    let said = asked.authorization("Signature").ok_or("Signature")?;
    let names = asked.authorization("SignedHeaders").ok_or("SignedHeaders")?;
    let time = header("x-acs-date")?.parse::<jiff::Timestamp>().map_err(|_| "x-acs-date")?.as_millisecond();
    header("x-acs-action")?;
    header("x-acs-version")?;
    if header("x-acs-content-sha256")? != sha256(asked.body) {
        return Err("x-acs-content-sha256");
    }
    let request = asked.canonical_request(names).ok_or("SignedHeaders")?;
    let to_sign = format!("ACS3-HMAC-SHA256\n{}", sha256(request.as_bytes()));
    Ok((said.to_owned(), hex(&hmac256(secret.as_bytes(), &to_sign)), request, time))
}

fn volcengine(asked: &Asked<'_>, secret: &str) -> Compared {
    let said = asked.authorization("Signature").ok_or("Signature")?;
    let names = asked.authorization("SignedHeaders").ok_or("SignedHeaders")?;
    let scope = asked.authorization("Credential").and_then(|c| c.split_once('/')).ok_or("Credential")?.1;
    let date = asked.header("x-date").ok_or("x-date")?;
    let time = compact_time(date).ok_or("x-date")?;
    if !names.split(';').any(|n| n == "host") || !names.split(';').any(|n| n == "x-date") {
        return Err("SignedHeaders");
    }
    if asked.header("x-content-sha256").is_some_and(|hash| hash != sha256(asked.body)) {
        return Err("x-content-sha256");
    }
    let mut parts = scope.split('/');
    if parts.next() != date.get(..8) || parts.next_back() != Some("request") {
        return Err("Credential");
    }
    let request = asked.canonical_request(names).ok_or("SignedHeaders")?;
    let key = scope.split('/').fold(secret.as_bytes().to_vec(), |key, word| hmac256(&key, word));
    let to_sign = format!("HMAC-SHA256\n{date}\n{scope}\n{}", sha256(request.as_bytes()));
    Ok((said.to_owned(), hex(&hmac256(&key, &to_sign)), request, time))
}

/// `20150830T123600Z` in epoch ms.
fn compact_time(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text.get(from..to);
    let (day, clock) = ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(9, 11)?, part(11, 13)?, part(13, 15)?));
    let iso = format!("{}-{}-{}T{}:{}:{}Z", day.0, day.1, day.2, clock.0, clock.1, clock.2);
    (text.len() == 16).then(|| iso.parse::<jiff::Timestamp>().ok())?.map(jiff::Timestamp::as_millisecond)
}

pub(crate) fn hmac256(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        _ = write!(out, "{byte:02x}");
        out
    })
}

/// RFC 3986: all but `A-Z a-z 0-9 - _ . ~` as `%XX`.
fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// A part of a query as a form is read: `%XX`, and `+` for a blank.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (digit(rest.next()).unwrap_or(0), digit(rest.next()).unwrap_or(0));
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}
