use super::*;
use crate::fetch::NoObserver;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use engine::upstream::UpstreamPolicy;
use model::SteppedClock;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// Status, headers, body of one answer.
type Answer = (u16, Vec<(&'static str, &'static str)>, Vec<u8>);

/// A server that gives its answers in turn, the last one for ever, and remembers what it was asked.
#[derive(Clone, Default)]
struct Stub {
    answers: Arc<Mutex<Vec<Answer>>>,
    asked: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Stub {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/", get(|| async { (axum::http::StatusCode::NOT_FOUND, "404 page not found") }))
            .route("/v2/entities:search", post(answer))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn proofs(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(h, _)| h["dpop"].to_str().unwrap().to_owned()).collect()
    }
}

async fn answer(State(stub): State<Stub>, headers: HeaderMap, body: Bytes) -> Response<axum::body::Body> {
    stub.asked.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
    let mut answers = stub.answers.lock().unwrap();
    let (status, headers, body) = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body.into()).unwrap()
}

fn json_answer(status: u16, body: &Value) -> Answer {
    (status, vec![("content-type", "application/json")], body.to_string().into_bytes())
}

fn empty() -> Answer {
    json_answer(200, &json!({"meta": {"numFound": "0", "nextPageToken": ""}, "items": []}))
}

fn bare(status: u16) -> Answer {
    (status, vec![], Vec::new())
}

struct Setup {
    client: MercariClient,
    upstream: Arc<Upstream>,
    clock: SteppedClock,
}

fn setup(base_url: String, proxy: ProxyUse) -> Setup {
    let clock = SteppedClock::new(Timestamp::from_secs(1_795_000_000));
    let shared: SharedClock = Arc::new(clock.clone());
    let upstream = Arc::new(Upstream::new("mercari", UpstreamPolicy::default(), Arc::clone(&shared), 1));
    let counter = AtomicU64::new(1);
    let entropy: Entropy = Arc::new(move || {
        let n = u128::from(counter.fetch_add(1, Ordering::Relaxed));
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    });
    let settings = MercariSettings { base_url, proxy, ..MercariSettings::default() };
    let client = MercariClient::new(settings, Arc::clone(&upstream), shared, entropy, Arc::new(NoObserver)).unwrap();
    Setup { client, upstream, clock }
}

async fn stubbed(answers: impl IntoIterator<Item = Answer>) -> (Stub, Setup) {
    let stub = Stub::new(answers);
    let url = stub.serve().await;
    (stub, setup(url, ProxyUse::Never))
}

fn request() -> SearchRequest {
    SearchRequest { keyword: "SPY×FAMILY!".into(), statuses: Statuses::Sold, page_token: Some("v1:1".into()) }
}

#[tokio::test]
async fn a_request_says_what_the_web_page_says() {
    let (stub, s) = stubbed([empty()]).await;
    s.client.search(&request()).await.unwrap();
    let (headers, body) = stub.asked.lock().unwrap().remove(0);
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    assert_eq!((header("x-platform"), header("content-type")), ("web", "application/json"));
    assert!(header("accept-encoding").contains("gzip"));
    assert_eq!(header("dpop").split('.').count(), 3);
    let condition = &body["searchCondition"];
    assert_eq!(condition["keyword"], "SPY×FAMILY!");
    assert_eq!(condition["status"], json!(["STATUS_TRADING", "STATUS_SOLD_OUT"]));
    assert_eq!((&condition["sort"], &condition["order"]), (&json!("SORT_CREATED_TIME"), &json!("ORDER_DESC")));
    assert_eq!((&body["pageSize"], &body["pageToken"]), (&json!(120), &json!("v1:1")));
    assert_eq!(body["withAuction"], true);
    assert_eq!(body["searchSessionId"].as_str().map(str::len), Some(32));
    let device = Uuid::parse_str(body["laplaceDeviceUuid"].as_str().unwrap()).unwrap();
    assert_eq!(device.get_version_num(), 4);
}

#[tokio::test]
async fn a_key_serves_a_quarter_of_an_hour_and_every_proof_is_new() {
    let (stub, s) = stubbed([empty()]).await;
    for wait in [0, 600, 600] {
        s.clock.advance(Duration::from_secs(wait));
        s.client.search(&request()).await.unwrap();
    }
    let proofs = stub.proofs();
    let key = |i: usize| proofs[i].split('.').next().unwrap();
    assert_eq!(proofs.iter().collect::<HashSet<_>>().len(), 3);
    assert_eq!(key(0), key(1));
    assert_ne!(key(1), key(2));
}

#[tokio::test]
async fn a_401_is_signed_again_once_with_a_new_key() {
    let refusal = || json_answer(401, &json!({"code": 3, "message": "unauthorized: invalid token"}));
    let (stub, s) = stubbed([refusal(), empty()]).await;
    s.client.search(&request()).await.unwrap();
    let proofs = stub.proofs();
    assert_ne!(proofs[0].split('.').next(), proofs[1].split('.').next());
    let (stub, s) = stubbed([refusal()]).await;
    let error = s.client.search(&request()).await.unwrap_err();
    assert_eq!((error.class(), stub.asked()), ("rejected", 2));
    assert!(error.to_string().contains("invalid token"));
    assert_eq!(s.upstream.snapshot().failures, 0, "a 401 is not the upstream's failure");
}

#[tokio::test]
async fn transient_failures_are_tried_twice_more() {
    let (stub, s) = stubbed([bare(502), bare(500), empty()]).await;
    s.client.search(&request()).await.unwrap();
    assert_eq!((stub.asked(), s.upstream.snapshot().failures), (3, 0));
    let (stub, s) = stubbed([bare(502)]).await;
    assert_eq!(s.client.search(&request()).await.unwrap_err().class(), "transient");
    assert_eq!(stub.asked(), 3);
    assert_eq!(s.client.search(&request()).await.unwrap_err(), FetchError::Postponed(Duration::from_secs(60)));
    assert_eq!(stub.asked(), 3, "the breaker is open");
    s.clock.advance(Duration::from_secs(60));
    assert_eq!(s.client.search(&request()).await.unwrap_err().class(), "transient", "not postponed: the probe went");
    assert_eq!(stub.asked(), 4);
}

#[tokio::test]
async fn what_another_try_would_not_mend_is_tried_once() {
    let html = vec![("content-type", "text/html; charset=UTF-8"), ("cf-ray", "x")];
    let challenge = b"<html><title>Just a moment...</title>".to_vec();
    for (answer, class) in [
        (json_answer(400, &json!({"code": 3, "message": "cannot unmarshal number"})), "rejected"),
        (json_answer(403, &json!({"result": "error", "errors": [{"code": "InvisibleItemException"}]})), "rejected"),
        ((403, html.clone(), b"<html>".to_vec()), "blocked"),
        ((200, html.clone(), challenge), "blocked"),
        ((200, html, b"<html>maintenance".to_vec()), "malformed"),
        ((429, vec![("retry-after", "90")], vec![]), "limited"),
        ((302, vec![("location", "https://elsewhere.example/")], vec![]), "rejected"),
        ((200, vec![], vec![b' '; MAX_BODY + 1]), "malformed"),
    ] {
        let status = answer.0;
        let (stub, s) = stubbed([answer]).await;
        let error = s.client.search(&request()).await.unwrap_err();
        assert_eq!((error.class(), stub.asked()), (class, 1), "HTTP {status}: {error}");
        if class == "limited" {
            let waits = s.client.search(&request()).await.unwrap_err();
            assert_eq!(waits, FetchError::Postponed(Duration::from_secs(90)));
        }
    }
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    // {"meta":{"numFound":"3"},"items":[]}
    const GZIP: &[u8] =
        b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xab\x56\xca\x4d\x2d\x49\x54\xb2\xaa\x56\xca\x2b\xcd\x75\xcb\x2f\xcd\x4b\
        \x51\xb2\x52\x32\x56\xaa\xd5\x51\xca\x2c\x49\xcd\x2d\x56\xb2\x8a\x8e\xad\x05\0\xf7\xf8\x30\xbb\x24\0\0\0";
    let (_, s) = stubbed([(200, vec![("content-encoding", "gzip")], GZIP.to_vec())]).await;
    assert_eq!(s.client.search(&request()).await.unwrap().num_found, Some(3));
}

#[tokio::test]
async fn a_server_that_is_gone_is_transient_and_an_empty_keyword_never_sent() {
    let s = setup("http://127.0.0.1:9".into(), ProxyUse::Never);
    assert_eq!(s.client.search(&request()).await.unwrap_err().class(), "transient");
    let nothing = SearchRequest { keyword: "　".into(), ..request() };
    assert_eq!(s.client.search(&nothing).await.unwrap_err().class(), "rejected");
}

#[tokio::test]
async fn ten_blocks_take_the_proxy_and_ten_minutes_later_the_direct_way() {
    // The proxy of this test answers for Mercari: an HTTP proxy is asked with the whole URL, the path is the same.
    let proxy = Stub::new([empty()]);
    let proxy_url = ProxyUrl::parse(&proxy.serve().await).unwrap();
    let direct = Stub::new([(403, vec![("content-type", "text/html")], b"<html>".to_vec())]);
    let s = setup(direct.serve().await, ProxyUse::AutoSwitch(proxy_url, SwitchPolicy::default()));
    for n in 1..=10 {
        s.clock.advance(Duration::from_secs(900));
        assert_eq!(s.client.search(&request()).await.unwrap_err().class(), "blocked");
        assert_eq!(s.client.route() == Route::Proxied, n == 10);
    }
    // At once: the block of our own address does not hold for the proxy's.
    s.client.search(&request()).await.unwrap();
    assert_eq!((direct.asked(), proxy.asked()), (10, 1));
    s.clock.advance(Duration::from_secs(600));
    assert_eq!(s.client.route(), Route::Direct);
}

#[tokio::test]
async fn a_proxy_that_is_down_is_not_taken() {
    let proxy_url = ProxyUrl::parse("http://127.0.0.1:9").unwrap();
    let direct = Stub::new([(403, vec![("content-type", "text/html")], b"<html>".to_vec())]);
    let s = setup(direct.serve().await, ProxyUse::AutoSwitch(proxy_url, SwitchPolicy::default()));
    for _ in 0..11 {
        s.clock.advance(Duration::from_secs(900));
        assert_eq!(s.client.search(&request()).await.unwrap_err().class(), "blocked");
    }
    assert_eq!(s.client.route(), Route::Direct);
}
