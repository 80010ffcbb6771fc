//! The simulated upstream over a real socket, with a client of a few lines so that broken answers can be seen as they are.

#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sim::faults::{Fault, FaultRule, Faults, When};
use sim::{Kind, MarketConfig, Profile, RunningSim, SearchQuery, SimConfig, SimServer, State};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const START: i64 = 1_788_188_400_000;
const SEARCH: &str = "/v2/entities:search";

fn config() -> SimConfig {
    let profiles = vec![Profile::named("初音ミク", 12.0, 0.4), Profile::named("原神", 3.0, 0.3)];
    SimConfig::new(MarketConfig::new(3, profiles, START), Arc::new(|| START))
}

async fn start() -> RunningSim {
    SimServer::start(config()).await.unwrap()
}

fn proof(path: &str, htm: &str) -> String {
    let mut scalar = [7; 32];
    scalar[0] = 1;
    let key = SigningKey::from_slice(&scalar).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = (b64(&point.as_bytes()[1..33]), b64(&point.as_bytes()[33..]));
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"crv": "P-256", "kty": "EC", "x": x, "y": y}});
    let claims = json!({"iat": 5, "jti": "j", "htu": format!("https://api.mercari.jp{path}"), "htm": htm});
    let signed = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
    let signature: Signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", b64(&signature.to_bytes()))
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
    whole: bool,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

fn unchunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = raw.windows(2).position(|w| w == b"\r\n") else { return (body, false) };
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = raw.get(end + 2..end + 2 + size) else { return (body, false) };
        body.extend(chunk);
        raw = raw.get(end + 4 + size..).unwrap_or_default();
    }
}

async fn send(sim: &RunningSim, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    send_to(sim.addr(), method, path, headers, body).await
}

async fn send_to(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    let _ = stream.read_to_end(&mut raw).await;
    let split = raw.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(raw[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut reply = Reply { status, head, body: raw[split + 4..].to_vec(), whole: false };
    if reply.header("transfer-encoding") == Some("chunked") {
        (reply.body, reply.whole) = unchunk(&reply.body);
    } else {
        reply.whole = reply.header("content-length").and_then(|n| n.parse().ok()) == Some(reply.body.len());
    }
    reply
}

fn body(keyword: &str, token: &str, statuses: &[&str]) -> String {
    json!({"userId": "", "pageSize": 120, "pageToken": token, "searchSessionId": "s", "withAuction": true,
        "searchCondition": {"keyword": keyword, "excludeKeyword": "", "sort": "SORT_CREATED_TIME",
            "order": "ORDER_DESC", "status": statuses}})
    .to_string()
}

async fn post(sim: &RunningSim, body: &str) -> Reply {
    send(sim, "POST", SEARCH, &[("X-Platform", "web"), ("DPoP", &proof(SEARCH, "POST"))], body).await
}

async fn search(sim: &RunningSim) -> Reply {
    post(sim, &body("初音ミク", "", &["STATUS_ON_SALE"])).await
}

async fn item(sim: &RunningSim, id: &str) -> Reply {
    let path = format!("/items/get?id={id}&include_auction=true");
    send(sim, "GET", &path, &[("X-Platform", "web"), ("DPoP", &proof(&path, "GET"))], "").await
}

async fn control(sim: &RunningSim, method: &str, path: &str, body: &Value) -> Value {
    let reply = send_to(sim.addr(), method, path, &[], &body.to_string()).await;
    assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

fn always(fault: Fault) -> Faults {
    let rule = FaultRule { fault, when: When::Every(1), path: None, keyword: None };
    Faults { rules: vec![rule], ..Faults::default() }
}

#[tokio::test]
async fn a_search_over_the_wire_is_the_search_in_process() {
    let sim = start().await;
    let reply = search(&sim).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert!(reply.header("cf-ray").is_some() && reply.header("date").is_some());
    let expected = sim.market().search(&SearchQuery::newest("初音ミク", &[State::OnSale], 0), START);
    assert_eq!(String::from_utf8(reply.body).unwrap(), expected.to_json(sim::Shape::Y2026));
    sim.shutdown().await;
}

#[tokio::test]
async fn requests_are_refused_as_the_real_server_refuses_them() {
    let sim = start().await;
    let (good, token) = (body("初音ミク", "", &[]), proof(SEARCH, "POST"));
    let code = |reply: &Reply| (reply.status, reply.json()["code"].clone());
    let reply = send(&sim, "POST", SEARCH, &[("DPoP", &token)], &good).await;
    assert_eq!((reply.status, reply.json()["errors"][0]["code"].clone()), (400, json!("UnsupportedVersionException")));
    let reply = send(&sim, "POST", SEARCH, &[("DPoP", &token), ("X-Platform", "ios")], &good).await;
    assert_eq!(reply.status, 400);
    let reply = send(&sim, "POST", SEARCH, &[("X-Platform", "web")], &good).await;
    assert_eq!(code(&reply), (401, json!(16)));
    // One character within the signature is another one.
    let middle = token.len() - 40;
    let other = if &token[middle..=middle] == "A" { "B" } else { "A" };
    let broken = format!("{}{other}{}", &token[..middle], &token[middle + 1..]);
    for bad in [proof("/items/get", "POST"), proof(SEARCH, "GET"), "a.b.c".to_owned(), broken] {
        let reply = send(&sim, "POST", SEARCH, &[("X-Platform", "web"), ("DPoP", &bad)], &good).await;
        assert_eq!(code(&reply), (401, json!(3)), "{bad}");
        assert_eq!(reply.json()["message"], "unauthorized: invalid token");
    }
    let reply = post(&sim, r#"{"searchCondition":{"keyword":"x","sizeId":[1]}}"#).await;
    assert_eq!(code(&reply), (400, json!(3)));
    assert_eq!(reply.json()["message"], "cannot unmarshal number into Go value of type string");
    let reply = post(&sim, &good.replace("ORDER_DESC", "DESC")).await;
    assert_eq!(code(&reply), (400, json!(3)));
    let reply = post(&sim, &good.replacen('{', "{\"withAuctionItems\":7,", 1)).await;
    assert_eq!(reply.status, 200);
    let reply = send(&sim, "GET", "/v2/products:search", &[], "").await;
    assert_eq!((reply.status, reply.body.as_slice()), (404, &b"404 page not found"[..]));
    sim.shutdown().await;
}

#[tokio::test]
async fn items_get_has_the_legacy_shape_and_its_errors() {
    let sim = start().await;
    let market = Arc::clone(sim.market());
    let sold = market.search(&SearchQuery::newest("初音ミク", &[State::SoldOut], 0), START);
    let row = sold.rows.iter().find(|r| !r.shops).unwrap();
    let reply = item(&sim, &row.id).await;
    let data = &reply.json()["data"];
    assert_eq!((reply.status, data["status"].as_str()), (200, Some("sold_out")));
    assert_eq!((data["price"].as_u64(), data["created"].as_i64()), (Some(u64::from(row.price)), Some(row.created)));
    assert_eq!((data["name"].as_str(), data["updated"].as_i64()), (Some(row.name.as_str()), Some(row.updated)));
    assert_eq!(data["transaction_evidence"]["status"], "done");
    let error = |reply: &Reply| (reply.status, reply.json()["errors"][0]["code"].as_str().unwrap().to_owned());
    let all = |now| {
        (0..9).flat_map(move |n| {
            sim::SearchPage::clone(&market.search(&SearchQuery::newest("初音ミク", &[], n), now)).rows
        })
    };
    let rows: Vec<_> = all(START).collect();
    let gone = rows.iter().filter_map(|r| sim.market().item(&r.id, START)).find(|t| t.deleted.is_some()).unwrap();
    sim.set_clock(gone.deleted.map(|at| i64::from(at) * 1000));
    assert_eq!(error(&item(&sim, &gone.id).await), (403, "InvisibleItemException".to_owned()));
    sim.set_clock(None);
    assert_eq!(error(&item(&sim, "m00000000000").await), (404, "RecordNotFoundException".to_owned()));
    assert_eq!(error(&item(&sim, "2JVoP4vefPkskNLnvGbb9P").await), (400, "InvalidArgument".to_owned()));
    let auction = rows.iter().find(|r| r.auction.is_some() && r.state == State::OnSale).unwrap();
    assert_eq!(sim.market().item(&auction.id, START).unwrap().kind, Kind::Auction);
    let data = item(&sim, &auction.id).await.json();
    assert_eq!(data["data"]["auction_info"]["highest_bid"].as_u64(), Some(u64::from(auction.price)));
    sim.shutdown().await;
}

#[tokio::test]
async fn each_fault_does_what_it_says() {
    let sim = start().await;
    let with = async |fault: Fault| {
        sim.set_faults(always(fault));
        search(&sim).await
    };
    let reply = with(Fault::TooManyRequests { retry_after_s: Some(30), http_date: false }).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("30")));
    let reply = with(Fault::TooManyRequests { retry_after_s: Some(30), http_date: true }).await;
    assert_eq!(reply.header("date"), Some("Mon, 31 Aug 2026 15:00:00 GMT"));
    assert_eq!(reply.header("retry-after"), Some("Mon, 31 Aug 2026 15:00:30 GMT"));
    let reply = with(Fault::TooManyRequests { retry_after_s: None, http_date: false }).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, None));
    assert_eq!(with(Fault::ServerError { status: 503 }).await.status, 503);
    let reply = with(Fault::Blocked).await;
    assert_eq!((reply.status, reply.header("content-type")), (403, Some("text/html; charset=UTF-8")));
    assert!(reply.header("cf-ray").is_some() && String::from_utf8_lossy(&reply.body).contains("Cloudflare"));
    let reply = with(Fault::Unauthorized).await;
    assert_eq!((reply.status, reply.json()["code"].as_u64()), (401, Some(3)));
    let reply = with(Fault::CutOff { chunked: false }).await;
    let promised: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert!(!reply.whole && !reply.body.is_empty() && reply.body.len() < promised);
    let reply = with(Fault::CutOff { chunked: true }).await;
    assert!(!reply.whole && !reply.body.is_empty() && reply.header("content-length").is_none());
    let reply = with(Fault::MalformedJson).await;
    assert!(reply.whole && reply.status == 200 && serde_json::from_slice::<Value>(&reply.body).is_err());
    let begun = Instant::now();
    let reply = with(Fault::SlowDrip { chunk_bytes: 20_000, pause_ms: 20 }).await;
    assert!(reply.whole && reply.json()["items"].is_array() && begun.elapsed() >= Duration::from_millis(40));
    let begun = Instant::now();
    assert_eq!(with(Fault::Stall { ms: 150 }).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    sim.set_faults(Faults { latency_ms: 60, jitter_ms: 5, ..Faults::default() });
    let begun = Instant::now();
    assert!(search(&sim).await.whole && begun.elapsed() >= Duration::from_millis(60));
    assert_eq!(sim.counters().by_fault.get("cut"), Some(&1));
    sim.shutdown().await;
}

#[tokio::test]
async fn clock_faults_counters_and_ledger_are_controlled_over_http() {
    let sim = start().await;
    let set = control(&sim, "POST", "/_sim/clock", &json!({"now_ms": START + 3_600_000})).await;
    assert_eq!(set["now_ms"], START + 3_600_000);
    let later = search(&sim).await.body;
    control(&sim, "POST", "/_sim/clock", &json!({"now_ms": null})).await;
    assert_ne!(later, search(&sim).await.body);
    let rules = json!({"rules": [{"fault": {"kind": "server_error", "status": 502}, "when": {"next": 1},
        "keyword": "原神"}]});
    control(&sim, "POST", "/_sim/faults", &rules).await;
    assert_eq!(search(&sim).await.status, 200);
    assert_eq!(post(&sim, &body("原神", "", &[])).await.status, 502);
    assert_eq!(post(&sim, &body("原神", "", &[])).await.status, 200);
    let counters = control(&sim, "GET", "/_sim/counters", &Value::Null).await;
    assert_eq!(counters["requests"], 5);
    assert_eq!((counters["by_keyword"]["原神"].clone(), counters["by_path"][SEARCH].clone()), (json!(2), json!(5)));
    assert_eq!((counters["by_fault"]["502"].clone(), counters["by_status"]["200"].clone()), (json!(1), json!(4)));
    let keyword = "keyword=%E5%8E%9F%E7%A5%9E";
    let path = format!("/_sim/ledger?{keyword}&from_ms={START}&to_ms={}", START + 7_200_000);
    let ledger = control(&sim, "GET", &path, &Value::Null).await;
    let expected = sim.market().ledger("原神", START, START + 7_200_000);
    assert_eq!(ledger, serde_json::to_value(&expected).unwrap());
    assert_eq!(expected.len(), 2);
    let path = format!("/_sim/sold_depth?{keyword}&since_ms={}", START - 36_000_000);
    assert!(!control(&sim, "GET", &path, &Value::Null).await.as_array().unwrap().is_empty());
    let ips = control(&sim, "GET", "/_sim/profiles", &Value::Null).await;
    assert_eq!(ips["ips"][1]["name"], "原神");
    sim.shutdown().await;
}

#[tokio::test]
async fn without_control_there_are_no_control_routes() {
    let sim = SimServer::start(SimConfig { control: false, ..config() }).await.unwrap();
    assert_eq!(send(&sim, "GET", "/_sim/counters", &[], "").await.status, 404);
    sim.shutdown().await;
}

#[tokio::test]
async fn the_page_traps_are_on_the_wire() {
    let sim = start().await;
    let minus = post(&sim, &body("原神", "v1:-1", &[])).await.json();
    assert_eq!(minus["meta"]["nextPageToken"], "v1:0");
    let none = post(&sim, &body("存在しない作品", "", &["STATUS_ON_SALE"])).await.json();
    assert_eq!((none["meta"]["numFound"].clone(), none["meta"]["nextPageToken"].clone()), (json!("0"), json!("")));
    assert_eq!(none["items"].as_array().unwrap().len(), 48);
    sim.shutdown().await;
}

#[tokio::test]
async fn replay_serves_recordings_and_steps_on() {
    let dir = tempfile::tempdir().unwrap();
    for (n, date) in ["Sun, 07 Aug 2022 13:53:44 GMT", "Mon, 15 Aug 2022 22:45:09 GMT"].iter().enumerate() {
        let write = |end: &str, value: Value| {
            std::fs::write(dir.path().join(format!("{n}.{end}.json")), value.to_string()).unwrap();
        };
        write("request", json!({"url": format!("https://h{SEARCH}"), "body": {"searchCondition": {"keyword": "k"}}}));
        write("response", json!({"headers": {"Date": date}, "body": {"meta": {"n": n}, "items": []}}));
    }
    let replay = Some(dir.path().to_path_buf());
    let sim = SimServer::start(SimConfig { replay, ..config() }).await.unwrap();
    let get = async || post(&sim, &body("k", "", &[])).await.json()["meta"]["n"].clone();
    assert_eq!((get().await, get().await), (json!(0), json!(0)));
    assert_eq!(control(&sim, "POST", "/_sim/replay/step", &json!({})).await["step"], 1);
    assert_eq!(get().await, 1);
    assert_eq!(sim.replay_step(1), 2);
    assert_eq!(get().await, 1);
    assert!(search(&sim).await.json()["items"].as_array().unwrap().len() > 48);
    assert_eq!(control(&sim, "GET", "/_sim/replay", &Value::Null).await.as_array().unwrap().len(), 2);
    sim.shutdown().await;
}

#[tokio::test]
async fn a_taken_port_is_said() {
    let sim = start().await;
    let again = SimServer::start(SimConfig { listen: sim.addr(), ..config() }).await;
    assert!(matches!(again, Err(sim::SimError::Listen(addr, _)) if addr == sim.addr()));
    sim.shutdown().await;
}

#[tokio::test]
async fn the_program_says_where_it_listens() {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sim"));
    command.args(["--listen", "127.0.0.1:0", "--profiles", "spread:3", "--seed", "9", "--faults", "503:next=1"]);
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let addr: SocketAddr = line.trim().strip_prefix("listening on ").unwrap().parse().unwrap();
    let ips = send_to(addr, "GET", "/_sim/profiles", &[], "").await.json();
    assert_eq!(ips["ips"].as_array().unwrap().len(), 3);
    let headers = [("X-Platform", "web"), ("DPoP", &proof(SEARCH, "POST"))];
    let body = body("架空作品03", "", &["STATUS_TRADING", "STATUS_SOLD_OUT"]);
    assert_eq!(send_to(addr, "POST", SEARCH, &headers, &body).await.status, 503);
    let page = send_to(addr, "POST", SEARCH, &headers, &body).await.json();
    assert!(page["items"].as_array().unwrap().len() > 100);
    child.kill().await.unwrap();
}
