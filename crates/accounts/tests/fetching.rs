//! Asking over a socket: tries, pauses, redirects, caps, breaker.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use accounts::fetch::Fetcher;
use accounts::provider::{Catalog, Params, Provider};
use accounts::{Inquiry, Reading, ReadingStatus};
use engine::FetchError;
use engine::http::ClientSettings;
use model::{Clock, SharedClock, Timestamp};
use settings::Secret;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SECRET: &str = "sk-very-secret";

/// Goes on by what is waited, without waiting.
struct Leaping(Mutex<Timestamp>);

impl Clock for Leaping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn real(&self, span: Duration) -> Duration {
        let mut now = self.0.lock().unwrap();
        *now = *now + span;
        Duration::ZERO
    }
}

fn clock() -> SharedClock {
    Arc::new(Leaping(Mutex::new(Timestamp::from_secs(1_795_000_000))))
}

/// A server that gives the answers one after the other, and then the last for ever; and what it was asked.
async fn server(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (seen, next) = (asked.clone(), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (seen, next, answers) = (seen.clone(), next.clone(), answers.clone());
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                    let mut part = [0; 4096];
                    let Ok(n @ 1..) = socket.read(&mut part).await else { return };
                    head.extend_from_slice(&part[..n]);
                }
                seen.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                let n = next.fetch_add(1, Ordering::SeqCst);
                let answer = &answers[n.min(answers.len() - 1)];
                let _ = socket.write_all(answer.as_bytes()).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    (base, asked)
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn good() -> String {
    http("200 OK", "", r#"{"current_point_balance": 725}"#)
}

struct Asked {
    result: Result<Reading, FetchError>,
    seen: Vec<String>,
    fetcher: Fetcher,
    inquiry: Inquiry,
}

impl Asked {
    fn error(&self) -> &FetchError {
        self.result.as_ref().unwrap_err()
    }

    fn reading(&self) -> &Reading {
        self.result.as_ref().unwrap()
    }
}

async fn ask(provider: &str, answers: Vec<String>) -> Asked {
    let (base, seen) = server(answers).await;
    let params = Params::from([("origin".to_owned(), base)]);
    let provider = Catalog::built_in().unwrap().get(provider, &Params::new()).unwrap();
    let secret = if provider.secret.is_empty() { SECRET } else { "an-id:sk-very-secret" };
    let inquiry = Inquiry::new(provider, &Secret::new(secret), &params).unwrap();
    let fetcher = Fetcher::new(&ClientSettings::default(), notify::Reach::Private, clock()).unwrap();
    let result = fetcher.fetch(&inquiry).await;
    assert!(!format!("{result:?}").contains(SECRET), "{result:?}");
    let seen = seen.lock().unwrap().clone();
    Asked { result, seen, fetcher, inquiry }
}

#[tokio::test]
async fn trouble_is_tried_three_times_and_then_told() {
    let asked = ask("poe", vec![http("500 Oops", "", ""), http("502 Oops", "", ""), good()]).await;
    assert_eq!(asked.reading().remaining.unwrap().to_string(), "725");
    assert_eq!(asked.seen.len(), 3);
    assert!(asked.seen[0].starts_with("GET /usage/current_balance HTTP/1.1\r\n"));
    assert!(asked.seen[0].contains("authorization: Bearer sk-very-secret\r\n"));

    let asked = ask("poe", vec![http("503 Oops", "", "")]).await;
    assert_eq!(asked.error().class(), "transient");
    assert_eq!(asked.seen.len(), 3);
    // Three failures in a row open the breaker of this origin.
    let again = asked.fetcher.fetch(&asked.inquiry).await;
    assert!(matches!(again, Err(FetchError::Postponed(_))), "{again:?}");
}

#[tokio::test]
async fn a_refusal_is_a_reading_and_no_breakers_business() {
    let asked = ask("poe", vec![http("401 No", "", &format!(r#"{{"message": "bad key {SECRET}"}}"#))]).await;
    assert_eq!(asked.reading().status, ReadingStatus::Unauthorized);
    assert!(asked.reading().note.as_ref().unwrap().ends_with("bad key ***"));
    for _ in 0..5 {
        assert_eq!(asked.fetcher.fetch(&asked.inquiry).await.unwrap().status, ReadingStatus::Unauthorized);
    }
    assert_eq!(asked.fetcher.upstreams()[0].1.snapshot().failures, 0);
    let page = ask("poe", vec![http("200 OK", "", "<html>hello</html>")]).await;
    assert_eq!(page.reading().status, ReadingStatus::Malformed);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, trap) = server(vec![good()]).await;
    let asked = ask("poe", vec![http("302 Found", &format!("location: {elsewhere}/x\r\n"), "")]).await;
    assert_eq!(asked.reading().status, ReadingStatus::Unsupported);
    assert!(trap.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_short_pause_is_kept_and_a_long_one_handed_back() {
    let limited = |wait: &str| http("429 Slow", &format!("retry-after: {wait}\r\n"), "{}");
    let asked = ask("poe", vec![limited("5"), good()]).await;
    assert_eq!((asked.reading().is_ok(), asked.seen.len()), (true, 2));
    let asked = ask("poe", vec![limited("4260"), good()]).await;
    let wanted = Some(Duration::from_secs(4260));
    assert!(matches!(asked.error(), FetchError::Limited { retry_after, .. } if *retry_after == wanted));
    assert_eq!(asked.seen.len(), 1);
    // In the body, with HTTP 200.
    let asked = ask("wxrank", vec![http("200 OK", "", r#"{"code": 9999, "msg": "QPS"}"#)]).await;
    assert_eq!(asked.error().class(), "limited");
}

#[tokio::test]
async fn an_answer_beyond_the_cap_is_not_read() {
    let long = format!(r#"{{"current_point_balance": 5, "x": "{}"}}"#, "x".repeat(2 << 20));
    let asked = ask("poe", vec![http("200 OK", "", &long)]).await;
    assert_eq!(asked.reading().status, ReadingStatus::Malformed);
    assert!(asked.reading().note.as_ref().unwrap().contains("longer than 1048576 bytes"));
}

#[tokio::test]
async fn every_try_is_signed_anew() {
    let body = r#"{"Code": "200", "Data": {"AvailableAmount": "1.00", "Currency": "CNY"}}"#;
    let asked = ask("aliyun", vec![http("500 Oops", "", ""), http("200 OK", "", body)]).await;
    assert!(asked.reading().is_ok(), "{:?}", asked.result);
    let nonces: Vec<&str> =
        asked.seen.iter().map(|s| s.split("SignatureNonce=").nth(1).unwrap().split('&').next().unwrap()).collect();
    assert_eq!(nonces.len(), 2);
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn what_is_optional_may_fail_and_what_falls_back_does() {
    let key = r#"{"data": {"limit_remaining": 5, "is_management_key": true}}"#;
    let asked = ask("openrouter", vec![http("200 OK", "", key), http("500 Oops", "", "")]).await;
    assert_eq!(asked.reading().remaining.unwrap().to_string(), "5");
    let usage = r#"{"usage": {"standard": {"orgTotalTokensUsed": 5, "totalAllowance": 20}}}"#;
    let me = r#"{"organization": {"id": "org_9"}}"#;
    let answers = vec![http("404 No", "", ""), http("200 OK", "", usage), http("200 OK", "", me)];
    let asked = ask("factory", answers).await;
    assert_eq!(asked.reading().org.as_deref(), Some("org_9"));
    let paths: Vec<&str> = asked.seen.iter().map(|s| s.split(' ').nth(1).unwrap()).collect();
    assert_eq!(
        paths,
        ["/api/billing/limits", "/api/organization/subscription/usage?useCache=true", "/api/app/auth/me"]
    );
}

#[tokio::test]
async fn nobody_there_is_transient_and_a_challenge_is_a_block() {
    let text = "
name: mine
title: Mine
docs: https://example.com/
kind: balance
rate_limit: {requests: 100, seconds: 1}
auth: {query: {name: key}}
requests: [{name: ask, url: 'http://127.0.0.1:9/balance', read: {remaining: balance}}]
";
    let provider = Arc::new(Provider::parse("mine.yaml", text).unwrap());
    let inquiry = Inquiry::new(provider, &Secret::new(SECRET), &Params::new()).unwrap();
    let fetcher = Fetcher::new(&ClientSettings::default(), notify::Reach::Private, clock()).unwrap();
    let started = Instant::now();
    let error = fetcher.fetch(&inquiry).await.unwrap_err();
    assert_eq!(error.class(), "transient");
    assert!(!error.to_string().contains(SECRET), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
    let page = http("403 No", "content-type: text/html\r\n", "<html><title>Just a moment...</title></html>");
    let asked = ask("poe", vec![page]).await;
    assert_eq!((asked.error().class(), asked.seen.len()), ("blocked", 1));
}
