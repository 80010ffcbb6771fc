//! Planted secrets are found nowhere: not in the database, the logs at their most talkative, the metrics, any answer, an
//! export, and not in what a crash leaves behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod product;

use axum::Router;
use axum::http::StatusCode as Status;
use product::until;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::net::TcpListener;
use tokio::process::Command;

/// What must be found nowhere, in clear or as it looks in a URL or in base64.
const PLANTED: [&str; 6] = [
    "sk-planted/account+secret=0001",
    "fk-planted-key-secret-000000002",
    "planted-hook-token-00000000003",
    "planted-sign-secret-0000000004",
    "planted-mail-password-00000005",
    "planted-admin-key-000000000006",
];

fn forms(secret: &str) -> Vec<String> {
    use base64::Engine as _;
    let escaped: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let coded = base64::engine::general_purpose::STANDARD.encode(secret);
    vec![secret.to_owned(), escaped, coded]
}

fn found(text: &[u8]) -> Vec<String> {
    let holds = |needle: &String| text.windows(needle.len()).any(|part| part == needle.as_bytes());
    PLANTED.iter().flat_map(|secret| forms(secret)).filter(holds).collect()
}

/// A provider and a chat in one that repeat whatever they are sent, and always fail.
async fn echo() -> String {
    let app = Router::new().fallback(async |request: axum::extract::Request| {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
        let said = format!("{} {:?} {}", parts.uri, parts.headers, String::from_utf8_lossy(&body));
        (Status::UNAUTHORIZED, json!({"error": {"message": said}, "code": 19024, "msg": said}).to_string())
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}

struct Asked {
    client: Client,
    base: String,
    /// Every answer, for the search.
    heard: std::sync::Mutex<Vec<(String, Vec<u8>)>>,
}

impl Asked {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Option<(u16, Vec<u8>)> {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        request = request.header("x-api-key", PLANTED[5]);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let mut heard = format!("{:?}\n", answer.headers()).into_bytes();
        let body = answer.bytes().await.ok()?.to_vec();
        heard.extend(&body);
        self.heard.lock().unwrap().push((format!("{method} {path}"), heard));
        Some((status, body))
    }

    async fn json(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, body) = self.ask(method.clone(), path, body).await.unwrap();
        assert!(status < 500, "{method} {path}: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }
}

fn configuration(echo: &str, listen: &str) -> String {
    json!({
        "server": {"listen": listen, "data_dir": "data", "rate_limit": {"enabled": false}},
        "log": {"level": "trace", "format": "json"},
        "auth": {"admin_key": PLANTED[5]},
        "market": {"enabled": false},
        "notify": {"allow_private": true, "digest_window": "0s"},
        "accounts": {"allow_private": true, "base_urls": [format!("factory: {echo}")], "list": [
            {"name": "asked in the URL", "provider": "http_json", "secret": PLANTED[0],
             "params": [format!("url: {echo}/balance"), "auth: query:key", "remaining: balance"]},
            {"name": "asked in a header", "provider": "http_json", "secret": format!("{}x", PLANTED[0]),
             "params": [format!("url: {echo}/balance"), "remaining: balance"]},
        ]},
        "channels": [
            {"name": "chat", "kind": "feishu", "url": format!("{echo}/open-apis/bot/v2/hook/{}", PLANTED[2]),
             "secret": PLANTED[3], "allow_private": true},
            {"name": "mail", "kind": "email", "host": "127.0.0.1", "port": 9, "tls": "starttls", "user": "u",
             "password": PLANTED[4], "from": "a@example.com", "to": ["b@example.com"], "allow_private": true},
        ],
    })
    .to_string()
}

fn files(dir: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, all) } else { all.push(path) }
    }
}

const READ: [&str; 22] = [
    "/health",
    "/metrics",
    "/api/credits",
    "/api/data",
    "/api/keys",
    "/api/config/projects",
    "/api/config/emails",
    "/api/subscriptions",
    "/api/history/alerts",
    "/api/history/stats",
    "/api/v1/accounts",
    "/api/v1/accounts/1",
    "/api/v1/accounts/summary",
    "/api/v1/providers",
    "/api/v1/keys",
    "/api/v1/keys/summary",
    "/api/v1/alerts",
    "/api/v1/alerts/1",
    "/api/v1/channels",
    "/api/v1/channels/1",
    "/api/v1/deliveries",
    "/api/v1/reminders/mailboxes",
];

async fn everything(asked: &Asked) {
    let keys = json!({"text": format!("named,{}\n", PLANTED[1])});
    let imported = asked.json(Method::POST, "/api/v1/keys/import", Some(keys.clone())).await;
    assert_eq!(imported["data"]["success"], 1, "{imported}");
    let mailbox = json!({"name": "bills", "host": "127.0.0.1", "port": 9, "tls": "none", "username": "u",
                         "password": PLANTED[4], "allow_private": true});
    asked.json(Method::POST, "/api/v1/reminders/mailboxes", Some(mailbox)).await;
    asked.json(Method::POST, "/api/v1/keys/refresh", Some(json!({"all": true}))).await;
    asked.json(Method::POST, "/api/v1/accounts/refresh", Some(json!({"all": true}))).await;
    until("looked at", async || {
        let data = asked.json(Method::GET, "/api/v1/accounts", None).await;
        let keys = asked.json(Method::GET, "/api/v1/keys", None).await;
        let alerts = asked.json(Method::GET, "/api/v1/deliveries", None).await;
        data["data"].as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|a| a["status"] != "new"))
            && keys["data"][0]["status"] != "new"
            && alerts["data"].as_array().is_some_and(|all| all.iter().any(|d| !d["last_error"].is_null()))
    })
    .await;
    for path in READ {
        asked.ask(Method::GET, path, None).await.unwrap();
    }
    for (path, body) in [
        ("/api/v1/channels/1/test", json!({})),
        ("/api/v1/keys/export", json!({"all": true, "format": "csv"})),
        ("/api/v1/keys/export", json!({"all": true, "format": "json"})),
        // Refused, each in its way: the refusal must not repeat what was sent.
        ("/api/v1/keys/import", json!({"keys": [{"name": "x", "kay": PLANTED[1]}]})),
        ("/api/v1/accounts", json!({"name": "x", "provider": "opnrouter", "secret": PLANTED[0]})),
        ("/api/v1/accounts", json!({"name": "x", "provider": "aliyun", "secret": PLANTED[0]})),
        (
            "/api/v1/accounts",
            json!({"name": "again", "provider": "openrouter", "secret": PLANTED[0], "params": {"x": 1}}),
        ),
        (
            "/api/v1/accounts/test",
            json!({"name": "x", "provider": "http_json", "secret": PLANTED[0],
                                         "params": {"url": "http://169.254.169.254/", "remaining": "b"}}),
        ),
        (
            "/api/v1/channels",
            json!({"name": "x", "kind": "feishu", "config": {"hook": PLANTED[2], "secret": PLANTED[3]}}),
        ),
        ("/api/v1/keys", json!({"filter": {"q": PLANTED[1]}})),
    ] {
        asked.ask(Method::POST, path, Some(body)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_are_found_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    // Beside the place where everything is searched: the configuration holds them, of course.
    let configured = tempfile::tempdir().unwrap();
    let file = configured.path().join("tidewatch.yaml");
    std::fs::write(&file, configuration(&echo().await, &listen)).unwrap();
    let (out, err) = (dir.path().join("stdout"), dir.path().join("stderr"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidewatch"))
        .args(["serve", "--config", file.to_str().unwrap()])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(std::fs::File::create(&err).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let asked = Asked { client: Client::new(), base: format!("http://{listen}"), heard: std::sync::Mutex::default() };
    until("answering", async || asked.ask(Method::GET, "/live", None).await.is_some()).await;
    everything(&asked).await;
    // A crash: what the system would keep of it is the memory, which holds secrets.
    let pid = child.id().unwrap();
    let killed = std::process::Command::new("kill").args(["-ABRT", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    let ended = child.wait().await.unwrap();
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false), "no memory is kept");
    for (what, heard) in asked.heard.lock().unwrap().iter() {
        assert_eq!(found(heard), Vec::<String>::new(), "{what}: {}", String::from_utf8_lossy(heard));
    }
    let mut all = Vec::new();
    files(dir.path(), &mut all);
    assert!(all.iter().any(|f| f.ends_with("tidewatch.db")) && all.iter().all(|f| !f.ends_with("core")), "{all:?}");
    for file in all {
        assert_eq!(found(&std::fs::read(&file).unwrap()), Vec::<String>::new(), "{}", file.display());
    }
    let logged = std::fs::read_to_string(&err).unwrap();
    assert!(logged.contains("\"TRACE\"") || logged.contains("TRACE"), "the log must have been at its most talkative");
}

#[test]
fn the_search_finds_what_is_there() {
    for secret in PLANTED {
        for form in forms(secret) {
            assert!(!found(format!("…{form}…").as_bytes()).is_empty(), "{form}");
        }
    }
    assert!(found(b"nothing").is_empty());
}
