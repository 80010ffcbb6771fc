//! How the product speaks HTTP: one TLS set-up, clients with time-outs, bodies with a cap, errors by what happens next.

use crate::FetchError;
use crate::proxy::ProxyUrl;
use model::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use rustls_platform_verifier::BuilderVerifierExt;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Time-outs and way out of a client. They are real time: the network does not know the product's clock.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Time to connect, TLS included.
    pub connect: Duration,
    /// Longest silence while reading.
    pub read: Duration,
    /// Longest time for a whole exchange.
    pub total: Duration,
    /// What it calls itself.
    pub user_agent: String,
    /// The way out; `None` is direct, whatever the environment says.
    pub proxy: Option<ProxyUrl>,
    /// Open connections kept for each host while nothing is asked.
    pub idle_per_host: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(15),
            total: Duration::from_secs(30),
            user_agent: concat!("tidewatch/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: None,
            idle_per_host: 8,
        }
    }
}

/// Makes aws-lc-rs the process's provider of cryptography; a second call does nothing.
pub fn install_crypto() {
    // An error means that somebody was first, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Builds a client that follows no redirect. `Rejected` when TLS cannot be set up or the proxy cannot be used.
pub fn client(settings: &ClientSettings) -> Result<Client, FetchError> {
    builder(settings)?.build().map_err(sent)
}

/// What [`client`] builds, for who resolves names in another way. `Rejected` as there.
pub fn builder(settings: &ClientSettings) -> Result<ClientBuilder, FetchError> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls()?)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(settings.connect)
        .read_timeout(settings.read)
        .timeout(settings.total)
        .pool_max_idle_per_host(settings.idle_per_host)
        .pool_idle_timeout(Duration::from_secs(60))
        .user_agent(&settings.user_agent)
        .no_proxy();
    if let Some(proxy) = &settings.proxy {
        let proxy =
            reqwest::Proxy::all(proxy.expose()).map_err(|_| FetchError::Rejected("unusable proxy URL".into()))?;
        builder = builder.proxy(proxy);
    }
    Ok(builder)
}

/// The TLS set-up all clients share: reading the root certificates anew costs each client 33 ms and 0.9 MB.
/// `Rejected` when it cannot be made.
pub fn tls() -> Result<rustls::ClientConfig, FetchError> {
    static SHARED: OnceLock<Result<rustls::ClientConfig, String>> = OnceLock::new();
    let made = SHARED.get_or_init(|| {
        install_crypto();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        // A container without root certificates must still be able to run the demo, which speaks plain HTTP.
        let verified = builder.clone().with_platform_verifier().unwrap_or_else(|error| {
            tracing::warn!(%error, "no root certificates on this machine: every HTTPS request will fail");
            builder.with_root_certificates(rustls::RootCertStore::empty())
        });
        let mut config = verified.with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    });
    made.clone().map_err(|e| FetchError::Rejected(format!("no TLS on this machine: {e}")))
}

/// What an exchange that gave no answer means: `Transient`, or `Rejected` when the request itself could not be built.
/// The URL is left out, it may hold a key.
pub fn sent(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    if error.is_timeout() {
        return FetchError::Transient("timed out".into());
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    if error.is_builder() { FetchError::Rejected(text) } else { FetchError::Transient(text) }
}

/// Reads a body of at most `cap` bytes, counted after decompression. `Malformed` when it is longer, `Transient` when
/// the connection breaks.
pub async fn body_capped(mut response: Response, cap: usize) -> Result<Vec<u8>, FetchError> {
    let announced = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    let mut body = Vec::with_capacity(announced.min(cap));
    while let Some(chunk) = response.chunk().await.map_err(sent)? {
        if body.len() + chunk.len() > cap {
            return Err(FetchError::Malformed(format!("answer longer than {cap} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What `Retry-After` asks for (RFC 9110 10.2.3: seconds or a date), never capped; a date gone by is zero.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp(i64::try_from(date.as_millis()).ok()?).since(now))
}

/// What an answer that is not the wanted one means. The body is only looked at, never repeated: upstreams echo
/// credentials.
pub fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> FetchError {
    let message = format!("HTTP {}{}", status.as_u16(), if is_html(headers, body) { ", HTML" } else { "" });
    let wait = retry_after(headers, now);
    match status.as_u16() {
        429 => FetchError::Limited { retry_after: wait, message },
        403 if is_html(headers, body) => FetchError::Blocked(message),
        _ if is_challenge(headers, body) => FetchError::Blocked(format!("{message}, challenge")),
        503 if wait.is_some() => FetchError::Limited { retry_after: wait, message },
        408 | 425 | 500..=599 => FetchError::Transient(message),
        200..=299 => FetchError::Malformed(message),
        _ => FetchError::Rejected(message),
    }
}

/// Whether an answer is a page that wants to see a person: Cloudflare's header, or the words of such pages in HTML.
pub fn is_challenge(headers: &HeaderMap, body: &[u8]) -> bool {
    const WORDS: [&str; 8] = [
        "just a moment",
        "attention required",
        "verify you are human",
        "access denied",
        "captcha",
        "cf-chl",
        "challenge-platform",
        "sorry, you have been blocked",
    ];
    if headers.get("cf-mitigated").is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"challenge")) {
        return true;
    }
    // Only in HTML: a JSON answer may well hold the word captcha in a listing's title.
    is_html(headers, body) && {
        let text = String::from_utf8_lossy(&body[..body.len().min(65_536)]).to_lowercase();
        WORDS.iter().any(|word| text.contains(word))
    }
}

fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers.get(CONTENT_TYPE).map(|v| v.as_bytes().to_ascii_lowercase());
    declared.is_some_and(|v| v.starts_with(b"text/html")) || {
        let start = body.trim_ascii_start();
        let start = start[..start.len().min(9)].to_ascii_lowercase();
        start.starts_with(b"<!doctype") || start.starts_with(b"<html")
    }
}

/// The first 160 printable characters of a body, for the log of an upstream whose answers hold no secret.
pub fn snippet(body: &[u8]) -> String {
    let start = String::from_utf8_lossy(&body[..body.len().min(640)]).into_owned();
    start.chars().map(|c| if c.is_control() { ' ' } else { c }).take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    const NOW: Timestamp = Timestamp::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_static(v))).collect()
    }

    fn wait(text: &'static str) -> Option<Duration> {
        retry_after(&headers(&[("retry-after", text)]), NOW)
    }

    #[test]
    fn retry_after_is_read_in_every_form_and_not_capped() {
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait(" 864000 "), Some(Duration::from_secs(864_000)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(wait("Sunday, 06-Nov-94 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(wait("Sun Nov  6 08:50:37 1994"), Some(Duration::from_secs(60)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        for odd in ["", "-1", "1.5", "soon", "Sun, 99 Nov 1994 08:49:00 GMT"] {
            assert_eq!(wait(odd), None, "{odd}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn answers_are_classed_by_what_happens_next() {
        let json = headers(&[("content-type", "application/json")]);
        let html = headers(&[("content-type", "text/html; charset=UTF-8")]);
        let class = |status: u16, headers: &HeaderMap, body: &str| {
            classify(StatusCode::from_u16(status).unwrap(), headers, body.as_bytes(), NOW).class()
        };
        let gone = r#"{"result":"error","errors":[{"code":"InvisibleItemException"}]}"#;
        assert_eq!(class(403, &json, gone), "rejected");
        assert_eq!(class(403, &html, "<html>"), "blocked");
        assert_eq!(class(403, &HeaderMap::new(), " <!DOCTYPE html>"), "blocked");
        assert_eq!(class(403, &headers(&[("cf-mitigated", "challenge")]), ""), "blocked");
        assert_eq!(class(503, &html, "<title>Just a moment...</title>"), "blocked");
        assert_eq!(class(503, &json, r#"{"title":"captcha"}"#), "transient");
        assert_eq!(class(503, &headers(&[("retry-after", "5")]), ""), "limited");
        assert_eq!(class(429, &html, "<html>captcha"), "limited");
        assert_eq!(class(400, &json, "{}"), "rejected");
        assert_eq!(class(401, &json, "{}"), "rejected");
        assert_eq!(class(404, &json, "404 page not found"), "rejected");
        assert_eq!(class(301, &html, ""), "rejected");
        assert_eq!(class(502, &html, "<html>bad gateway"), "transient");
        assert_eq!(class(200, &html, "<html>hello"), "malformed");
    }

    #[test]
    fn an_error_repeats_nothing_of_the_body() {
        let said = classify(StatusCode::UNAUTHORIZED, &HeaderMap::new(), b"bad key sk-12345", NOW).to_string();
        assert!(!said.contains("sk-12345"));
        assert_eq!(snippet(b"a\nb\0\xff"), "a b \u{fffd}");
    }

    #[test]
    fn clients_are_cheap_and_need_no_environment() {
        let proxy = ProxyUrl::parse("socks5h://user:pass@127.0.0.1:9").unwrap();
        for proxy in [None, Some(proxy)] {
            client(&ClientSettings { proxy, ..Default::default() }).unwrap();
        }
    }
}
